from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.scores import Scores


T = TypeVar("T", bound="TaskDiff")


@_attrs_define
class TaskDiff:
    """A task of either version.

    Attributes:
        name (str): Name of the task.
        a (None | Scores): Scores in a; null if a does not have the task.
        b (None | Scores): Scores in b; null if b does not have the task.
    """

    name: str
    a: None | Scores
    b: None | Scores
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.scores import Scores  # noqa: PLC0415

        name = self.name

        a: dict[str, Any] | None
        if isinstance(self.a, Scores):
            a = self.a.to_dict()
        else:
            a = self.a

        b: dict[str, Any] | None
        if isinstance(self.b, Scores):
            b = self.b.to_dict()
        else:
            b = self.b

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "name": name,
                "a": a,
                "b": b,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.scores import Scores  # noqa: PLC0415

        d = dict(src_dict)
        name = d.pop("name")

        def _parse_a(data: object) -> None | Scores:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                a_type_0 = Scores.from_dict(data)

                return a_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | Scores, data)

        a = _parse_a(d.pop("a"))

        def _parse_b(data: object) -> None | Scores:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                b_type_0 = Scores.from_dict(data)

                return b_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | Scores, data)

        b = _parse_b(d.pop("b"))

        task_diff = cls(
            name=name,
            a=a,
            b=b,
        )

        task_diff.additional_properties = d
        return task_diff

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
