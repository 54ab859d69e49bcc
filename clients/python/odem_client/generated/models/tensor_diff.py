from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.change_view import ChangeView
    from ..models.tensor_shape import TensorShape


T = TypeVar("T", bound="TensorDiff")


@_attrs_define
class TensorDiff:
    """A tensor that differs between the versions.

    Attributes:
        name (str): Name of the tensor.
        a (None | TensorShape): The tensor in a; null if b adds it.
        b (None | TensorShape): The tensor in b; null if b removes it.
        change (ChangeView | None): How far b is from a; null if the shapes differ.
    """

    name: str
    a: None | TensorShape
    b: None | TensorShape
    change: ChangeView | None
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.change_view import ChangeView  # noqa: PLC0415
        from ..models.tensor_shape import TensorShape  # noqa: PLC0415

        name = self.name

        a: dict[str, Any] | None
        if isinstance(self.a, TensorShape):
            a = self.a.to_dict()
        else:
            a = self.a

        b: dict[str, Any] | None
        if isinstance(self.b, TensorShape):
            b = self.b.to_dict()
        else:
            b = self.b

        change: dict[str, Any] | None
        if isinstance(self.change, ChangeView):
            change = self.change.to_dict()
        else:
            change = self.change

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "name": name,
                "a": a,
                "b": b,
                "change": change,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.change_view import ChangeView  # noqa: PLC0415
        from ..models.tensor_shape import TensorShape  # noqa: PLC0415

        d = dict(src_dict)
        name = d.pop("name")

        def _parse_a(data: object) -> None | TensorShape:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                a_type_0 = TensorShape.from_dict(data)

                return a_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | TensorShape, data)

        a = _parse_a(d.pop("a"))

        def _parse_b(data: object) -> None | TensorShape:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                b_type_0 = TensorShape.from_dict(data)

                return b_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | TensorShape, data)

        b = _parse_b(d.pop("b"))

        def _parse_change(data: object) -> ChangeView | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                change_type_0 = ChangeView.from_dict(data)

                return change_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(ChangeView | None, data)

        change = _parse_change(d.pop("change"))

        tensor_diff = cls(
            name=name,
            a=a,
            b=b,
            change=change,
        )

        tensor_diff.additional_properties = d
        return tensor_diff

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
