from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

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


T = TypeVar("T", bound="LineageView")


@_attrs_define
class LineageView:
    """A lineage.

    Attributes:
        name (str): Name of the lineage.
        architecture (Architecture | None): The network; null: only data-free methods run.
        base (str): Digest of the base, the weights of version 0.
        recipe (ActMatRecipe | AswudiRecipe | AverageRecipe | BreadcrumbsRecipe | ConsensusRecipe | DareRecipe |
            DcMergeRecipe | DellaRecipe | DopRecipe | EmrRecipe | IsoCRecipe | IsoCtsRecipe | LinearRecipe |
            LocalizeAndStitchRecipe | MagMaxRecipe | ModelStockRecipe | NuFiltRecipe | OdeRecipe | OpcmRecipe | PcbRecipe |
            SlerpRecipe | SwudiRecipe | TactRecipe | TaskArithmeticRecipe | TiesRecipe | TsvMRecipe | WudiRecipe): Default
            recipe of merges.
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
        | WudiRecipe
    )
    gate: Gate | None
    calibration_budget: int
    base_utility: float
    origin: None | str
    created_at: datetime.datetime
    head: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

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

        name = self.name

        architecture: dict[str, Any] | None
        if isinstance(self.architecture, Architecture):
            architecture = self.architecture.to_dict()
        else:
            architecture = self.architecture

        base = self.base

        recipe: dict[str, Any]
        if isinstance(self.recipe, OdeRecipe):
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
            | WudiRecipe
        ):
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
