"""Contains all the data models used in inputs/outputs"""

from .act_mat_recipe import ActMatRecipe
from .alias_page import AliasPage
from .alias_target import AliasTarget
from .alias_view import AliasView
from .architecture import Architecture
from .architecture_open_clip_type_1 import ArchitectureOpenClipType1
from .architecture_overrides import ArchitectureOverrides
from .aswudi_recipe import AswudiRecipe
from .attempt_page import AttemptPage
from .attempt_view import AttemptView
from .average_recipe import AverageRecipe
from .blob_view import BlobView
from .branch_request import BranchRequest
from .breadcrumbs_recipe import BreadcrumbsRecipe
from .change_view import ChangeView
from .consensus_recipe import ConsensusRecipe
from .dare_recipe import DareRecipe
from .dare_recipe_scope import DareRecipeScope
from .dare_recipe_then import DareRecipeThen
from .dc_merge_recipe import DcMergeRecipe
from .della_recipe import DellaRecipe
from .diff_view import DiffView
from .dop_recipe import DopRecipe
from .emr_recipe import EmrRecipe
from .gap_event import GapEvent
from .gate import Gate
from .get_open_clip_config_response_getopenclipconfig import (
    GetOpenClipConfigResponseGetopenclipconfig,
)
from .health import Health
from .invalid_field import InvalidField
from .iso_c_recipe import IsoCRecipe
from .iso_cts_recipe import IsoCtsRecipe
from .join_request import JoinRequest
from .lineage_page import LineagePage
from .lineage_spec import LineageSpec
from .lineage_view import LineageView
from .linear_recipe import LinearRecipe
from .localize_and_stitch_recipe import LocalizeAndStitchRecipe
from .mag_max_recipe import MagMaxRecipe
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
from .nu_filt_recipe import NuFiltRecipe
from .ode_recipe import OdeRecipe
from .ode_recipe_endpoint import OdeRecipeEndpoint
from .ode_recipe_integrator import OdeRecipeIntegrator
from .ode_recipe_operating_time_type_1 import OdeRecipeOperatingTimeType1
from .ode_recipe_preset import OdeRecipePreset
from .ode_recipe_rectifier import OdeRecipeRectifier
from .opcm_recipe import OpcmRecipe
from .pcb_recipe import PcbRecipe
from .preprocess import Preprocess
from .present_event import PresentEvent
from .problem import Problem
from .progress import Progress
from .progress_event import ProgressEvent
from .progress_losses import ProgressLosses
from .provenance import Provenance
from .provenance_libraries import ProvenanceLibraries
from .recomputation_request import RecomputationRequest
from .recomputation_request_recipe import RecomputationRequestRecipe
from .removal_request import RemovalRequest
from .retention import Retention
from .retention_view import RetentionView
from .rollback_request import RollbackRequest
from .scores import Scores
from .slerp_recipe import SlerpRecipe
from .state_event import StateEvent
from .swudi_recipe import SwudiRecipe
from .tact_recipe import TactRecipe
from .task import Task
from .task_arithmetic_recipe import TaskArithmeticRecipe
from .task_diff import TaskDiff
from .tensor_diff import TensorDiff
from .tensor_shape import TensorShape
from .ties_recipe import TiesRecipe
from .ties_recipe_scope import TiesRecipeScope
from .tsv_m_recipe import TsvMRecipe
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

__all__ = (
    "ActMatRecipe",
    "AliasPage",
    "AliasTarget",
    "AliasView",
    "Architecture",
    "ArchitectureOpenClipType1",
    "ArchitectureOverrides",
    "AswudiRecipe",
    "AttemptPage",
    "AttemptView",
    "AverageRecipe",
    "BlobView",
    "BranchRequest",
    "BreadcrumbsRecipe",
    "ChangeView",
    "ConsensusRecipe",
    "DareRecipe",
    "DareRecipeScope",
    "DareRecipeThen",
    "DcMergeRecipe",
    "DellaRecipe",
    "DiffView",
    "DopRecipe",
    "EmrRecipe",
    "GapEvent",
    "Gate",
    "GetOpenClipConfigResponseGetopenclipconfig",
    "Health",
    "InvalidField",
    "IsoCRecipe",
    "IsoCtsRecipe",
    "JoinRequest",
    "LineagePage",
    "LineageSpec",
    "LineageView",
    "LinearRecipe",
    "LocalizeAndStitchRecipe",
    "MagMaxRecipe",
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
    "NuFiltRecipe",
    "OdeRecipe",
    "OdeRecipeEndpoint",
    "OdeRecipeIntegrator",
    "OdeRecipeOperatingTimeType1",
    "OdeRecipePreset",
    "OdeRecipeRectifier",
    "OpcmRecipe",
    "PcbRecipe",
    "Preprocess",
    "PresentEvent",
    "Problem",
    "Progress",
    "ProgressEvent",
    "ProgressLosses",
    "Provenance",
    "ProvenanceLibraries",
    "RecomputationRequest",
    "RecomputationRequestRecipe",
    "RemovalRequest",
    "Retention",
    "RetentionView",
    "RollbackRequest",
    "Scores",
    "SlerpRecipe",
    "StateEvent",
    "SwudiRecipe",
    "TactRecipe",
    "Task",
    "TaskArithmeticRecipe",
    "TaskDiff",
    "TensorDiff",
    "TensorShape",
    "TiesRecipe",
    "TiesRecipeScope",
    "TsvMRecipe",
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
)
