from enum import StrEnum


class OdeRecipeOnViolation(StrEnum):
    SHORTEN = "shorten"
    SKIP = "skip"

    def __str__(self) -> str:
        return str(self.value)
