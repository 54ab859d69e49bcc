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

T = TypeVar("T", bound="ConsensusRecipe")


@_attrs_define
class ConsensusRecipe:
    """Consensus: the sum without entries that matter to few tasks; approximate continually. Source: arXiv 2405.07813.

    Attributes:
        method (Literal['consensus'] | Unset): Name of the merge method. Default: 'consensus'.
        threshold (int | Unset): k: tasks that must use an entry. Default: arXiv 2405.07813
        mask_scale (float | Unset): λ of the masks. Default: the middle of the source's 0.2 to 0.6
        scaling (float | Unset): factor of the masked sum. Default: task arithmetic's, arXiv 2212.04089
    """

    method: Literal["consensus"] | Unset = "consensus"
    threshold: int | Unset = UNSET
    mask_scale: float | Unset = UNSET
    scaling: float | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        method = self.method

        threshold = self.threshold

        mask_scale = self.mask_scale

        scaling = self.scaling

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if method is not UNSET:
            field_dict["method"] = method
        if threshold is not UNSET:
            field_dict["threshold"] = threshold
        if mask_scale is not UNSET:
            field_dict["mask_scale"] = mask_scale
        if scaling is not UNSET:
            field_dict["scaling"] = scaling

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        method = cast(Literal["consensus"] | Unset, d.pop("method", UNSET))
        if method != "consensus" and not isinstance(method, Unset):
            raise ValueError(f"method must match const 'consensus', got '{method}'")

        threshold = d.pop("threshold", UNSET)

        mask_scale = d.pop("mask_scale", UNSET)

        scaling = d.pop("scaling", UNSET)

        consensus_recipe = cls(
            method=method,
            threshold=threshold,
            mask_scale=mask_scale,
            scaling=scaling,
        )

        return consensus_recipe
