from enum import StrEnum


class OdeRecipeIntegrator(StrEnum):
    ADAMS = "adams"
    ADAPTIVE = "adaptive"
    EULER = "euler"

    def __str__(self) -> str:
        return str(self.value)
