from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.act_mat_recipe_output import ActMatRecipeOutput
    from ..models.architecture import Architecture
    from ..models.aswudi_recipe_output import AswudiRecipeOutput
    from ..models.average_recipe_output import AverageRecipeOutput
    from ..models.breadcrumbs_recipe_output import BreadcrumbsRecipeOutput
    from ..models.consensus_recipe_output import ConsensusRecipeOutput
    from ..models.dare_recipe_output import DareRecipeOutput
    from ..models.dc_merge_recipe_output import DcMergeRecipeOutput
    from ..models.della_recipe_output import DellaRecipeOutput
    from ..models.dop_recipe_output import DopRecipeOutput
    from ..models.emr_recipe_output import EmrRecipeOutput
    from ..models.gate import Gate
    from ..models.iso_c_recipe_output import IsoCRecipeOutput
    from ..models.iso_cts_recipe_output import IsoCtsRecipeOutput
    from ..models.linear_recipe_output import LinearRecipeOutput
    from ..models.localize_and_stitch_recipe_output import LocalizeAndStitchRecipeOutput
    from ..models.mag_max_recipe_output import MagMaxRecipeOutput
    from ..models.model_stock_recipe_output import ModelStockRecipeOutput
    from ..models.nu_filt_recipe_output import NuFiltRecipeOutput
    from ..models.ode_recipe_output import OdeRecipeOutput
    from ..models.opcm_recipe_output import OpcmRecipeOutput
    from ..models.pcb_recipe_output import PcbRecipeOutput
    from ..models.slerp_recipe_output import SlerpRecipeOutput
    from ..models.swudi_recipe_output import SwudiRecipeOutput
    from ..models.tact_recipe_output import TactRecipeOutput
    from ..models.task_arithmetic_recipe_output import TaskArithmeticRecipeOutput
    from ..models.ties_recipe_output import TiesRecipeOutput
    from ..models.tsv_m_recipe_output import TsvMRecipeOutput
    from ..models.wudi_recipe_output import WudiRecipeOutput


T = TypeVar("T", bound="LineageView")


@_attrs_define
class LineageView:
    """A lineage.

    Attributes:
        name (str): Name of the lineage.
        architecture (Architecture | None): The network; null: only data-free methods run.
        base (str): Digest of the base, the weights of version 0.
        recipe (ActMatRecipeOutput | AswudiRecipeOutput | AverageRecipeOutput | BreadcrumbsRecipeOutput |
            ConsensusRecipeOutput | DareRecipeOutput | DcMergeRecipeOutput | DellaRecipeOutput | DopRecipeOutput |
            EmrRecipeOutput | IsoCRecipeOutput | IsoCtsRecipeOutput | LinearRecipeOutput | LocalizeAndStitchRecipeOutput |
            MagMaxRecipeOutput | ModelStockRecipeOutput | NuFiltRecipeOutput | OdeRecipeOutput | OpcmRecipeOutput |
            PcbRecipeOutput | SlerpRecipeOutput | SwudiRecipeOutput | TactRecipeOutput | TaskArithmeticRecipeOutput |
            TiesRecipeOutput | TsvMRecipeOutput | WudiRecipeOutput): Default recipe of merges.
        gate (Gate | None): Default quality gate of merges.
        calibration_budget (int): Most samples that the calibration memory keeps.
        base_utility (float): Importance of the base among the tasks; 0: the base does not count.
        origin (None | str): The version that the lineage branched off from.
        created_at (datetime.datetime): When the lineage was created.
        head (str): Name of the newest version.
    """

    name: str
    architecture: Architecture | None
    base: str
    recipe: (
        ActMatRecipeOutput
        | AswudiRecipeOutput
        | AverageRecipeOutput
        | BreadcrumbsRecipeOutput
        | ConsensusRecipeOutput
        | DareRecipeOutput
        | DcMergeRecipeOutput
        | DellaRecipeOutput
        | DopRecipeOutput
        | EmrRecipeOutput
        | IsoCRecipeOutput
        | IsoCtsRecipeOutput
        | LinearRecipeOutput
        | LocalizeAndStitchRecipeOutput
        | MagMaxRecipeOutput
        | ModelStockRecipeOutput
        | NuFiltRecipeOutput
        | OdeRecipeOutput
        | OpcmRecipeOutput
        | PcbRecipeOutput
        | SlerpRecipeOutput
        | SwudiRecipeOutput
        | TactRecipeOutput
        | TaskArithmeticRecipeOutput
        | TiesRecipeOutput
        | TsvMRecipeOutput
        | WudiRecipeOutput
    )
    gate: Gate | None
    calibration_budget: int
    base_utility: float
    origin: None | str
    created_at: datetime.datetime
    head: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.act_mat_recipe_output import ActMatRecipeOutput  # noqa: PLC0415
        from ..models.architecture import Architecture  # noqa: PLC0415
        from ..models.aswudi_recipe_output import AswudiRecipeOutput  # noqa: PLC0415
        from ..models.average_recipe_output import AverageRecipeOutput  # noqa: PLC0415
        from ..models.breadcrumbs_recipe_output import BreadcrumbsRecipeOutput  # noqa: PLC0415
        from ..models.consensus_recipe_output import ConsensusRecipeOutput  # noqa: PLC0415
        from ..models.dare_recipe_output import DareRecipeOutput  # noqa: PLC0415
        from ..models.dc_merge_recipe_output import DcMergeRecipeOutput  # noqa: PLC0415
        from ..models.della_recipe_output import DellaRecipeOutput  # noqa: PLC0415
        from ..models.dop_recipe_output import DopRecipeOutput  # noqa: PLC0415
        from ..models.emr_recipe_output import EmrRecipeOutput  # noqa: PLC0415
        from ..models.gate import Gate  # noqa: PLC0415
        from ..models.iso_c_recipe_output import IsoCRecipeOutput  # noqa: PLC0415
        from ..models.iso_cts_recipe_output import IsoCtsRecipeOutput  # noqa: PLC0415
        from ..models.linear_recipe_output import LinearRecipeOutput  # noqa: PLC0415
        from ..models.localize_and_stitch_recipe_output import (
            LocalizeAndStitchRecipeOutput,  # noqa: PLC0415
        )
        from ..models.mag_max_recipe_output import MagMaxRecipeOutput  # noqa: PLC0415
        from ..models.model_stock_recipe_output import ModelStockRecipeOutput  # noqa: PLC0415
        from ..models.nu_filt_recipe_output import NuFiltRecipeOutput  # noqa: PLC0415
        from ..models.ode_recipe_output import OdeRecipeOutput  # noqa: PLC0415
        from ..models.opcm_recipe_output import OpcmRecipeOutput  # noqa: PLC0415
        from ..models.slerp_recipe_output import SlerpRecipeOutput  # noqa: PLC0415
        from ..models.swudi_recipe_output import SwudiRecipeOutput  # noqa: PLC0415
        from ..models.tact_recipe_output import TactRecipeOutput  # noqa: PLC0415
        from ..models.task_arithmetic_recipe_output import TaskArithmeticRecipeOutput  # noqa: PLC0415
        from ..models.ties_recipe_output import TiesRecipeOutput  # noqa: PLC0415
        from ..models.tsv_m_recipe_output import TsvMRecipeOutput  # noqa: PLC0415
        from ..models.wudi_recipe_output import WudiRecipeOutput  # noqa: PLC0415

        name = self.name

        architecture: dict[str, Any] | None
        if isinstance(self.architecture, Architecture):
            architecture = self.architecture.to_dict()
        else:
            architecture = self.architecture

        base = self.base

        recipe: dict[str, Any]
        if isinstance(self.recipe, OdeRecipeOutput):
            recipe = self.recipe.to_dict()
        elif isinstance(self.recipe, AverageRecipeOutput):
            recipe = self.recipe.to_dict()
        elif isinstance(self.recipe, LinearRecipeOutput):
            recipe = self.recipe.to_dict()
        elif isinstance(self.recipe, TaskArithmeticRecipeOutput):
            recipe = self.recipe.to_dict()
        elif isinstance(self.recipe, TiesRecipeOutput):
            recipe = self.recipe.to_dict()
        elif isinstance(self.recipe, DareRecipeOutput):
            recipe = self.recipe.to_dict()
        elif isinstance(self.recipe, MagMaxRecipeOutput):
            recipe = self.recipe.to_dict()
        elif isinstance(self.recipe, SlerpRecipeOutput):
            recipe = self.recipe.to_dict()
        elif isinstance(self.recipe, OpcmRecipeOutput):
            recipe = self.recipe.to_dict()
        elif isinstance(self.recipe, WudiRecipeOutput):
            recipe = self.recipe.to_dict()
        elif isinstance(self.recipe, SwudiRecipeOutput):
            recipe = self.recipe.to_dict()
        elif isinstance(self.recipe, AswudiRecipeOutput):
            recipe = self.recipe.to_dict()
        elif isinstance(self.recipe, ActMatRecipeOutput):
            recipe = self.recipe.to_dict()
        elif isinstance(self.recipe, TactRecipeOutput):
            recipe = self.recipe.to_dict()
        elif isinstance(self.recipe, DopRecipeOutput):
            recipe = self.recipe.to_dict()
        elif isinstance(self.recipe, IsoCRecipeOutput):
            recipe = self.recipe.to_dict()
        elif isinstance(self.recipe, TsvMRecipeOutput):
            recipe = self.recipe.to_dict()
        elif isinstance(self.recipe, DcMergeRecipeOutput):
            recipe = self.recipe.to_dict()
        elif isinstance(self.recipe, IsoCtsRecipeOutput):
            recipe = self.recipe.to_dict()
        elif isinstance(self.recipe, NuFiltRecipeOutput):
            recipe = self.recipe.to_dict()
        elif isinstance(self.recipe, EmrRecipeOutput):
            recipe = self.recipe.to_dict()
        elif isinstance(self.recipe, BreadcrumbsRecipeOutput):
            recipe = self.recipe.to_dict()
        elif isinstance(self.recipe, DellaRecipeOutput):
            recipe = self.recipe.to_dict()
        elif isinstance(self.recipe, ModelStockRecipeOutput):
            recipe = self.recipe.to_dict()
        elif isinstance(self.recipe, LocalizeAndStitchRecipeOutput):
            recipe = self.recipe.to_dict()
        elif isinstance(self.recipe, ConsensusRecipeOutput):
            recipe = self.recipe.to_dict()
        else:
            recipe = self.recipe.to_dict()

        gate: dict[str, Any] | None
        if isinstance(self.gate, Gate):
            gate = self.gate.to_dict()
        else:
            gate = self.gate

        calibration_budget = self.calibration_budget

        base_utility = self.base_utility

        origin: None | str
        origin = self.origin

        created_at = self.created_at.isoformat()

        head = self.head

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "name": name,
                "architecture": architecture,
                "base": base,
                "recipe": recipe,
                "gate": gate,
                "calibration_budget": calibration_budget,
                "base_utility": base_utility,
                "origin": origin,
                "created_at": created_at,
                "head": head,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.act_mat_recipe_output import ActMatRecipeOutput  # noqa: PLC0415
        from ..models.architecture import Architecture  # noqa: PLC0415
        from ..models.aswudi_recipe_output import AswudiRecipeOutput  # noqa: PLC0415
        from ..models.average_recipe_output import AverageRecipeOutput  # noqa: PLC0415
        from ..models.breadcrumbs_recipe_output import BreadcrumbsRecipeOutput  # noqa: PLC0415
        from ..models.consensus_recipe_output import ConsensusRecipeOutput  # noqa: PLC0415
        from ..models.dare_recipe_output import DareRecipeOutput  # noqa: PLC0415
        from ..models.dc_merge_recipe_output import DcMergeRecipeOutput  # noqa: PLC0415
        from ..models.della_recipe_output import DellaRecipeOutput  # noqa: PLC0415
        from ..models.dop_recipe_output import DopRecipeOutput  # noqa: PLC0415
        from ..models.emr_recipe_output import EmrRecipeOutput  # noqa: PLC0415
        from ..models.gate import Gate  # noqa: PLC0415
        from ..models.iso_c_recipe_output import IsoCRecipeOutput  # noqa: PLC0415
        from ..models.iso_cts_recipe_output import IsoCtsRecipeOutput  # noqa: PLC0415
        from ..models.linear_recipe_output import LinearRecipeOutput  # noqa: PLC0415
        from ..models.localize_and_stitch_recipe_output import (
            LocalizeAndStitchRecipeOutput,  # noqa: PLC0415
        )
        from ..models.mag_max_recipe_output import MagMaxRecipeOutput  # noqa: PLC0415
        from ..models.model_stock_recipe_output import ModelStockRecipeOutput  # noqa: PLC0415
        from ..models.nu_filt_recipe_output import NuFiltRecipeOutput  # noqa: PLC0415
        from ..models.ode_recipe_output import OdeRecipeOutput  # noqa: PLC0415
        from ..models.opcm_recipe_output import OpcmRecipeOutput  # noqa: PLC0415
        from ..models.pcb_recipe_output import PcbRecipeOutput  # noqa: PLC0415
        from ..models.slerp_recipe_output import SlerpRecipeOutput  # noqa: PLC0415
        from ..models.swudi_recipe_output import SwudiRecipeOutput  # noqa: PLC0415
        from ..models.tact_recipe_output import TactRecipeOutput  # noqa: PLC0415
        from ..models.task_arithmetic_recipe_output import TaskArithmeticRecipeOutput  # noqa: PLC0415
        from ..models.ties_recipe_output import TiesRecipeOutput  # noqa: PLC0415
        from ..models.tsv_m_recipe_output import TsvMRecipeOutput  # noqa: PLC0415
        from ..models.wudi_recipe_output import WudiRecipeOutput  # noqa: PLC0415

        d = dict(src_dict)
        name = d.pop("name")

        def _parse_architecture(data: object) -> Architecture | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                architecture_type_0 = Architecture.from_dict(data)

                return architecture_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Architecture | None, data)

        architecture = _parse_architecture(d.pop("architecture"))

        base = d.pop("base")

        def _parse_recipe(
            data: object,
        ) -> (
            ActMatRecipeOutput
            | AswudiRecipeOutput
            | AverageRecipeOutput
            | BreadcrumbsRecipeOutput
            | ConsensusRecipeOutput
            | DareRecipeOutput
            | DcMergeRecipeOutput
            | DellaRecipeOutput
            | DopRecipeOutput
            | EmrRecipeOutput
            | IsoCRecipeOutput
            | IsoCtsRecipeOutput
            | LinearRecipeOutput
            | LocalizeAndStitchRecipeOutput
            | MagMaxRecipeOutput
            | ModelStockRecipeOutput
            | NuFiltRecipeOutput
            | OdeRecipeOutput
            | OpcmRecipeOutput
            | PcbRecipeOutput
            | SlerpRecipeOutput
            | SwudiRecipeOutput
            | TactRecipeOutput
            | TaskArithmeticRecipeOutput
            | TiesRecipeOutput
            | TsvMRecipeOutput
            | WudiRecipeOutput
        ):
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                recipe_type_0 = OdeRecipeOutput.from_dict(data)

                return recipe_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                recipe_type_1 = AverageRecipeOutput.from_dict(data)

                return recipe_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                recipe_type_2 = LinearRecipeOutput.from_dict(data)

                return recipe_type_2
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                recipe_type_3 = TaskArithmeticRecipeOutput.from_dict(data)

                return recipe_type_3
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                recipe_type_4 = TiesRecipeOutput.from_dict(data)

                return recipe_type_4
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                recipe_type_5 = DareRecipeOutput.from_dict(data)

                return recipe_type_5
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                recipe_type_6 = MagMaxRecipeOutput.from_dict(data)

                return recipe_type_6
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                recipe_type_7 = SlerpRecipeOutput.from_dict(data)

                return recipe_type_7
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                recipe_type_8 = OpcmRecipeOutput.from_dict(data)

                return recipe_type_8
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                recipe_type_9 = WudiRecipeOutput.from_dict(data)

                return recipe_type_9
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                recipe_type_10 = SwudiRecipeOutput.from_dict(data)

                return recipe_type_10
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                recipe_type_11 = AswudiRecipeOutput.from_dict(data)

                return recipe_type_11
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                recipe_type_12 = ActMatRecipeOutput.from_dict(data)

                return recipe_type_12
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                recipe_type_13 = TactRecipeOutput.from_dict(data)

                return recipe_type_13
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                recipe_type_14 = DopRecipeOutput.from_dict(data)

                return recipe_type_14
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                recipe_type_15 = IsoCRecipeOutput.from_dict(data)

                return recipe_type_15
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                recipe_type_16 = TsvMRecipeOutput.from_dict(data)

                return recipe_type_16
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                recipe_type_17 = DcMergeRecipeOutput.from_dict(data)

                return recipe_type_17
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                recipe_type_18 = IsoCtsRecipeOutput.from_dict(data)

                return recipe_type_18
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                recipe_type_19 = NuFiltRecipeOutput.from_dict(data)

                return recipe_type_19
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                recipe_type_20 = EmrRecipeOutput.from_dict(data)

                return recipe_type_20
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                recipe_type_21 = BreadcrumbsRecipeOutput.from_dict(data)

                return recipe_type_21
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                recipe_type_22 = DellaRecipeOutput.from_dict(data)

                return recipe_type_22
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                recipe_type_23 = ModelStockRecipeOutput.from_dict(data)

                return recipe_type_23
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                recipe_type_24 = LocalizeAndStitchRecipeOutput.from_dict(data)

                return recipe_type_24
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                recipe_type_25 = ConsensusRecipeOutput.from_dict(data)

                return recipe_type_25
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, dict):
                raise TypeError()
            recipe_type_26 = PcbRecipeOutput.from_dict(data)

            return recipe_type_26

        recipe = _parse_recipe(d.pop("recipe"))

        def _parse_gate(data: object) -> Gate | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                gate_type_0 = Gate.from_dict(data)

                return gate_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Gate | None, data)

        gate = _parse_gate(d.pop("gate"))

        calibration_budget = d.pop("calibration_budget")

        base_utility = d.pop("base_utility")

        def _parse_origin(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        origin = _parse_origin(d.pop("origin"))

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        head = d.pop("head")

        lineage_view = cls(
            name=name,
            architecture=architecture,
            base=base,
            recipe=recipe,
            gate=gate,
            calibration_budget=calibration_budget,
            base_utility=base_utility,
            origin=origin,
            created_at=created_at,
            head=head,
        )

        lineage_view.additional_properties = d
        return lineage_view

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
