from enum import StrEnum


class OdeRecipeRectifier(StrEnum):
    AGGREGATE = "aggregate"
    NONE = "none"
    PER_TASK = "per_task"

    def __str__(self) -> str:
        return str(self.value)
