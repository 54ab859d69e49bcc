from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define

T = TypeVar("T", bound="MergeProblem")


@_attrs_define
class MergeProblem:
    """Why a merge failed. Source: RFC 9457.

    Attributes:
        type_ (str): The problem type; stable.
        title (str): A short summary of the problem type.
        detail (str): What happened and what to do.
    """

    type_: str
    title: str
    detail: str

    def to_dict(self) -> dict[str, Any]:
        type_ = self.type_

        title = self.title

        detail = self.detail

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "type": type_,
                "title": title,
                "detail": detail,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        type_ = d.pop("type")

        title = d.pop("title")

        detail = d.pop("detail")

        merge_problem = cls(
            type_=type_,
            title=title,
            detail=detail,
        )

        return merge_problem
