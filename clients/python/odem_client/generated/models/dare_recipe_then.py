from enum import StrEnum


class DareRecipeThen(StrEnum):
    TASK_ARITHMETIC = "task_arithmetic"
    TIES = "ties"

    def __str__(self) -> str:
        return str(self.value)
