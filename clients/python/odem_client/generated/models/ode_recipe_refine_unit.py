from enum import StrEnum


class OdeRecipeRefineUnit(StrEnum):
    DISTANCE = "distance"
    PARAMETERS = "parameters"

    def __str__(self) -> str:
        return str(self.value)
