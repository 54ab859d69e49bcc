"""Contains all the data models used in inputs/outputs"""

from .act_mat_recipe import ActMatRecipe
from .act_mat_recipe_output import ActMatRecipeOutput
from .alias_page import AliasPage
from .alias_target import AliasTarget
from .alias_view import AliasView
from .architecture import Architecture
from .architecture_open_clip_type_1 import ArchitectureOpenClipType1
from .architecture_overrides import ArchitectureOverrides
from .aswudi_recipe import AswudiRecipe
from .aswudi_recipe_output import AswudiRecipeOutput
from .attempt_page import AttemptPage
from .attempt_view import AttemptView
from .average_recipe import AverageRecipe
from .average_recipe_output import AverageRecipeOutput
from .blob_view import BlobView
from .branch_request import BranchRequest
from .breadcrumbs_recipe import BreadcrumbsRecipe
from .breadcrumbs_recipe_output import BreadcrumbsRecipeOutput
from .change_view import ChangeView
from .consensus_recipe import ConsensusRecipe
from .consensus_recipe_output import ConsensusRecipeOutput
from .dare_recipe import DareRecipe
from .dare_recipe_output import DareRecipeOutput
from .dare_recipe_scope import DareRecipeScope
from .dare_recipe_then import DareRecipeThen
from .dc_merge_recipe import DcMergeRecipe
from .dc_merge_recipe_output import DcMergeRecipeOutput
from .della_recipe import DellaRecipe
from .della_recipe_output import DellaRecipeOutput
from .diff_view import DiffView
from .dop_recipe import DopRecipe
from .dop_recipe_output import DopRecipeOutput
from .emr_recipe import EmrRecipe
from .emr_recipe_output import EmrRecipeOutput
from .gap_event import GapEvent
from .gate import Gate
from .get_open_clip_config_response_getopenclipconfig import (
    GetOpenClipConfigResponseGetopenclipconfig,
)
from .health import Health
from .invalid_field import InvalidField
from .iso_c_recipe import IsoCRecipe
from .iso_c_recipe_output import IsoCRecipeOutput
from .iso_cts_recipe import IsoCtsRecipe
from .iso_cts_recipe_output import IsoCtsRecipeOutput
from .lineage_page import LineagePage
from .lineage_spec import LineageSpec
from .lineage_view import LineageView
from .linear_recipe import LinearRecipe
from .linear_recipe_output import LinearRecipeOutput
from .localize_and_stitch_recipe import LocalizeAndStitchRecipe
from .localize_and_stitch_recipe_output import LocalizeAndStitchRecipeOutput
from .mag_max_recipe import MagMaxRecipe
from .mag_max_recipe_output import MagMaxRecipeOutput
from .merge_page import MergePage
from .merge_problem import MergeProblem
from .merge_request import MergeRequest
from .merge_request_labels import MergeRequestLabels
from .merge_request_recipe_type_0 import MergeRequestRecipeType0
from .merge_state import MergeState
from .merge_view import MergeView
from .merge_view_labels import MergeViewLabels
from .merge_view_report_type_0 import MergeViewReportType0
from .method_state import MethodState
from .method_state_parts import MethodStateParts
from .method_state_scalars import MethodStateScalars
from .model_stock_recipe import ModelStockRecipe
from .model_stock_recipe_output import ModelStockRecipeOutput
from .nu_filt_recipe import NuFiltRecipe
from .nu_filt_recipe_output import NuFiltRecipeOutput
from .ode_recipe import OdeRecipe
from .ode_recipe_integrator import OdeRecipeIntegrator
from .ode_recipe_operating_time_type_1 import OdeRecipeOperatingTimeType1
from .ode_recipe_output import OdeRecipeOutput
from .ode_recipe_preset import OdeRecipePreset
from .ode_recipe_rectifier import OdeRecipeRectifier
from .opcm_recipe import OpcmRecipe
from .opcm_recipe_output import OpcmRecipeOutput
from .pcb_recipe import PcbRecipe
from .pcb_recipe_output import PcbRecipeOutput
from .preprocess import Preprocess
from .present_event import PresentEvent
from .problem import Problem
from .progress import Progress
from .progress_event import ProgressEvent
from .progress_losses import ProgressLosses
from .provenance import Provenance
from .provenance_libraries import ProvenanceLibraries
from .retention import Retention
from .retention_view import RetentionView
from .rollback_request import RollbackRequest
from .scores import Scores
from .slerp_recipe import SlerpRecipe
from .slerp_recipe_output import SlerpRecipeOutput
from .state_event import StateEvent
from .swudi_recipe import SwudiRecipe
from .swudi_recipe_output import SwudiRecipeOutput
from .tact_recipe import TactRecipe
from .tact_recipe_output import TactRecipeOutput
from .task import Task
from .task_arithmetic_recipe import TaskArithmeticRecipe
from .task_arithmetic_recipe_output import TaskArithmeticRecipeOutput
from .task_diff import TaskDiff
from .tensor_diff import TensorDiff
from .tensor_shape import TensorShape
from .ties_recipe import TiesRecipe
from .ties_recipe_output import TiesRecipeOutput
from .ties_recipe_scope import TiesRecipeScope
from .tsv_m_recipe import TsvMRecipe
from .tsv_m_recipe_output import TsvMRecipeOutput
from .upload_view import UploadView
from .version_event import VersionEvent
from .version_page import VersionPage
from .version_view import VersionView
from .version_view_report_type_0 import VersionViewReportType0
from .webhook_made import WebhookMade
from .webhook_page import WebhookPage
from .webhook_request import WebhookRequest
from .webhook_view import WebhookView
from .wudi_recipe import WudiRecipe
from .wudi_recipe_output import WudiRecipeOutput

__all__ = (
    "ActMatRecipe",
    "ActMatRecipeOutput",
    "AliasPage",
    "AliasTarget",
    "AliasView",
    "Architecture",
    "ArchitectureOpenClipType1",
    "ArchitectureOverrides",
    "AswudiRecipe",
    "AswudiRecipeOutput",
    "AttemptPage",
    "AttemptView",
    "AverageRecipe",
    "AverageRecipeOutput",
    "BlobView",
    "BranchRequest",
    "BreadcrumbsRecipe",
    "BreadcrumbsRecipeOutput",
    "ChangeView",
    "ConsensusRecipe",
    "ConsensusRecipeOutput",
    "DareRecipe",
    "DareRecipeOutput",
    "DareRecipeScope",
    "DareRecipeThen",
    "DcMergeRecipe",
    "DcMergeRecipeOutput",
    "DellaRecipe",
    "DellaRecipeOutput",
    "DiffView",
    "DopRecipe",
    "DopRecipeOutput",
    "EmrRecipe",
    "EmrRecipeOutput",
    "GapEvent",
    "Gate",
    "GetOpenClipConfigResponseGetopenclipconfig",
    "Health",
    "InvalidField",
    "IsoCRecipe",
    "IsoCRecipeOutput",
    "IsoCtsRecipe",
    "IsoCtsRecipeOutput",
    "LineagePage",
    "LineageSpec",
    "LineageView",
    "LinearRecipe",
    "LinearRecipeOutput",
    "LocalizeAndStitchRecipe",
    "LocalizeAndStitchRecipeOutput",
    "MagMaxRecipe",
    "MagMaxRecipeOutput",
    "MergePage",
    "MergeProblem",
    "MergeRequest",
    "MergeRequestLabels",
    "MergeRequestRecipeType0",
    "MergeState",
    "MergeView",
    "MergeViewLabels",
    "MergeViewReportType0",
    "MethodState",
    "MethodStateParts",
    "MethodStateScalars",
    "ModelStockRecipe",
    "ModelStockRecipeOutput",
    "NuFiltRecipe",
    "NuFiltRecipeOutput",
    "OdeRecipe",
    "OdeRecipeIntegrator",
    "OdeRecipeOperatingTimeType1",
    "OdeRecipeOutput",
    "OdeRecipePreset",
    "OdeRecipeRectifier",
    "OpcmRecipe",
    "OpcmRecipeOutput",
    "PcbRecipe",
    "PcbRecipeOutput",
    "Preprocess",
    "PresentEvent",
    "Problem",
    "Progress",
    "ProgressEvent",
    "ProgressLosses",
    "Provenance",
    "ProvenanceLibraries",
    "Retention",
    "RetentionView",
    "RollbackRequest",
    "Scores",
    "SlerpRecipe",
    "SlerpRecipeOutput",
    "StateEvent",
    "SwudiRecipe",
    "SwudiRecipeOutput",
    "TactRecipe",
    "TactRecipeOutput",
    "Task",
    "TaskArithmeticRecipe",
    "TaskArithmeticRecipeOutput",
    "TaskDiff",
    "TensorDiff",
    "TensorShape",
    "TiesRecipe",
    "TiesRecipeOutput",
    "TiesRecipeScope",
    "TsvMRecipe",
    "TsvMRecipeOutput",
    "UploadView",
    "VersionEvent",
    "VersionPage",
    "VersionView",
    "VersionViewReportType0",
    "WebhookMade",
    "WebhookPage",
    "WebhookRequest",
    "WebhookView",
    "WudiRecipe",
    "WudiRecipeOutput",
)
