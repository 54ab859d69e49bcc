from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.gate import Gate
    from ..models.merge_request_labels import MergeRequestLabels
    from ..models.merge_request_recipe_type_0 import MergeRequestRecipeType0
    from ..models.task import Task


T = TypeVar("T", bound="MergeRequest")


@_attrs_define
class MergeRequest:
    """The JSON part `merge` of POST /merge, or its JSON body when the blobs were uploaded before.

    Attributes:
        task (Task): A classification task, as the zero-shot head of CLIP describes it.

            Source: CLIP, arXiv 2103.00020, section 3.1.4 (prompt ensembling); ODE-M, arXiv 2605.19409 (utility).
        lineage (str | Unset): The lineage to merge into. Default: 'default'.
        recipe (MergeRequestRecipeType0 | None | Unset): Parameters that override the lineage's recipe.
        gate (Gate | None | Unset): Quality gate in place of the lineage's.
        labels (MergeRequestLabels | Unset): Labels of your own, shown with the merge.
        checkpoint (None | str | Unset): JSON body: a blob uploaded before. JSON part: the digest that the part with the
            file must have.
        calibration (None | str | Unset): JSON body: a blob uploaded before. JSON part: the digest that the part with
            the file must have.
    """

    task: Task
    lineage: str | Unset = "default"
    recipe: MergeRequestRecipeType0 | None | Unset = UNSET
    gate: Gate | None | Unset = UNSET
    labels: MergeRequestLabels | Unset = UNSET
    checkpoint: None | str | Unset = UNSET
    calibration: None | str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        from ..models.gate import Gate  # noqa: PLC0415
        from ..models.merge_request_recipe_type_0 import MergeRequestRecipeType0  # noqa: PLC0415

        task = self.task.to_dict()

        lineage = self.lineage

        recipe: dict[str, Any] | None | Unset
        if isinstance(self.recipe, Unset):
            recipe = UNSET
        elif isinstance(self.recipe, MergeRequestRecipeType0):
            recipe = self.recipe.to_dict()
        else:
            recipe = self.recipe

        gate: dict[str, Any] | None | Unset
        if isinstance(self.gate, Unset):
            gate = UNSET
        elif isinstance(self.gate, Gate):
            gate = self.gate.to_dict()
        else:
            gate = self.gate

        labels: dict[str, Any] | Unset = UNSET
        if not isinstance(self.labels, Unset):
            labels = self.labels.to_dict()

        checkpoint: None | str | Unset
        if isinstance(self.checkpoint, Unset):
            checkpoint = UNSET
        else:
            checkpoint = self.checkpoint

        calibration: None | str | Unset
        if isinstance(self.calibration, Unset):
            calibration = UNSET
        else:
            calibration = self.calibration

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "task": task,
            }
        )
        if lineage is not UNSET:
            field_dict["lineage"] = lineage
        if recipe is not UNSET:
            field_dict["recipe"] = recipe
        if gate is not UNSET:
            field_dict["gate"] = gate
        if labels is not UNSET:
            field_dict["labels"] = labels
        if checkpoint is not UNSET:
            field_dict["checkpoint"] = checkpoint
        if calibration is not UNSET:
            field_dict["calibration"] = calibration

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.gate import Gate  # noqa: PLC0415
        from ..models.merge_request_labels import MergeRequestLabels  # noqa: PLC0415
        from ..models.merge_request_recipe_type_0 import MergeRequestRecipeType0  # noqa: PLC0415
        from ..models.task import Task  # noqa: PLC0415

        d = dict(src_dict)
        task = Task.from_dict(d.pop("task"))

        lineage = d.pop("lineage", UNSET)

        def _parse_recipe(data: object) -> MergeRequestRecipeType0 | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                recipe_type_0 = MergeRequestRecipeType0.from_dict(data)

                return recipe_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(MergeRequestRecipeType0 | None | Unset, data)

        recipe = _parse_recipe(d.pop("recipe", UNSET))

        def _parse_gate(data: object) -> Gate | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                gate_type_0 = Gate.from_dict(data)

                return gate_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Gate | None | Unset, data)

        gate = _parse_gate(d.pop("gate", UNSET))

        _labels = d.pop("labels", UNSET)
        labels: MergeRequestLabels | Unset
        if isinstance(_labels, Unset):
            labels = UNSET
        else:
            labels = MergeRequestLabels.from_dict(_labels)

        def _parse_checkpoint(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        checkpoint = _parse_checkpoint(d.pop("checkpoint", UNSET))

        def _parse_calibration(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        calibration = _parse_calibration(d.pop("calibration", UNSET))

        merge_request = cls(
            task=task,
            lineage=lineage,
            recipe=recipe,
            gate=gate,
            labels=labels,
            checkpoint=checkpoint,
            calibration=calibration,
        )

        return merge_request
