from enum import StrEnum


class OdeRecipePrecision(StrEnum):
    AUTO = "auto"
    BF16 = "bf16"
    FLOAT32 = "float32"
    TF32 = "tf32"

    def __str__(self) -> str:
        return str(self.value)
