from enum import StrEnum


class OdeRecipeProgram(StrEnum):
    EXACT = "exact"
    RELEASED = "released"

    def __str__(self) -> str:
        return str(self.value)
