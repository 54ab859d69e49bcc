from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.act_mat_recipe import ActMatRecipe
    from ..models.architecture import Architecture
    from ..models.aswudi_recipe import AswudiRecipe
    from ..models.average_recipe import AverageRecipe
    from ..models.breadcrumbs_recipe import BreadcrumbsRecipe
    from ..models.consensus_recipe import ConsensusRecipe
    from ..models.dare_recipe import DareRecipe
    from ..models.dc_merge_recipe import DcMergeRecipe
    from ..models.della_recipe import DellaRecipe
    from ..models.dop_recipe import DopRecipe
    from ..models.emr_recipe import EmrRecipe
    from ..models.gate import Gate
    from ..models.iso_c_recipe import IsoCRecipe
    from ..models.iso_cts_recipe import IsoCtsRecipe
    from ..models.linear_recipe import LinearRecipe
    from ..models.localize_and_stitch_recipe import LocalizeAndStitchRecipe
    from ..models.mag_max_recipe import MagMaxRecipe
    from ..models.model_stock_recipe import ModelStockRecipe
    from ..models.nu_filt_recipe import NuFiltRecipe
    from ..models.ode_recipe import OdeRecipe
    from ..models.opcm_recipe import OpcmRecipe
    from ..models.pcb_recipe import PcbRecipe
    from ..models.slerp_recipe import SlerpRecipe
    from ..models.swudi_recipe import SwudiRecipe
    from ..models.tact_recipe import TactRecipe
    from ..models.task_arithmetic_recipe import TaskArithmeticRecipe
    from ..models.ties_recipe import TiesRecipe
    from ..models.tsv_m_recipe import TsvMRecipe
    from ..models.wudi_recipe import WudiRecipe


T = TypeVar("T", bound="LineageSpec")


@_attrs_define
class LineageSpec:
    """The specification of a lineage.

    Attributes:
        base (str): Digest of the pretrained weights, version 0.
        name (str | Unset): Name of the lineage. Default: 'default'.
        architecture (Architecture | None | Unset): The network; absent for plain safetensors weights, which only data-
            free recipes can merge.
        recipe (ActMatRecipe | AswudiRecipe | AverageRecipe | BreadcrumbsRecipe | ConsensusRecipe | DareRecipe |
            DcMergeRecipe | DellaRecipe | DopRecipe | EmrRecipe | IsoCRecipe | IsoCtsRecipe | LinearRecipe |
            LocalizeAndStitchRecipe | MagMaxRecipe | ModelStockRecipe | NuFiltRecipe | OdeRecipe | OpcmRecipe | PcbRecipe |
            SlerpRecipe | SwudiRecipe | TactRecipe | TaskArithmeticRecipe | TiesRecipe | TsvMRecipe | Unset | WudiRecipe):
            Default recipe of merges; if absent, ODE-M with an architecture and ASWUDI without one.
        gate (Gate | None | Unset): Limits of every merge without a gate of its own.
        calibration_budget (int | Unset): Samples in the calibration memory, of all tasks together. Default: 1024.
        base_utility (float | Unset): Importance u_0 of the base; with 0 the first checkpoint is taken as it is.
            Default: 0.0.
    """

    base: str
    name: str | Unset = "default"
    architecture: Architecture | None | Unset = UNSET
    recipe: (
        ActMatRecipe
        | AswudiRecipe
        | AverageRecipe
        | BreadcrumbsRecipe
        | ConsensusRecipe
        | DareRecipe
        | DcMergeRecipe
        | DellaRecipe
        | DopRecipe
        | EmrRecipe
        | IsoCRecipe
        | IsoCtsRecipe
        | LinearRecipe
        | LocalizeAndStitchRecipe
        | MagMaxRecipe
        | ModelStockRecipe
        | NuFiltRecipe
        | OdeRecipe
        | OpcmRecipe
        | PcbRecipe
        | SlerpRecipe
        | SwudiRecipe
        | TactRecipe
        | TaskArithmeticRecipe
        | TiesRecipe
        | TsvMRecipe
        | Unset
        | WudiRecipe
    ) = UNSET
    gate: Gate | None | Unset = UNSET
    calibration_budget: int | Unset = 1024
    base_utility: float | Unset = 0.0

    def to_dict(self) -> dict[str, Any]:
        from ..models.act_mat_recipe import ActMatRecipe  # noqa: PLC0415
        from ..models.architecture import Architecture  # noqa: PLC0415
        from ..models.aswudi_recipe import AswudiRecipe  # noqa: PLC0415
        from ..models.average_recipe import AverageRecipe  # noqa: PLC0415
        from ..models.breadcrumbs_recipe import BreadcrumbsRecipe  # noqa: PLC0415
        from ..models.consensus_recipe import ConsensusRecipe  # noqa: PLC0415
        from ..models.dare_recipe import DareRecipe  # noqa: PLC0415
        from ..models.dc_merge_recipe import DcMergeRecipe  # noqa: PLC0415
        from ..models.della_recipe import DellaRecipe  # noqa: PLC0415
        from ..models.dop_recipe import DopRecipe  # noqa: PLC0415
        from ..models.emr_recipe import EmrRecipe  # noqa: PLC0415
        from ..models.gate import Gate  # noqa: PLC0415
        from ..models.iso_c_recipe import IsoCRecipe  # noqa: PLC0415
        from ..models.iso_cts_recipe import IsoCtsRecipe  # noqa: PLC0415
        from ..models.linear_recipe import LinearRecipe  # noqa: PLC0415
        from ..models.localize_and_stitch_recipe import LocalizeAndStitchRecipe  # noqa: PLC0415
        from ..models.mag_max_recipe import MagMaxRecipe  # noqa: PLC0415
        from ..models.model_stock_recipe import ModelStockRecipe  # noqa: PLC0415
        from ..models.nu_filt_recipe import NuFiltRecipe  # noqa: PLC0415
        from ..models.ode_recipe import OdeRecipe  # noqa: PLC0415
        from ..models.opcm_recipe import OpcmRecipe  # noqa: PLC0415
        from ..models.slerp_recipe import SlerpRecipe  # noqa: PLC0415
        from ..models.swudi_recipe import SwudiRecipe  # noqa: PLC0415
        from ..models.tact_recipe import TactRecipe  # noqa: PLC0415
        from ..models.task_arithmetic_recipe import TaskArithmeticRecipe  # noqa: PLC0415
        from ..models.ties_recipe import TiesRecipe  # noqa: PLC0415
        from ..models.tsv_m_recipe import TsvMRecipe  # noqa: PLC0415
        from ..models.wudi_recipe import WudiRecipe  # noqa: PLC0415

        base = self.base

        name = self.name

        architecture: dict[str, Any] | None | Unset
        if isinstance(self.architecture, Unset):
            architecture = UNSET
        elif isinstance(self.architecture, Architecture):
            architecture = self.architecture.to_dict()
        else:
            architecture = self.architecture

        recipe: dict[str, Any] | Unset
        if isinstance(self.recipe, Unset):
            recipe = UNSET
        elif isinstance(self.recipe, OdeRecipe):
            recipe = self.recipe.to_dict()
        elif isinstance(self.recipe, AverageRecipe):
            recipe = self.recipe.to_dict()
        elif isinstance(self.recipe, LinearRecipe):
            recipe = self.recipe.to_dict()
        elif isinstance(self.recipe, TaskArithmeticRecipe):
            recipe = self.recipe.to_dict()
        elif isinstance(self.recipe, TiesRecipe):
            recipe = self.recipe.to_dict()
        elif isinstance(self.recipe, DareRecipe):
            recipe = self.recipe.to_dict()
        elif isinstance(self.recipe, MagMaxRecipe):
            recipe = self.recipe.to_dict()
        elif isinstance(self.recipe, SlerpRecipe):
            recipe = self.recipe.to_dict()
        elif isinstance(self.recipe, OpcmRecipe):
            recipe = self.recipe.to_dict()
        elif isinstance(self.recipe, WudiRecipe):
            recipe = self.recipe.to_dict()
        elif isinstance(self.recipe, SwudiRecipe):
            recipe = self.recipe.to_dict()
        elif isinstance(self.recipe, AswudiRecipe):
            recipe = self.recipe.to_dict()
        elif isinstance(self.recipe, ActMatRecipe):
            recipe = self.recipe.to_dict()
        elif isinstance(self.recipe, TactRecipe):
            recipe = self.recipe.to_dict()
        elif isinstance(self.recipe, DopRecipe):
            recipe = self.recipe.to_dict()
        elif isinstance(self.recipe, IsoCRecipe):
            recipe = self.recipe.to_dict()
        elif isinstance(self.recipe, TsvMRecipe):
            recipe = self.recipe.to_dict()
        elif isinstance(self.recipe, DcMergeRecipe):
            recipe = self.recipe.to_dict()
        elif isinstance(self.recipe, IsoCtsRecipe):
            recipe = self.recipe.to_dict()
        elif isinstance(self.recipe, NuFiltRecipe):
            recipe = self.recipe.to_dict()
        elif isinstance(self.recipe, EmrRecipe):
            recipe = self.recipe.to_dict()
        elif isinstance(self.recipe, BreadcrumbsRecipe):
            recipe = self.recipe.to_dict()
        elif isinstance(self.recipe, DellaRecipe):
            recipe = self.recipe.to_dict()
        elif isinstance(self.recipe, ModelStockRecipe):
            recipe = self.recipe.to_dict()
        elif isinstance(self.recipe, LocalizeAndStitchRecipe):
            recipe = self.recipe.to_dict()
        elif isinstance(self.recipe, ConsensusRecipe):
            recipe = self.recipe.to_dict()
        else:
            recipe = self.recipe.to_dict()

        gate: dict[str, Any] | None | Unset
        if isinstance(self.gate, Unset):
            gate = UNSET
        elif isinstance(self.gate, Gate):
            gate = self.gate.to_dict()
        else:
            gate = self.gate

        calibration_budget = self.calibration_budget

        base_utility = self.base_utility

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "base": base,
            }
        )
        if name is not UNSET:
            field_dict["name"] = name
        if architecture is not UNSET:
            field_dict["architecture"] = architecture
        if recipe is not UNSET:
            field_dict["recipe"] = recipe
        if gate is not UNSET:
            field_dict["gate"] = gate
        if calibration_budget is not UNSET:
            field_dict["calibration_budget"] = calibration_budget
        if base_utility is not UNSET:
            field_dict["base_utility"] = base_utility

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.act_mat_recipe import ActMatRecipe  # noqa: PLC0415
        from ..models.architecture import Architecture  # noqa: PLC0415
        from ..models.aswudi_recipe import AswudiRecipe  # noqa: PLC0415
        from ..models.average_recipe import AverageRecipe  # noqa: PLC0415
        from ..models.breadcrumbs_recipe import BreadcrumbsRecipe  # noqa: PLC0415
        from ..models.consensus_recipe import ConsensusRecipe  # noqa: PLC0415
        from ..models.dare_recipe import DareRecipe  # noqa: PLC0415
        from ..models.dc_merge_recipe import DcMergeRecipe  # noqa: PLC0415
        from ..models.della_recipe import DellaRecipe  # noqa: PLC0415
        from ..models.dop_recipe import DopRecipe  # noqa: PLC0415
        from ..models.emr_recipe import EmrRecipe  # noqa: PLC0415
        from ..models.gate import Gate  # noqa: PLC0415
        from ..models.iso_c_recipe import IsoCRecipe  # noqa: PLC0415
        from ..models.iso_cts_recipe import IsoCtsRecipe  # noqa: PLC0415
        from ..models.linear_recipe import LinearRecipe  # noqa: PLC0415
        from ..models.localize_and_stitch_recipe import LocalizeAndStitchRecipe  # noqa: PLC0415
        from ..models.mag_max_recipe import MagMaxRecipe  # noqa: PLC0415
        from ..models.model_stock_recipe import ModelStockRecipe  # noqa: PLC0415
        from ..models.nu_filt_recipe import NuFiltRecipe  # noqa: PLC0415
        from ..models.ode_recipe import OdeRecipe  # noqa: PLC0415
        from ..models.opcm_recipe import OpcmRecipe  # noqa: PLC0415
        from ..models.pcb_recipe import PcbRecipe  # noqa: PLC0415
        from ..models.slerp_recipe import SlerpRecipe  # noqa: PLC0415
        from ..models.swudi_recipe import SwudiRecipe  # noqa: PLC0415
        from ..models.tact_recipe import TactRecipe  # noqa: PLC0415
        from ..models.task_arithmetic_recipe import TaskArithmeticRecipe  # noqa: PLC0415
        from ..models.ties_recipe import TiesRecipe  # noqa: PLC0415
        from ..models.tsv_m_recipe import TsvMRecipe  # noqa: PLC0415
        from ..models.wudi_recipe import WudiRecipe  # noqa: PLC0415

        d = dict(src_dict)
        base = d.pop("base")

        name = d.pop("name", UNSET)

        def _parse_architecture(data: object) -> Architecture | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                architecture_type_0 = Architecture.from_dict(data)

                return architecture_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Architecture | None | Unset, data)

        architecture = _parse_architecture(d.pop("architecture", UNSET))

        def _parse_recipe(
            data: object,
        ) -> (
            ActMatRecipe
            | AswudiRecipe
            | AverageRecipe
            | BreadcrumbsRecipe
            | ConsensusRecipe
            | DareRecipe
            | DcMergeRecipe
            | DellaRecipe
            | DopRecipe
            | EmrRecipe
            | IsoCRecipe
            | IsoCtsRecipe
            | LinearRecipe
            | LocalizeAndStitchRecipe
            | MagMaxRecipe
            | ModelStockRecipe
            | NuFiltRecipe
            | OdeRecipe
            | OpcmRecipe
            | PcbRecipe
            | SlerpRecipe
            | SwudiRecipe
            | TactRecipe
            | TaskArithmeticRecipe
            | TiesRecipe
            | TsvMRecipe
            | Unset
            | WudiRecipe
        ):
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                recipe_type_0 = OdeRecipe.from_dict(data)

                return recipe_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                recipe_type_1 = AverageRecipe.from_dict(data)

                return recipe_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                recipe_type_2 = LinearRecipe.from_dict(data)

                return recipe_type_2
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                recipe_type_3 = TaskArithmeticRecipe.from_dict(data)

                return recipe_type_3
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                recipe_type_4 = TiesRecipe.from_dict(data)

                return recipe_type_4
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                recipe_type_5 = DareRecipe.from_dict(data)

                return recipe_type_5
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                recipe_type_6 = MagMaxRecipe.from_dict(data)

                return recipe_type_6
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                recipe_type_7 = SlerpRecipe.from_dict(data)

                return recipe_type_7
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                recipe_type_8 = OpcmRecipe.from_dict(data)

                return recipe_type_8
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                recipe_type_9 = WudiRecipe.from_dict(data)

                return recipe_type_9
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                recipe_type_10 = SwudiRecipe.from_dict(data)

                return recipe_type_10
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                recipe_type_11 = AswudiRecipe.from_dict(data)

                return recipe_type_11
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                recipe_type_12 = ActMatRecipe.from_dict(data)

                return recipe_type_12
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                recipe_type_13 = TactRecipe.from_dict(data)

                return recipe_type_13
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                recipe_type_14 = DopRecipe.from_dict(data)

                return recipe_type_14
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                recipe_type_15 = IsoCRecipe.from_dict(data)

                return recipe_type_15
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                recipe_type_16 = TsvMRecipe.from_dict(data)

                return recipe_type_16
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                recipe_type_17 = DcMergeRecipe.from_dict(data)

                return recipe_type_17
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                recipe_type_18 = IsoCtsRecipe.from_dict(data)

                return recipe_type_18
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                recipe_type_19 = NuFiltRecipe.from_dict(data)

                return recipe_type_19
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                recipe_type_20 = EmrRecipe.from_dict(data)

                return recipe_type_20
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                recipe_type_21 = BreadcrumbsRecipe.from_dict(data)

                return recipe_type_21
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                recipe_type_22 = DellaRecipe.from_dict(data)

                return recipe_type_22
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                recipe_type_23 = ModelStockRecipe.from_dict(data)

                return recipe_type_23
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                recipe_type_24 = LocalizeAndStitchRecipe.from_dict(data)

                return recipe_type_24
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                recipe_type_25 = ConsensusRecipe.from_dict(data)

                return recipe_type_25
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, dict):
                raise TypeError()
            recipe_type_26 = PcbRecipe.from_dict(data)

            return recipe_type_26

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

        calibration_budget = d.pop("calibration_budget", UNSET)

        base_utility = d.pop("base_utility", UNSET)

        lineage_spec = cls(
            base=base,
            name=name,
            architecture=architecture,
            recipe=recipe,
            gate=gate,
            calibration_budget=calibration_budget,
            base_utility=base_utility,
        )

        return lineage_spec
