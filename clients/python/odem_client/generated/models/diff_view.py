from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.change_view import ChangeView
    from ..models.task_diff import TaskDiff
    from ..models.tensor_diff import TensorDiff


T = TypeVar("T", bound="DiffView")


@_attrs_define
class DiffView:
    """Differences between two versions.

    Attributes:
        a (str): Full name of the first version.
        b (str): Full name of the second version.
        total (ChangeView): Distance between a and b; null where a measure is undefined.
        tensors (list[TensorDiff]): Tensors that differ.
        unchanged (int): Number of tensors that do not differ.
        tasks (list[TaskDiff]): Tasks of both versions.
    """

    a: str
    b: str
    total: ChangeView
    tensors: list[TensorDiff]
    unchanged: int
    tasks: list[TaskDiff]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        a = self.a

        b = self.b

        total = self.total.to_dict()

        tensors = []
        for tensors_item_data in self.tensors:
            tensors_item = tensors_item_data.to_dict()
            tensors.append(tensors_item)

        unchanged = self.unchanged

        tasks = []
        for tasks_item_data in self.tasks:
            tasks_item = tasks_item_data.to_dict()
            tasks.append(tasks_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "a": a,
                "b": b,
                "total": total,
                "tensors": tensors,
                "unchanged": unchanged,
                "tasks": tasks,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.change_view import ChangeView  # noqa: PLC0415
        from ..models.task_diff import TaskDiff  # noqa: PLC0415
        from ..models.tensor_diff import TensorDiff  # noqa: PLC0415

        d = dict(src_dict)
        a = d.pop("a")

        b = d.pop("b")

        total = ChangeView.from_dict(d.pop("total"))

        tensors = []
        _tensors = d.pop("tensors")
        for tensors_item_data in _tensors:
            tensors_item = TensorDiff.from_dict(tensors_item_data)

            tensors.append(tensors_item)

        unchanged = d.pop("unchanged")

        tasks = []
        _tasks = d.pop("tasks")
        for tasks_item_data in _tasks:
            tasks_item = TaskDiff.from_dict(tasks_item_data)

            tasks.append(tasks_item)

        diff_view = cls(
            a=a,
            b=b,
            total=total,
            tensors=tensors,
            unchanged=unchanged,
            tasks=tasks,
        )

        diff_view.additional_properties = d
        return diff_view

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
