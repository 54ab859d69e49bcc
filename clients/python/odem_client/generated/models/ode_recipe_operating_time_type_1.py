from enum import StrEnum


class OdeRecipeOperatingTimeType1(StrEnum):
    AUTO = "auto"
    UTILITIES = "utilities"

    def __str__(self) -> str:
        return str(self.value)
