from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="Task")


@_attrs_define
class Task:
    """A classification task, as the zero-shot head of CLIP describes it.

    Source: CLIP, arXiv 2103.00020, section 3.1.4 (prompt ensembling); ODE-M, arXiv 2605.19409 (utility).

        Attributes:
            name (str): Name of the task, unique in its lineage.
            classnames (list[str] | Unset): One name for each label, label 0 first; empty if the calibration file has a
                `head`.
            templates (list[str] | Unset): Prompts with `{}` in place of the class name; a class's embedding is the mean
                over all of them.
            utility (float | Unset): Importance u_k of the task, which decides its operating time T_k = u_k / (u_1 + ... +
                u_k). Default: 1.0.
    """

    name: str
    classnames: list[str] | Unset = UNSET
    templates: list[str] | Unset = UNSET
    utility: float | Unset = 1.0

    def to_dict(self) -> dict[str, Any]:
        name = self.name

        classnames: list[str] | Unset = UNSET
        if not isinstance(self.classnames, Unset):
            classnames = self.classnames

        templates: list[str] | Unset = UNSET
        if not isinstance(self.templates, Unset):
            templates = self.templates

        utility = self.utility

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "name": name,
            }
        )
        if classnames is not UNSET:
            field_dict["classnames"] = classnames
        if templates is not UNSET:
            field_dict["templates"] = templates
        if utility is not UNSET:
            field_dict["utility"] = utility

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        name = d.pop("name")

        classnames = cast(list[str], d.pop("classnames", UNSET))

        templates = cast(list[str], d.pop("templates", UNSET))

        utility = d.pop("utility", UNSET)

        task = cls(
            name=name,
            classnames=classnames,
            templates=templates,
            utility=utility,
        )

        return task
