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

T = TypeVar("T", bound="IsoCtsRecipe")


@_attrs_define
class IsoCtsRecipe:
    """Iso-CTS: a flat spectrum over the common subspace and each task's own directions, per matrix; approximate
    continually. Source: arXiv 2502.04959.

        Attributes:
            method (Literal['iso_cts'] | Unset): Name of the merge method. Default: 'iso_cts'.
            common (float | Unset): share of a matrix's rank that the common subspace has. Default: arXiv 2502.04959,
                section 5
            scaling (float | Unset): factor of the merged matrices. Default: FusionBench's configuration of Iso-CTS
    """

    method: Literal["iso_cts"] | Unset = "iso_cts"
    common: float | Unset = UNSET
    scaling: float | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        method = self.method

        common = self.common

        scaling = self.scaling

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if method is not UNSET:
            field_dict["method"] = method
        if common is not UNSET:
            field_dict["common"] = common
        if scaling is not UNSET:
            field_dict["scaling"] = scaling

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        method = cast(Literal["iso_cts"] | Unset, d.pop("method", UNSET))
        if method != "iso_cts" and not isinstance(method, Unset):
            raise ValueError(f"method must match const 'iso_cts', got '{method}'")

        common = d.pop("common", UNSET)

        scaling = d.pop("scaling", UNSET)

        iso_cts_recipe = cls(
            method=method,
            common=common,
            scaling=scaling,
        )

        return iso_cts_recipe
