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

T = TypeVar("T", bound="AswudiRecipe")


@_attrs_define
class AswudiRecipe:
    """ASWUDI: WUDI on as many eigendirections as the spectrum has effective ranks; exact continually. Source: arXiv
    2606.07289.

        Attributes:
            method (Literal['aswudi'] | Unset): Name of the merge method. Default: 'aswudi'.
            scaling (float | Unset): factor of the merged matrices from the second task on. Default: the sources have none;
                with eight tasks 1.3 gave half a point more on a sentence encoder and on an image backbone
            max_moment_bytes (int | Unset): most bytes that the second moments of one matrix may take in memory; a larger
                one is refused. About three times as much is in use while that matrix is merged
    """

    method: Literal["aswudi"] | Unset = "aswudi"
    scaling: float | Unset = UNSET
    max_moment_bytes: int | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        method = self.method

        scaling = self.scaling

        max_moment_bytes = self.max_moment_bytes

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if method is not UNSET:
            field_dict["method"] = method
        if scaling is not UNSET:
            field_dict["scaling"] = scaling
        if max_moment_bytes is not UNSET:
            field_dict["max_moment_bytes"] = max_moment_bytes

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        method = cast(Literal["aswudi"] | Unset, d.pop("method", UNSET))
        if method != "aswudi" and not isinstance(method, Unset):
            raise ValueError(f"method must match const 'aswudi', got '{method}'")

        scaling = d.pop("scaling", UNSET)

        max_moment_bytes = d.pop("max_moment_bytes", UNSET)

        aswudi_recipe = cls(
            method=method,
            scaling=scaling,
            max_moment_bytes=max_moment_bytes,
        )

        return aswudi_recipe
