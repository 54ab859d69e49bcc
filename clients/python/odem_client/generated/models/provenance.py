from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.act_mat_recipe import ActMatRecipe
    from ..models.aswudi_recipe import AswudiRecipe
    from ..models.average_recipe import AverageRecipe
    from ..models.breadcrumbs_recipe import BreadcrumbsRecipe
    from ..models.consensus_recipe import ConsensusRecipe
    from ..models.dare_recipe import DareRecipe
    from ..models.dc_merge_recipe import DcMergeRecipe
    from ..models.della_recipe import DellaRecipe
    from ..models.dop_recipe import DopRecipe
    from ..models.emr_recipe import EmrRecipe
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
    from ..models.provenance_libraries import ProvenanceLibraries
    from ..models.slerp_recipe import SlerpRecipe
    from ..models.swudi_recipe import SwudiRecipe
    from ..models.tact_recipe import TactRecipe
    from ..models.task_arithmetic_recipe import TaskArithmeticRecipe
    from ..models.ties_recipe import TiesRecipe
    from ..models.tsv_m_recipe import TsvMRecipe
    from ..models.wudi_recipe import WudiRecipe


T = TypeVar("T", bound="Provenance")


@_attrs_define
class Provenance:
    """Everything that a version was made from, sufficient to make it again.

    The same parent, checkpoint, calibration, recipe and seed on the same device and library versions give the same
    bytes.

        Attributes:
            parent (int): Number of the version that was the head.
            merge (str): ID of the merge.
            checkpoint (str): Digest of the checkpoint.
            recipe (ActMatRecipe | AswudiRecipe | AverageRecipe | BreadcrumbsRecipe | ConsensusRecipe | DareRecipe |
                DcMergeRecipe | DellaRecipe | DopRecipe | EmrRecipe | IsoCRecipe | IsoCtsRecipe | LinearRecipe |
                LocalizeAndStitchRecipe | MagMaxRecipe | ModelStockRecipe | NuFiltRecipe | OdeRecipe | OpcmRecipe | PcbRecipe |
                SlerpRecipe | SwudiRecipe | TactRecipe | TaskArithmeticRecipe | TiesRecipe | TsvMRecipe | WudiRecipe): The
                recipe in full.
            code (str): Release of odem.
            libraries (ProvenanceLibraries): Versions of the libraries that computed it, by name.
            device (str): Device that computed it.
            removed (None | str | Unset): The task that was taken out, if the version was made so.
            joined (None | str | Unset): Version of another lineage whose state was added, if the version was made so; empty
                for a caller who may not see that lineage.
            recomputed (bool | Unset): Whether the parent's state was merged anew by this recipe, without a checkpoint.
                Default: False.
            calibration (None | str | Unset): Digest of the calibration sample.
            commit (None | str | Unset): Commit of the code; absent in versions made before 0.2.0.
    """

    parent: int
    merge: str
    checkpoint: str
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
    code: str
    libraries: ProvenanceLibraries
    device: str
    removed: None | str | Unset = UNSET
    joined: None | str | Unset = UNSET
    recomputed: bool | Unset = False
    calibration: None | str | Unset = UNSET
    commit: None | str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        from ..models.act_mat_recipe import ActMatRecipe  # noqa: PLC0415
        from ..models.aswudi_recipe import AswudiRecipe  # noqa: PLC0415
        from ..models.average_recipe import AverageRecipe  # noqa: PLC0415
        from ..models.breadcrumbs_recipe import BreadcrumbsRecipe  # noqa: PLC0415
        from ..models.consensus_recipe import ConsensusRecipe  # noqa: PLC0415
        from ..models.dare_recipe import DareRecipe  # noqa: PLC0415
        from ..models.dc_merge_recipe import DcMergeRecipe  # noqa: PLC0415
        from ..models.della_recipe import DellaRecipe  # noqa: PLC0415
        from ..models.dop_recipe import DopRecipe  # noqa: PLC0415
        from ..models.emr_recipe import EmrRecipe  # noqa: PLC0415
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

        parent = self.parent

        merge = self.merge

        checkpoint = self.checkpoint

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

        code = self.code

        libraries = self.libraries.to_dict()

        device = self.device

        removed: None | str | Unset
        if isinstance(self.removed, Unset):
            removed = UNSET
        else:
            removed = self.removed

        joined: None | str | Unset
        if isinstance(self.joined, Unset):
            joined = UNSET
        else:
            joined = self.joined

        recomputed = self.recomputed

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
        if removed is not UNSET:
            field_dict["removed"] = removed
        if joined is not UNSET:
            field_dict["joined"] = joined
        if recomputed is not UNSET:
            field_dict["recomputed"] = recomputed
        if calibration is not UNSET:
            field_dict["calibration"] = calibration
        if commit is not UNSET:
            field_dict["commit"] = commit

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.act_mat_recipe import ActMatRecipe  # noqa: PLC0415
        from ..models.aswudi_recipe import AswudiRecipe  # noqa: PLC0415
        from ..models.average_recipe import AverageRecipe  # noqa: PLC0415
        from ..models.breadcrumbs_recipe import BreadcrumbsRecipe  # noqa: PLC0415
        from ..models.consensus_recipe import ConsensusRecipe  # noqa: PLC0415
        from ..models.dare_recipe import DareRecipe  # noqa: PLC0415
        from ..models.dc_merge_recipe import DcMergeRecipe  # noqa: PLC0415
        from ..models.della_recipe import DellaRecipe  # noqa: PLC0415
        from ..models.dop_recipe import DopRecipe  # noqa: PLC0415
        from ..models.emr_recipe import EmrRecipe  # noqa: PLC0415
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
        from ..models.provenance_libraries import ProvenanceLibraries  # noqa: PLC0415
        from ..models.slerp_recipe import SlerpRecipe  # noqa: PLC0415
        from ..models.swudi_recipe import SwudiRecipe  # noqa: PLC0415
        from ..models.tact_recipe import TactRecipe  # noqa: PLC0415
        from ..models.task_arithmetic_recipe import TaskArithmeticRecipe  # noqa: PLC0415
        from ..models.ties_recipe import TiesRecipe  # noqa: PLC0415
        from ..models.tsv_m_recipe import TsvMRecipe  # noqa: PLC0415
        from ..models.wudi_recipe import WudiRecipe  # noqa: PLC0415

        d = dict(src_dict)
        parent = d.pop("parent")

        merge = d.pop("merge")

        checkpoint = d.pop("checkpoint")

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

        code = d.pop("code")

        libraries = ProvenanceLibraries.from_dict(d.pop("libraries"))

        device = d.pop("device")

        def _parse_removed(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        removed = _parse_removed(d.pop("removed", UNSET))

        def _parse_joined(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        joined = _parse_joined(d.pop("joined", UNSET))

        recomputed = d.pop("recomputed", UNSET)

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
            removed=removed,
            joined=joined,
            recomputed=recomputed,
            calibration=calibration,
            commit=commit,
        )

        return provenance
