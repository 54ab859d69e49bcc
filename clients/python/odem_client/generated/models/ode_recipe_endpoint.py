from enum import StrEnum


class OdeRecipeEndpoint(StrEnum):
    CHECKPOINT = "checkpoint"
    JOINT = "joint"

    def __str__(self) -> str:
        return str(self.value)
