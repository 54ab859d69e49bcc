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

T = TypeVar("T", bound="NuFiltRecipe")


@_attrs_define
class NuFiltRecipe:
    """NUFILT's filter: τ' outside the leading right singular space of the merged update, per matrix. Source: arXiv
    2509.21413.

        Attributes:
            method (Literal['nufilt'] | Unset): Name of the merge method. Default: 'nufilt'.
            rank (int | Unset): number of protected directions. Default: the authors' configuration
    """

    method: Literal["nufilt"] | Unset = "nufilt"
    rank: int | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        method = self.method

        rank = self.rank

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if method is not UNSET:
            field_dict["method"] = method
        if rank is not UNSET:
            field_dict["rank"] = rank

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        method = cast(Literal["nufilt"] | Unset, d.pop("method", UNSET))
        if method != "nufilt" and not isinstance(method, Unset):
            raise ValueError(f"method must match const 'nufilt', got '{method}'")

        rank = d.pop("rank", UNSET)

        nu_filt_recipe = cls(
            method=method,
            rank=rank,
        )

        return nu_filt_recipe
