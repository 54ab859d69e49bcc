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

T = TypeVar("T", bound="TsvMRecipe")


@_attrs_define
class TsvMRecipe:
    """TSV-M: the leading singular vectors of all task vectors, orthogonalised and added, per matrix; exact continually.
    Source: arXiv 2412.00081.

        Attributes:
            method (Literal['tsv_m'] | Unset): Name of the merge method. Default: 'tsv_m'.
            scaling (float | Unset): factor of the merged matrices. Default: arXiv 2412.00081, α = 1
    """

    method: Literal["tsv_m"] | Unset = "tsv_m"
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
        method = cast(Literal["tsv_m"] | Unset, d.pop("method", UNSET))
        if method != "tsv_m" and not isinstance(method, Unset):
            raise ValueError(f"method must match const 'tsv_m', got '{method}'")

        scaling = d.pop("scaling", UNSET)

        tsv_m_recipe = cls(
            method=method,
            scaling=scaling,
        )

        return tsv_m_recipe
