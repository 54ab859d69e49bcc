from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.merge_state import MergeState
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
    from ..models.gate import Gate
    from ..models.iso_c_recipe import IsoCRecipe
    from ..models.iso_cts_recipe import IsoCtsRecipe
    from ..models.linear_recipe import LinearRecipe
    from ..models.localize_and_stitch_recipe import LocalizeAndStitchRecipe
    from ..models.mag_max_recipe import MagMaxRecipe
    from ..models.merge_problem import MergeProblem
    from ..models.merge_view_labels import MergeViewLabels
    from ..models.merge_view_report_type_0 import MergeViewReportType0
    from ..models.model_stock_recipe import ModelStockRecipe
    from ..models.nu_filt_recipe import NuFiltRecipe
    from ..models.ode_recipe import OdeRecipe
    from ..models.opcm_recipe import OpcmRecipe
    from ..models.pcb_recipe import PcbRecipe
    from ..models.progress import Progress
    from ..models.slerp_recipe import SlerpRecipe
    from ..models.swudi_recipe import SwudiRecipe
    from ..models.tact_recipe import TactRecipe
    from ..models.task import Task
    from ..models.task_arithmetic_recipe import TaskArithmeticRecipe
    from ..models.ties_recipe import TiesRecipe
    from ..models.tsv_m_recipe import TsvMRecipe
    from ..models.wudi_recipe import WudiRecipe


T = TypeVar("T", bound="MergeView")


@_attrs_define
class MergeView:
    """A merge and its state.

    Attributes:
        id (str): ID of the merge.
        lineage (str): The lineage that is merged into.
        state (MergeState): The state of a merge; the last four are terminal.

            queued -> running (claim); running -> succeeded (commit), rejected (its gate was not met), failed (fail),
            cancelled (cancel), or back to queued at its old position when its lease expires.
        task (Task): A classification task, as the zero-shot head of CLIP describes it.

            Source: CLIP, arXiv 2103.00020, section 3.1.4 (prompt ensembling); ODE-M, arXiv 2605.19409 (utility).
        recipe (ActMatRecipe | AswudiRecipe | AverageRecipe | BreadcrumbsRecipe | ConsensusRecipe | DareRecipe |
            DcMergeRecipe | DellaRecipe | DopRecipe | EmrRecipe | IsoCRecipe | IsoCtsRecipe | LinearRecipe |
            LocalizeAndStitchRecipe | MagMaxRecipe | ModelStockRecipe | NuFiltRecipe | OdeRecipe | OpcmRecipe | PcbRecipe |
            SlerpRecipe | SwudiRecipe | TactRecipe | TaskArithmeticRecipe | TiesRecipe | TsvMRecipe | WudiRecipe): The
            recipe in full: the request's on top of the lineage's.
        checkpoint (str): Digest of the checkpoint.
        removal (bool): Whether the merge takes the task out of the head instead.
        join (bool): Whether the merge adds another lineage's version instead; task is the newest that it brings,
            checkpoint its weights.
        recompute (bool): Whether the merge computes the head anew from its state instead; task is the newest,
            checkpoint the head's weights.
        calibration (None | str): Digest of the calibration sample.
        gate (Gate | None): Quality gate that the result must pass.
        labels (MergeViewLabels): Labels of the request.
        attempt (int): How many workers have started the merge; 0 while it waits for the first.
        cancel_requested (bool): Whether the running merge is to stop at its next step.
        created_at (datetime.datetime): When the merge was queued.
        cancel_at (datetime.datetime | None): When the merge is cancelled unless it has ended (Cancel-After).
        started_at (datetime.datetime | None): When the newest attempt started.
        ended_at (datetime.datetime | None): When the merge ended.
        version (None | str): The version that the merge created.
        progress (None | Progress): Progress of a running merge.
        problem (MergeProblem | None): Why a merge failed or was rejected.
        report (MergeViewReportType0 | None | Unset): Measurements: losses and accuracies by task before and after,
            timings, memory, warnings.
    """

    id: str
    lineage: str
    state: MergeState
    task: Task
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
    checkpoint: str
    removal: bool
    join: bool
    recompute: bool
    calibration: None | str
    gate: Gate | None
    labels: MergeViewLabels
    attempt: int
    cancel_requested: bool
    created_at: datetime.datetime
    cancel_at: datetime.datetime | None
    started_at: datetime.datetime | None
    ended_at: datetime.datetime | None
    version: None | str
    progress: None | Progress
    problem: MergeProblem | None
    report: MergeViewReportType0 | None | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

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
        from ..models.gate import Gate  # noqa: PLC0415
        from ..models.iso_c_recipe import IsoCRecipe  # noqa: PLC0415
        from ..models.iso_cts_recipe import IsoCtsRecipe  # noqa: PLC0415
        from ..models.linear_recipe import LinearRecipe  # noqa: PLC0415
        from ..models.localize_and_stitch_recipe import LocalizeAndStitchRecipe  # noqa: PLC0415
        from ..models.mag_max_recipe import MagMaxRecipe  # noqa: PLC0415
        from ..models.merge_problem import MergeProblem  # noqa: PLC0415
        from ..models.merge_view_report_type_0 import MergeViewReportType0  # noqa: PLC0415
        from ..models.model_stock_recipe import ModelStockRecipe  # noqa: PLC0415
        from ..models.nu_filt_recipe import NuFiltRecipe  # noqa: PLC0415
        from ..models.ode_recipe import OdeRecipe  # noqa: PLC0415
        from ..models.opcm_recipe import OpcmRecipe  # noqa: PLC0415
        from ..models.progress import Progress  # noqa: PLC0415
        from ..models.slerp_recipe import SlerpRecipe  # noqa: PLC0415
        from ..models.swudi_recipe import SwudiRecipe  # noqa: PLC0415
        from ..models.tact_recipe import TactRecipe  # noqa: PLC0415
        from ..models.task_arithmetic_recipe import TaskArithmeticRecipe  # noqa: PLC0415
        from ..models.ties_recipe import TiesRecipe  # noqa: PLC0415
        from ..models.tsv_m_recipe import TsvMRecipe  # noqa: PLC0415
        from ..models.wudi_recipe import WudiRecipe  # noqa: PLC0415

        id = self.id

        lineage = self.lineage

        state = self.state.value

        task = self.task.to_dict()

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

        checkpoint = self.checkpoint

        removal = self.removal

        join = self.join

        recompute = self.recompute

        calibration: None | str
        calibration = self.calibration

        gate: dict[str, Any] | None
        if isinstance(self.gate, Gate):
            gate = self.gate.to_dict()
        else:
            gate = self.gate

        labels = self.labels.to_dict()

        attempt = self.attempt

        cancel_requested = self.cancel_requested

        created_at = self.created_at.isoformat()

        cancel_at: None | str
        if isinstance(self.cancel_at, datetime.datetime):
            cancel_at = self.cancel_at.isoformat()
        else:
            cancel_at = self.cancel_at

        started_at: None | str
        if isinstance(self.started_at, datetime.datetime):
            started_at = self.started_at.isoformat()
        else:
            started_at = self.started_at

        ended_at: None | str
        if isinstance(self.ended_at, datetime.datetime):
            ended_at = self.ended_at.isoformat()
        else:
            ended_at = self.ended_at

        version: None | str
        version = self.version

        progress: dict[str, Any] | None
        if isinstance(self.progress, Progress):
            progress = self.progress.to_dict()
        else:
            progress = self.progress

        problem: dict[str, Any] | None
        if isinstance(self.problem, MergeProblem):
            problem = self.problem.to_dict()
        else:
            problem = self.problem

        report: dict[str, Any] | None | Unset
        if isinstance(self.report, Unset):
            report = UNSET
        elif isinstance(self.report, MergeViewReportType0):
            report = self.report.to_dict()
        else:
            report = self.report

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "lineage": lineage,
                "state": state,
                "task": task,
                "recipe": recipe,
                "checkpoint": checkpoint,
                "removal": removal,
                "join": join,
                "recompute": recompute,
                "calibration": calibration,
                "gate": gate,
                "labels": labels,
                "attempt": attempt,
                "cancel_requested": cancel_requested,
                "created_at": created_at,
                "cancel_at": cancel_at,
                "started_at": started_at,
                "ended_at": ended_at,
                "version": version,
                "progress": progress,
                "problem": problem,
            }
        )
        if report is not UNSET:
            field_dict["report"] = report

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
        from ..models.gate import Gate  # noqa: PLC0415
        from ..models.iso_c_recipe import IsoCRecipe  # noqa: PLC0415
        from ..models.iso_cts_recipe import IsoCtsRecipe  # noqa: PLC0415
        from ..models.linear_recipe import LinearRecipe  # noqa: PLC0415
        from ..models.localize_and_stitch_recipe import LocalizeAndStitchRecipe  # noqa: PLC0415
        from ..models.mag_max_recipe import MagMaxRecipe  # noqa: PLC0415
        from ..models.merge_problem import MergeProblem  # noqa: PLC0415
        from ..models.merge_view_labels import MergeViewLabels  # noqa: PLC0415
        from ..models.merge_view_report_type_0 import MergeViewReportType0  # noqa: PLC0415
        from ..models.model_stock_recipe import ModelStockRecipe  # noqa: PLC0415
        from ..models.nu_filt_recipe import NuFiltRecipe  # noqa: PLC0415
        from ..models.ode_recipe import OdeRecipe  # noqa: PLC0415
        from ..models.opcm_recipe import OpcmRecipe  # noqa: PLC0415
        from ..models.pcb_recipe import PcbRecipe  # noqa: PLC0415
        from ..models.progress import Progress  # noqa: PLC0415
        from ..models.slerp_recipe import SlerpRecipe  # noqa: PLC0415
        from ..models.swudi_recipe import SwudiRecipe  # noqa: PLC0415
        from ..models.tact_recipe import TactRecipe  # noqa: PLC0415
        from ..models.task import Task  # noqa: PLC0415
        from ..models.task_arithmetic_recipe import TaskArithmeticRecipe  # noqa: PLC0415
        from ..models.ties_recipe import TiesRecipe  # noqa: PLC0415
        from ..models.tsv_m_recipe import TsvMRecipe  # noqa: PLC0415
        from ..models.wudi_recipe import WudiRecipe  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        lineage = d.pop("lineage")

        state = MergeState(d.pop("state"))

        task = Task.from_dict(d.pop("task"))

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

        checkpoint = d.pop("checkpoint")

        removal = d.pop("removal")

        join = d.pop("join")

        recompute = d.pop("recompute")

        def _parse_calibration(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        calibration = _parse_calibration(d.pop("calibration"))

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

        labels = MergeViewLabels.from_dict(d.pop("labels"))

        attempt = d.pop("attempt")

        cancel_requested = d.pop("cancel_requested")

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        def _parse_cancel_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                cancel_at_type_0 = datetime.datetime.fromisoformat(data)

                return cancel_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        cancel_at = _parse_cancel_at(d.pop("cancel_at"))

        def _parse_started_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                started_at_type_0 = datetime.datetime.fromisoformat(data)

                return started_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        started_at = _parse_started_at(d.pop("started_at"))

        def _parse_ended_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                ended_at_type_0 = datetime.datetime.fromisoformat(data)

                return ended_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        ended_at = _parse_ended_at(d.pop("ended_at"))

        def _parse_version(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        version = _parse_version(d.pop("version"))

        def _parse_progress(data: object) -> None | Progress:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                progress_type_0 = Progress.from_dict(data)

                return progress_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | Progress, data)

        progress = _parse_progress(d.pop("progress"))

        def _parse_problem(data: object) -> MergeProblem | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                problem_type_0 = MergeProblem.from_dict(data)

                return problem_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(MergeProblem | None, data)

        problem = _parse_problem(d.pop("problem"))

        def _parse_report(data: object) -> MergeViewReportType0 | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                report_type_0 = MergeViewReportType0.from_dict(data)

                return report_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(MergeViewReportType0 | None | Unset, data)

        report = _parse_report(d.pop("report", UNSET))

        merge_view = cls(
            id=id,
            lineage=lineage,
            state=state,
            task=task,
            recipe=recipe,
            checkpoint=checkpoint,
            removal=removal,
            join=join,
            recompute=recompute,
            calibration=calibration,
            gate=gate,
            labels=labels,
            attempt=attempt,
            cancel_requested=cancel_requested,
            created_at=created_at,
            cancel_at=cancel_at,
            started_at=started_at,
            ended_at=ended_at,
            version=version,
            progress=progress,
            problem=problem,
            report=report,
        )

        merge_view.additional_properties = d
        return merge_view

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
