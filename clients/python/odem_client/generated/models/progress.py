from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.progress_losses import ProgressLosses


T = TypeVar("T", bound="Progress")


@_attrs_define
class Progress:
    """The progress of a running merge.

    Attributes:
        phase (str): loading, merging (the path), weighing (its coefficients), refining, evaluating or writing.
        step (int | None | Unset): Step in this phase.
        t (float | None | Unset): Time on the path from head (0) to checkpoint (1).
        T (float | None | Unset): Operating time at which the path ends.
        losses (ProgressLosses | Unset): Newest loss of each task.
        scale (float | None | Unset): Scale of the newest step.
    """

    phase: str
    step: int | None | Unset = UNSET
    t: float | None | Unset = UNSET
    T: float | None | Unset = UNSET
    losses: ProgressLosses | Unset = UNSET
    scale: float | None | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        phase = self.phase

        step: int | None | Unset
        if isinstance(self.step, Unset):
            step = UNSET
        else:
            step = self.step

        t: float | None | Unset
        if isinstance(self.t, Unset):
            t = UNSET
        else:
            t = self.t

        T: float | None | Unset
        if isinstance(self.T, Unset):
            T = UNSET
        else:
            T = self.T

        losses: dict[str, Any] | Unset = UNSET
        if not isinstance(self.losses, Unset):
            losses = self.losses.to_dict()

        scale: float | None | Unset
        if isinstance(self.scale, Unset):
            scale = UNSET
        else:
            scale = self.scale

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "phase": phase,
            }
        )
        if step is not UNSET:
            field_dict["step"] = step
        if t is not UNSET:
            field_dict["t"] = t
        if T is not UNSET:
            field_dict["T"] = T
        if losses is not UNSET:
            field_dict["losses"] = losses
        if scale is not UNSET:
            field_dict["scale"] = scale

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.progress_losses import ProgressLosses  # noqa: PLC0415

        d = dict(src_dict)
        phase = d.pop("phase")

        def _parse_step(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        step = _parse_step(d.pop("step", UNSET))

        def _parse_t(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(float | None | Unset, data)

        t = _parse_t(d.pop("t", UNSET))

        def _parse_T(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(float | None | Unset, data)

        T = _parse_T(d.pop("T", UNSET))

        _losses = d.pop("losses", UNSET)
        losses: ProgressLosses | Unset
        if isinstance(_losses, Unset):
            losses = UNSET
        else:
            losses = ProgressLosses.from_dict(_losses)

        def _parse_scale(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(float | None | Unset, data)

        scale = _parse_scale(d.pop("scale", UNSET))

        progress = cls(
            phase=phase,
            step=step,
            t=t,
            T=T,
            losses=losses,
            scale=scale,
        )

        return progress
