"""ODE-M, a merge along a rectified path. `merge` is the whole of it; see docs/reference/ode-m.md.

Source: Lin & Kang, arXiv 2605.19409, and its published code.
"""

from merging.ode.config import OdeConfig
from merging.ode.engine import merge
from merging.ode.parameters import PARAMETERS
from merging.ode.report import Cancelled, Outcome, Report, Step
from merging.ode.task import Normalisation, TaskData

__all__ = [
    "PARAMETERS",
    "Cancelled",
    "Normalisation",
    "OdeConfig",
    "Outcome",
    "Report",
    "Step",
    "TaskData",
    "merge",
]
