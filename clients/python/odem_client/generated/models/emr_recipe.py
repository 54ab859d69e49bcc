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

T = TypeVar("T", bound="EmrRecipe")


@_attrs_define
class EmrRecipe:
    """EMR: elect a sign for each entry by the sum, take the largest magnitude of that sign; exact continually. Source:
    arXiv 2405.17461.

        Attributes:
            method (Literal['emr'] | Unset): Name of the merge method. Default: 'emr'.
            scaling (float | Unset): factor of the unified vector. Default: MagMax's, because the source only uses the
                vector with masks and scales
    """

    method: Literal["emr"] | Unset = "emr"
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
        method = cast(Literal["emr"] | Unset, d.pop("method", UNSET))
        if method != "emr" and not isinstance(method, Unset):
            raise ValueError(f"method must match const 'emr', got '{method}'")

        scaling = d.pop("scaling", UNSET)

        emr_recipe = cls(
            method=method,
            scaling=scaling,
        )

        return emr_recipe
