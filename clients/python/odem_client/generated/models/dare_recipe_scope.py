from enum import StrEnum


class DareRecipeScope(StrEnum):
    MODEL = "model"
    TENSOR = "tensor"

    def __str__(self) -> str:
        return str(self.value)
