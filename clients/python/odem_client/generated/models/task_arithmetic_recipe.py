from __future__ import annotations

from collections.abc import Mapping
from typing import (
    Any,
    Literal,
    Self,
    TypeVar,
    cast,
)

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="TaskArithmeticRecipe")


@_attrs_define
class TaskArithmeticRecipe:
    """Task arithmetic: θ + λ τ' with τ' = θ' − θ_pre. Source: arXiv 2212.04089.

    Attributes:
        method (Literal['task_arithmetic'] | Unset): Name of the merge method. Default: 'task_arithmetic'.
        scaling (float | Unset): λ: factor of the task vector; below 0 it makes the model forget it
    """

    method: Literal["task_arithmetic"] | Unset = "task_arithmetic"
    scaling: float | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        method = self.method

        scaling = self.scaling

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if method is not UNSET:
            field_dict["method"] = method
        if scaling is not UNSET:
            field_dict["scaling"] = scaling

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        method = cast(Literal["task_arithmetic"] | Unset, d.pop("method", UNSET))
        if method != "task_arithmetic" and not isinstance(method, Unset):
            raise ValueError(
                f"method must match const 'task_arithmetic', got '{method}'"
            )

        scaling = d.pop("scaling", UNSET)

        task_arithmetic_recipe = cls(
            method=method,
            scaling=scaling,
        )

        return task_arithmetic_recipe
