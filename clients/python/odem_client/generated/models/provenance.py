from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.act_mat_recipe_output import ActMatRecipeOutput
    from ..models.aswudi_recipe_output import AswudiRecipeOutput
    from ..models.average_recipe_output import AverageRecipeOutput
    from ..models.breadcrumbs_recipe_output import BreadcrumbsRecipeOutput
    from ..models.consensus_recipe_output import ConsensusRecipeOutput
    from ..models.dare_recipe_output import DareRecipeOutput
    from ..models.dc_merge_recipe_output import DcMergeRecipeOutput
    from ..models.della_recipe_output import DellaRecipeOutput
    from ..models.dop_recipe_output import DopRecipeOutput
    from ..models.emr_recipe_output import EmrRecipeOutput
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
    from ..models.provenance_libraries import ProvenanceLibraries
    from ..models.slerp_recipe_output import SlerpRecipeOutput
    from ..models.swudi_recipe_output import SwudiRecipeOutput
    from ..models.tact_recipe_output import TactRecipeOutput
    from ..models.task_arithmetic_recipe_output import TaskArithmeticRecipeOutput
    from ..models.ties_recipe_output import TiesRecipeOutput
    from ..models.tsv_m_recipe_output import TsvMRecipeOutput
    from ..models.wudi_recipe_output import WudiRecipeOutput


T = TypeVar("T", bound="Provenance")


@_attrs_define
class Provenance:
    """Everything that a version was made from, sufficient to make it again.

    The same parent, checkpoint, calibration, recipe and seed on the same device and library versions give the same
    bytes. code: the release of odem. commit: the commit of the code; absent in versions made before 0.2.0.

        Attributes:
            parent (int):
            merge (str):
            checkpoint (str):
            recipe (ActMatRecipeOutput | AswudiRecipeOutput | AverageRecipeOutput | BreadcrumbsRecipeOutput |
                ConsensusRecipeOutput | DareRecipeOutput | DcMergeRecipeOutput | DellaRecipeOutput | DopRecipeOutput |
                EmrRecipeOutput | IsoCRecipeOutput | IsoCtsRecipeOutput | LinearRecipeOutput | LocalizeAndStitchRecipeOutput |
                MagMaxRecipeOutput | ModelStockRecipeOutput | NuFiltRecipeOutput | OdeRecipeOutput | OpcmRecipeOutput |
                PcbRecipeOutput | SlerpRecipeOutput | SwudiRecipeOutput | TactRecipeOutput | TaskArithmeticRecipeOutput |
                TiesRecipeOutput | TsvMRecipeOutput | WudiRecipeOutput):
            code (str):
            libraries (ProvenanceLibraries):
            device (str):
            calibration (None | str | Unset):
            commit (None | str | Unset):
    """

    parent: int
    merge: str
    checkpoint: str
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
    code: str
    libraries: ProvenanceLibraries
    device: str
    calibration: None | str | Unset = UNSET
    commit: None | str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        from ..models.act_mat_recipe_output import ActMatRecipeOutput  # noqa: PLC0415
        from ..models.aswudi_recipe_output import AswudiRecipeOutput  # noqa: PLC0415
        from ..models.average_recipe_output import AverageRecipeOutput  # noqa: PLC0415
        from ..models.breadcrumbs_recipe_output import BreadcrumbsRecipeOutput  # noqa: PLC0415
        from ..models.consensus_recipe_output import ConsensusRecipeOutput  # noqa: PLC0415
        from ..models.dare_recipe_output import DareRecipeOutput  # noqa: PLC0415
        from ..models.dc_merge_recipe_output import DcMergeRecipeOutput  # noqa: PLC0415
        from ..models.della_recipe_output import DellaRecipeOutput  # noqa: PLC0415
        from ..models.dop_recipe_output import DopRecipeOutput  # noqa: PLC0415
        from ..models.emr_recipe_output import EmrRecipeOutput  # noqa: PLC0415
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

        parent = self.parent

        merge = self.merge

        checkpoint = self.checkpoint

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

        code = self.code

        libraries = self.libraries.to_dict()

        device = self.device

        calibration: None | str | Unset
        if isinstance(self.calibration, Unset):
            calibration = UNSET
        else:
            calibration = self.calibration

        commit: None | str | Unset
        if isinstance(self.commit, Unset):
            commit = UNSET
        else:
            commit = self.commit

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "parent": parent,
                "merge": merge,
                "checkpoint": checkpoint,
                "recipe": recipe,
                "code": code,
                "libraries": libraries,
                "device": device,
            }
        )
        if calibration is not UNSET:
            field_dict["calibration"] = calibration
        if commit is not UNSET:
            field_dict["commit"] = commit

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.act_mat_recipe_output import ActMatRecipeOutput  # noqa: PLC0415
        from ..models.aswudi_recipe_output import AswudiRecipeOutput  # noqa: PLC0415
        from ..models.average_recipe_output import AverageRecipeOutput  # noqa: PLC0415
        from ..models.breadcrumbs_recipe_output import BreadcrumbsRecipeOutput  # noqa: PLC0415
        from ..models.consensus_recipe_output import ConsensusRecipeOutput  # noqa: PLC0415
        from ..models.dare_recipe_output import DareRecipeOutput  # noqa: PLC0415
        from ..models.dc_merge_recipe_output import DcMergeRecipeOutput  # noqa: PLC0415
        from ..models.della_recipe_output import DellaRecipeOutput  # noqa: PLC0415
        from ..models.dop_recipe_output import DopRecipeOutput  # noqa: PLC0415
        from ..models.emr_recipe_output import EmrRecipeOutput  # noqa: PLC0415
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
        from ..models.provenance_libraries import ProvenanceLibraries  # noqa: PLC0415
        from ..models.slerp_recipe_output import SlerpRecipeOutput  # noqa: PLC0415
        from ..models.swudi_recipe_output import SwudiRecipeOutput  # noqa: PLC0415
        from ..models.tact_recipe_output import TactRecipeOutput  # noqa: PLC0415
        from ..models.task_arithmetic_recipe_output import TaskArithmeticRecipeOutput  # noqa: PLC0415
        from ..models.ties_recipe_output import TiesRecipeOutput  # noqa: PLC0415
        from ..models.tsv_m_recipe_output import TsvMRecipeOutput  # noqa: PLC0415
        from ..models.wudi_recipe_output import WudiRecipeOutput  # noqa: PLC0415

        d = dict(src_dict)
        parent = d.pop("parent")

        merge = d.pop("merge")

        checkpoint = d.pop("checkpoint")

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

        code = d.pop("code")

        libraries = ProvenanceLibraries.from_dict(d.pop("libraries"))

        device = d.pop("device")

        def _parse_calibration(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        calibration = _parse_calibration(d.pop("calibration", UNSET))

        def _parse_commit(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        commit = _parse_commit(d.pop("commit", UNSET))

        provenance = cls(
            parent=parent,
            merge=merge,
            checkpoint=checkpoint,
            recipe=recipe,
            code=code,
            libraries=libraries,
            device=device,
            calibration=calibration,
            commit=commit,
        )

        return provenance
