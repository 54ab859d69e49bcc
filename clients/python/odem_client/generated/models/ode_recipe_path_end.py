from enum import StrEnum


class OdeRecipePathEnd(StrEnum):
    EXACT = "exact"
    LAST_GRID_POINT = "last_grid_point"

    def __str__(self) -> str:
        return str(self.value)
