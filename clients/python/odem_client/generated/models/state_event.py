from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import (
    TYPE_CHECKING,
    Any,
    Literal,
    Self,
    TypeVar,
    cast,
)

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.merge_state import MergeState
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.merge_problem import MergeProblem


T = TypeVar("T", bound="StateEvent")


@_attrs_define
class StateEvent:
    """State of a merge: its present one at the start of a stream, then each new one.

    Attributes:
        lineage (str): Lineage of the merge.
        merge (str): Id of the merge.
        state (MergeState): The state of a merge; the last four are terminal.

            queued -> running (claim); running -> succeeded (commit), rejected (its gate was not met), failed (fail),
            cancelled (cancel), or back to queued at its old position when its lease expires.
        attempt (int | None): Number of the attempt, from 1; null before the first.
        version (None | str): The version that the merge created; null unless it succeeded.
        problem (MergeProblem | None): Why the merge failed; null unless it did.
        at (datetime.datetime): When the merge entered the state.
        type_ (Literal['state'] | Unset): Name of the event. Default: 'state'.
    """

    lineage: str
    merge: str
    state: MergeState
    attempt: int | None
    version: None | str
    problem: MergeProblem | None
    at: datetime.datetime
    type_: Literal["state"] | Unset = "state"
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.merge_problem import MergeProblem  # noqa: PLC0415

        lineage = self.lineage

        merge = self.merge

        state = self.state.value

        attempt: int | None
        attempt = self.attempt

        version: None | str
        version = self.version

        problem: dict[str, Any] | None
        if isinstance(self.problem, MergeProblem):
            problem = self.problem.to_dict()
        else:
            problem = self.problem

        at = self.at.isoformat()

        type_ = self.type_

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "lineage": lineage,
                "merge": merge,
                "state": state,
                "attempt": attempt,
                "version": version,
                "problem": problem,
                "at": at,
            }
        )
        if type_ is not UNSET:
            field_dict["type"] = type_

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.merge_problem import MergeProblem  # noqa: PLC0415

        d = dict(src_dict)
        lineage = d.pop("lineage")

        merge = d.pop("merge")

        state = MergeState(d.pop("state"))

        def _parse_attempt(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        attempt = _parse_attempt(d.pop("attempt"))

        def _parse_version(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        version = _parse_version(d.pop("version"))

        def _parse_problem(data: object) -> MergeProblem | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                problem_type_0 = MergeProblem.from_dict(data)

                return problem_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(MergeProblem | None, data)

        problem = _parse_problem(d.pop("problem"))

        at = datetime.datetime.fromisoformat(d.pop("at"))

        type_ = cast(Literal["state"] | Unset, d.pop("type", UNSET))
        if type_ != "state" and not isinstance(type_, Unset):
            raise ValueError(f"type must match const 'state', got '{type_}'")

        state_event = cls(
            lineage=lineage,
            merge=merge,
            state=state,
            attempt=attempt,
            version=version,
            problem=problem,
            at=at,
            type_=type_,
        )

        state_event.additional_properties = d
        return state_event

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
