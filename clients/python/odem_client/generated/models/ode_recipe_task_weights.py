from enum import StrEnum


class OdeRecipeTaskWeights(StrEnum):
    EQUAL = "equal"
    UTILITIES = "utilities"

    def __str__(self) -> str:
        return str(self.value)
