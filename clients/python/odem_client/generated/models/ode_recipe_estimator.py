from enum import StrEnum


class OdeRecipeEstimator(StrEnum):
    BATCHES = "batches"
    SAMPLES = "samples"

    def __str__(self) -> str:
        return str(self.value)
