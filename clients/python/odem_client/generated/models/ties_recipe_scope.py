from enum import StrEnum


class TiesRecipeScope(StrEnum):
    MODEL = "model"
    TENSOR = "tensor"

    def __str__(self) -> str:
        return str(self.value)
