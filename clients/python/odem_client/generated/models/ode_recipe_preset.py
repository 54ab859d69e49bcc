from enum import StrEnum


class OdeRecipePreset(StrEnum):
    DEFAULT = "default"
    RELEASED = "released"

    def __str__(self) -> str:
        return str(self.value)
