from __future__ import annotations

from collections.abc import Mapping
from typing import (
    Any,
    Literal,
    Self,
    TypeVar,
    cast,
)

from attrs import define as _attrs_define

from ..models.ode_recipe_estimator import OdeRecipeEstimator
from ..models.ode_recipe_integrator import OdeRecipeIntegrator
from ..models.ode_recipe_on_violation import OdeRecipeOnViolation
from ..models.ode_recipe_operating_time_type_1 import OdeRecipeOperatingTimeType1
from ..models.ode_recipe_path_end import OdeRecipePathEnd
from ..models.ode_recipe_precision import OdeRecipePrecision
from ..models.ode_recipe_preset import OdeRecipePreset
from ..models.ode_recipe_program import OdeRecipeProgram
from ..models.ode_recipe_rectifier import OdeRecipeRectifier
from ..models.ode_recipe_refine_unit import OdeRecipeRefineUnit
from ..models.ode_recipe_task_weights import OdeRecipeTaskWeights
from ..types import UNSET, Unset

T = TypeVar("T", bound="OdeRecipe")


@_attrs_define
class OdeRecipe:
    """ODE-M: follow the flow from head to checkpoint under a loss barrier for every task.

    Its parameters are those of `ode_recipe.json`, a copy of the engine's own table that a test holds equal to it;
    `docs/engine.md` tells what each does. Source: Lin & Kang, arXiv 2605.19409.

        Attributes:
            method (Literal['ode'] | Unset):  Default: 'ode'.
            preset (OdeRecipePreset | Unset): where unnamed fields take their values; released: the published code's
            rectifier (OdeRecipeRectifier | Unset): per_task: constraints for each task (form B); aggregate: one gradient
                (form A, §3.2); none: straight line
            integrator (OdeRecipeIntegrator | Unset): adaptive: smoothed Euler with step-size control; euler: fixed step;
                adams: fixed step, order 2
            step_size (float | Unset): h of the integrators with a fixed step
            tolerance (float | Unset): adaptive: error allowed per unit of time, relative to the flow's speed
            smoothing (float | Unset): adaptive: β, the share of the velocity before in a step's velocity
            smallest_step (float | Unset): adaptive: no step is chosen shorter than this share of the path
            largest_step (float | Unset): adaptive: no step is longer than this share of the path
            path_end (OdeRecipePathEnd | Unset): where the path stops: at T, or at the last multiple of h up to T
            operating_time (float | OdeRecipeOperatingTimeType1 | Unset): T: from the tasks' utilities, chosen on held-out
                calibration samples, or given
            holdout (float | Unset): auto: share of each task's calibration samples kept to judge times by
            auto_limit (float | Unset): auto: the path is followed to this multiple of the utilities' T, at most 1
            barrier_budget (float | Unset): B_max: how far a loss may rise above the line between its ends
            barrier_power (float | Unset): p: the barrier is B_max (1 - t)^p
            protect_old_only (bool | Unset): ceilings for the old tasks only, level at their first losses
            excess_constraints (int | Unset): per_task: how many tasks nearest to their ceilings are constrained
            sensitivity_constraints (int | Unset): per_task: how many tasks that the flow harms most are constrained
            allowed_increase (float | None | Unset): per_task: rise of a constrained loss allowed in one step; null: as the
                ceilings allow
            program (OdeRecipeProgram | Unset): how the quadratic program is solved; released: with its early giving up
            program_ridge (float | Unset): released program: added to the Gram matrix's diagonal
            program_tolerance (float | Unset): residual that counts as met; exact program: relative
            descent_ratio (float | Unset): ρ: size of the descent along the macro gradient, relative to the flow
            descent_ramp (float | Unset): r: the ratio grows to ρ (1 + r) along the path
            descent_smallest (float | Unset): η_min
            descent_largest (float | Unset): η_max
            norm_power (float | Unset): q: task gradients count divided by their norm to this power
            task_weights (OdeRecipeTaskWeights | Unset): weights of the tasks' losses in the macro gradient
            estimator (OdeRecipeEstimator | Unset): samples: means over all samples; batches: the published sums over
                batches, constraints from the first
            batch_size (int | Unset): estimator batches and refinement: samples in a batch
            max_batches (int | Unset): estimator batches: how many leading batches of a task are read
            backtracks (int | Unset): how many lengths of a step are tried
            shrink (float | Unset): factor from one tried length to the next
            smallest_scale (float | Unset): no step is shortened below this scale
            on_violation (OdeRecipeOnViolation | Unset): a shortened step: time advances with it and a blocked path stops;
                or time advances by h whatever happens
            coefficients (bool | Unset): learn, after the path, how much each row takes of what was merged
            coefficient_steps (int | Unset): coefficients: Adam steps
            coefficient_rate (float | Unset): coefficients: learning rate, which falls to nothing along a cosine
            refine (bool | Unset): a short descent on the memory around the path's end
            refine_steps (int | Unset): refinement: AdamW steps
            refine_rate (float | Unset): refinement: learning rate, in the unit below
            refine_unit (OdeRecipeRefineUnit | Unset): distance: in each tensor the root mean square of what lies between
                head and checkpoint; parameters: 1
            refine_anneal (bool | Unset): refinement: the rate falls to nothing along a cosine
            refine_anchor (float | Unset): refinement: weight of the relative squared distance to the path's end
            refine_radius (float | Unset): refinement: trust region, relative to the parameters' norm
            refine_tolerance (float | Unset): refinement: rise of any task's loss that a kept result may have
            refine_clip (float | Unset): refinement: largest gradient norm, 0 for no limit
            refine_probe_batches (int | Unset): refinement: leading batches of a task that judge a result
            refine_probe_steps (int | Unset): refinement: a result is judged every so many steps, and the last
            crops (float | Unset): coefficients and refinement: random crops lose up to this share of an image's area
            rates_by_time (bool | Unset): coefficients and refinement: rates are multiplied by 2T, at most by 1; T is the
                incoming task's share
            enough_samples (int | Unset): coefficients and refinement: where a task has n calibration samples, fewer, rates
                are multiplied by n / this
            seed (int | Unset): of everything drawn: the held-out samples and the refinement's batches
            micro_batch (int | Unset): samples in one pass: bounds activation memory, not the result
            precision (OdeRecipePrecision | Unset): of the passes; state and decisions stay float32 and float64; auto: bf16
                where a GPU has it, else float32
            compile_ (bool | Unset): compile the tower's passes with torch.compile
    """

    method: Literal["ode"] | Unset = "ode"
    preset: OdeRecipePreset | Unset = UNSET
    rectifier: OdeRecipeRectifier | Unset = UNSET
    integrator: OdeRecipeIntegrator | Unset = UNSET
    step_size: float | Unset = UNSET
    tolerance: float | Unset = UNSET
    smoothing: float | Unset = UNSET
    smallest_step: float | Unset = UNSET
    largest_step: float | Unset = UNSET
    path_end: OdeRecipePathEnd | Unset = UNSET
    operating_time: float | OdeRecipeOperatingTimeType1 | Unset = UNSET
    holdout: float | Unset = UNSET
    auto_limit: float | Unset = UNSET
    barrier_budget: float | Unset = UNSET
    barrier_power: float | Unset = UNSET
    protect_old_only: bool | Unset = UNSET
    excess_constraints: int | Unset = UNSET
    sensitivity_constraints: int | Unset = UNSET
    allowed_increase: float | None | Unset = UNSET
    program: OdeRecipeProgram | Unset = UNSET
    program_ridge: float | Unset = UNSET
    program_tolerance: float | Unset = UNSET
    descent_ratio: float | Unset = UNSET
    descent_ramp: float | Unset = UNSET
    descent_smallest: float | Unset = UNSET
    descent_largest: float | Unset = UNSET
    norm_power: float | Unset = UNSET
    task_weights: OdeRecipeTaskWeights | Unset = UNSET
    estimator: OdeRecipeEstimator | Unset = UNSET
    batch_size: int | Unset = UNSET
    max_batches: int | Unset = UNSET
    backtracks: int | Unset = UNSET
    shrink: float | Unset = UNSET
    smallest_scale: float | Unset = UNSET
    on_violation: OdeRecipeOnViolation | Unset = UNSET
    coefficients: bool | Unset = UNSET
    coefficient_steps: int | Unset = UNSET
    coefficient_rate: float | Unset = UNSET
    refine: bool | Unset = UNSET
    refine_steps: int | Unset = UNSET
    refine_rate: float | Unset = UNSET
    refine_unit: OdeRecipeRefineUnit | Unset = UNSET
    refine_anneal: bool | Unset = UNSET
    refine_anchor: float | Unset = UNSET
    refine_radius: float | Unset = UNSET
    refine_tolerance: float | Unset = UNSET
    refine_clip: float | Unset = UNSET
    refine_probe_batches: int | Unset = UNSET
    refine_probe_steps: int | Unset = UNSET
    crops: float | Unset = UNSET
    rates_by_time: bool | Unset = UNSET
    enough_samples: int | Unset = UNSET
    seed: int | Unset = UNSET
    micro_batch: int | Unset = UNSET
    precision: OdeRecipePrecision | Unset = UNSET
    compile_: bool | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        method = self.method

        preset: str | Unset = UNSET
        if not isinstance(self.preset, Unset):
            preset = self.preset.value

        rectifier: str | Unset = UNSET
        if not isinstance(self.rectifier, Unset):
            rectifier = self.rectifier.value

        integrator: str | Unset = UNSET
        if not isinstance(self.integrator, Unset):
            integrator = self.integrator.value

        step_size = self.step_size

        tolerance = self.tolerance

        smoothing = self.smoothing

        smallest_step = self.smallest_step

        largest_step = self.largest_step

        path_end: str | Unset = UNSET
        if not isinstance(self.path_end, Unset):
            path_end = self.path_end.value

        operating_time: float | str | Unset
        if isinstance(self.operating_time, Unset):
            operating_time = UNSET
        elif isinstance(self.operating_time, OdeRecipeOperatingTimeType1):
            operating_time = self.operating_time.value
        else:
            operating_time = self.operating_time

        holdout = self.holdout

        auto_limit = self.auto_limit

        barrier_budget = self.barrier_budget

        barrier_power = self.barrier_power

        protect_old_only = self.protect_old_only

        excess_constraints = self.excess_constraints

        sensitivity_constraints = self.sensitivity_constraints

        allowed_increase: float | None | Unset
        if isinstance(self.allowed_increase, Unset):
            allowed_increase = UNSET
        else:
            allowed_increase = self.allowed_increase

        program: str | Unset = UNSET
        if not isinstance(self.program, Unset):
            program = self.program.value

        program_ridge = self.program_ridge

        program_tolerance = self.program_tolerance

        descent_ratio = self.descent_ratio

        descent_ramp = self.descent_ramp

        descent_smallest = self.descent_smallest

        descent_largest = self.descent_largest

        norm_power = self.norm_power

        task_weights: str | Unset = UNSET
        if not isinstance(self.task_weights, Unset):
            task_weights = self.task_weights.value

        estimator: str | Unset = UNSET
        if not isinstance(self.estimator, Unset):
            estimator = self.estimator.value

        batch_size = self.batch_size

        max_batches = self.max_batches

        backtracks = self.backtracks

        shrink = self.shrink

        smallest_scale = self.smallest_scale

        on_violation: str | Unset = UNSET
        if not isinstance(self.on_violation, Unset):
            on_violation = self.on_violation.value

        coefficients = self.coefficients

        coefficient_steps = self.coefficient_steps

        coefficient_rate = self.coefficient_rate

        refine = self.refine

        refine_steps = self.refine_steps

        refine_rate = self.refine_rate

        refine_unit: str | Unset = UNSET
        if not isinstance(self.refine_unit, Unset):
            refine_unit = self.refine_unit.value

        refine_anneal = self.refine_anneal

        refine_anchor = self.refine_anchor

        refine_radius = self.refine_radius

        refine_tolerance = self.refine_tolerance

        refine_clip = self.refine_clip

        refine_probe_batches = self.refine_probe_batches

        refine_probe_steps = self.refine_probe_steps

        crops = self.crops

        rates_by_time = self.rates_by_time

        enough_samples = self.enough_samples

        seed = self.seed

        micro_batch = self.micro_batch

        precision: str | Unset = UNSET
        if not isinstance(self.precision, Unset):
            precision = self.precision.value

        compile_ = self.compile_

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if method is not UNSET:
            field_dict["method"] = method
        if preset is not UNSET:
            field_dict["preset"] = preset
        if rectifier is not UNSET:
            field_dict["rectifier"] = rectifier
        if integrator is not UNSET:
            field_dict["integrator"] = integrator
        if step_size is not UNSET:
            field_dict["step_size"] = step_size
        if tolerance is not UNSET:
            field_dict["tolerance"] = tolerance
        if smoothing is not UNSET:
            field_dict["smoothing"] = smoothing
        if smallest_step is not UNSET:
            field_dict["smallest_step"] = smallest_step
        if largest_step is not UNSET:
            field_dict["largest_step"] = largest_step
        if path_end is not UNSET:
            field_dict["path_end"] = path_end
        if operating_time is not UNSET:
            field_dict["operating_time"] = operating_time
        if holdout is not UNSET:
            field_dict["holdout"] = holdout
        if auto_limit is not UNSET:
            field_dict["auto_limit"] = auto_limit
        if barrier_budget is not UNSET:
            field_dict["barrier_budget"] = barrier_budget
        if barrier_power is not UNSET:
            field_dict["barrier_power"] = barrier_power
        if protect_old_only is not UNSET:
            field_dict["protect_old_only"] = protect_old_only
        if excess_constraints is not UNSET:
            field_dict["excess_constraints"] = excess_constraints
        if sensitivity_constraints is not UNSET:
            field_dict["sensitivity_constraints"] = sensitivity_constraints
        if allowed_increase is not UNSET:
            field_dict["allowed_increase"] = allowed_increase
        if program is not UNSET:
            field_dict["program"] = program
        if program_ridge is not UNSET:
            field_dict["program_ridge"] = program_ridge
        if program_tolerance is not UNSET:
            field_dict["program_tolerance"] = program_tolerance
        if descent_ratio is not UNSET:
            field_dict["descent_ratio"] = descent_ratio
        if descent_ramp is not UNSET:
            field_dict["descent_ramp"] = descent_ramp
        if descent_smallest is not UNSET:
            field_dict["descent_smallest"] = descent_smallest
        if descent_largest is not UNSET:
            field_dict["descent_largest"] = descent_largest
        if norm_power is not UNSET:
            field_dict["norm_power"] = norm_power
        if task_weights is not UNSET:
            field_dict["task_weights"] = task_weights
        if estimator is not UNSET:
            field_dict["estimator"] = estimator
        if batch_size is not UNSET:
            field_dict["batch_size"] = batch_size
        if max_batches is not UNSET:
            field_dict["max_batches"] = max_batches
        if backtracks is not UNSET:
            field_dict["backtracks"] = backtracks
        if shrink is not UNSET:
            field_dict["shrink"] = shrink
        if smallest_scale is not UNSET:
            field_dict["smallest_scale"] = smallest_scale
        if on_violation is not UNSET:
            field_dict["on_violation"] = on_violation
        if coefficients is not UNSET:
            field_dict["coefficients"] = coefficients
        if coefficient_steps is not UNSET:
            field_dict["coefficient_steps"] = coefficient_steps
        if coefficient_rate is not UNSET:
            field_dict["coefficient_rate"] = coefficient_rate
        if refine is not UNSET:
            field_dict["refine"] = refine
        if refine_steps is not UNSET:
            field_dict["refine_steps"] = refine_steps
        if refine_rate is not UNSET:
            field_dict["refine_rate"] = refine_rate
        if refine_unit is not UNSET:
            field_dict["refine_unit"] = refine_unit
        if refine_anneal is not UNSET:
            field_dict["refine_anneal"] = refine_anneal
        if refine_anchor is not UNSET:
            field_dict["refine_anchor"] = refine_anchor
        if refine_radius is not UNSET:
            field_dict["refine_radius"] = refine_radius
        if refine_tolerance is not UNSET:
            field_dict["refine_tolerance"] = refine_tolerance
        if refine_clip is not UNSET:
            field_dict["refine_clip"] = refine_clip
        if refine_probe_batches is not UNSET:
            field_dict["refine_probe_batches"] = refine_probe_batches
        if refine_probe_steps is not UNSET:
            field_dict["refine_probe_steps"] = refine_probe_steps
        if crops is not UNSET:
            field_dict["crops"] = crops
        if rates_by_time is not UNSET:
            field_dict["rates_by_time"] = rates_by_time
        if enough_samples is not UNSET:
            field_dict["enough_samples"] = enough_samples
        if seed is not UNSET:
            field_dict["seed"] = seed
        if micro_batch is not UNSET:
            field_dict["micro_batch"] = micro_batch
        if precision is not UNSET:
            field_dict["precision"] = precision
        if compile_ is not UNSET:
            field_dict["compile"] = compile_

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        method = cast(Literal["ode"] | Unset, d.pop("method", UNSET))
        if method != "ode" and not isinstance(method, Unset):
            raise ValueError(f"method must match const 'ode', got '{method}'")

        _preset = d.pop("preset", UNSET)
        preset: OdeRecipePreset | Unset
        if isinstance(_preset, Unset):
            preset = UNSET
        else:
            preset = OdeRecipePreset(_preset)

        _rectifier = d.pop("rectifier", UNSET)
        rectifier: OdeRecipeRectifier | Unset
        if isinstance(_rectifier, Unset):
            rectifier = UNSET
        else:
            rectifier = OdeRecipeRectifier(_rectifier)

        _integrator = d.pop("integrator", UNSET)
        integrator: OdeRecipeIntegrator | Unset
        if isinstance(_integrator, Unset):
            integrator = UNSET
        else:
            integrator = OdeRecipeIntegrator(_integrator)

        step_size = d.pop("step_size", UNSET)

        tolerance = d.pop("tolerance", UNSET)

        smoothing = d.pop("smoothing", UNSET)

        smallest_step = d.pop("smallest_step", UNSET)

        largest_step = d.pop("largest_step", UNSET)

        _path_end = d.pop("path_end", UNSET)
        path_end: OdeRecipePathEnd | Unset
        if isinstance(_path_end, Unset):
            path_end = UNSET
        else:
            path_end = OdeRecipePathEnd(_path_end)

        def _parse_operating_time(
            data: object,
        ) -> float | OdeRecipeOperatingTimeType1 | Unset:
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                operating_time_type_1 = OdeRecipeOperatingTimeType1(data)

                return operating_time_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(float | OdeRecipeOperatingTimeType1 | Unset, data)

        operating_time = _parse_operating_time(d.pop("operating_time", UNSET))

        holdout = d.pop("holdout", UNSET)

        auto_limit = d.pop("auto_limit", UNSET)

        barrier_budget = d.pop("barrier_budget", UNSET)

        barrier_power = d.pop("barrier_power", UNSET)

        protect_old_only = d.pop("protect_old_only", UNSET)

        excess_constraints = d.pop("excess_constraints", UNSET)

        sensitivity_constraints = d.pop("sensitivity_constraints", UNSET)

        def _parse_allowed_increase(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(float | None | Unset, data)

        allowed_increase = _parse_allowed_increase(d.pop("allowed_increase", UNSET))

        _program = d.pop("program", UNSET)
        program: OdeRecipeProgram | Unset
        if isinstance(_program, Unset):
            program = UNSET
        else:
            program = OdeRecipeProgram(_program)

        program_ridge = d.pop("program_ridge", UNSET)

        program_tolerance = d.pop("program_tolerance", UNSET)

        descent_ratio = d.pop("descent_ratio", UNSET)

        descent_ramp = d.pop("descent_ramp", UNSET)

        descent_smallest = d.pop("descent_smallest", UNSET)

        descent_largest = d.pop("descent_largest", UNSET)

        norm_power = d.pop("norm_power", UNSET)

        _task_weights = d.pop("task_weights", UNSET)
        task_weights: OdeRecipeTaskWeights | Unset
        if isinstance(_task_weights, Unset):
            task_weights = UNSET
        else:
            task_weights = OdeRecipeTaskWeights(_task_weights)

        _estimator = d.pop("estimator", UNSET)
        estimator: OdeRecipeEstimator | Unset
        if isinstance(_estimator, Unset):
            estimator = UNSET
        else:
            estimator = OdeRecipeEstimator(_estimator)

        batch_size = d.pop("batch_size", UNSET)

        max_batches = d.pop("max_batches", UNSET)

        backtracks = d.pop("backtracks", UNSET)

        shrink = d.pop("shrink", UNSET)

        smallest_scale = d.pop("smallest_scale", UNSET)

        _on_violation = d.pop("on_violation", UNSET)
        on_violation: OdeRecipeOnViolation | Unset
        if isinstance(_on_violation, Unset):
            on_violation = UNSET
        else:
            on_violation = OdeRecipeOnViolation(_on_violation)

        coefficients = d.pop("coefficients", UNSET)

        coefficient_steps = d.pop("coefficient_steps", UNSET)

        coefficient_rate = d.pop("coefficient_rate", UNSET)

        refine = d.pop("refine", UNSET)

        refine_steps = d.pop("refine_steps", UNSET)

        refine_rate = d.pop("refine_rate", UNSET)

        _refine_unit = d.pop("refine_unit", UNSET)
        refine_unit: OdeRecipeRefineUnit | Unset
        if isinstance(_refine_unit, Unset):
            refine_unit = UNSET
        else:
            refine_unit = OdeRecipeRefineUnit(_refine_unit)

        refine_anneal = d.pop("refine_anneal", UNSET)

        refine_anchor = d.pop("refine_anchor", UNSET)

        refine_radius = d.pop("refine_radius", UNSET)

        refine_tolerance = d.pop("refine_tolerance", UNSET)

        refine_clip = d.pop("refine_clip", UNSET)

        refine_probe_batches = d.pop("refine_probe_batches", UNSET)

        refine_probe_steps = d.pop("refine_probe_steps", UNSET)

        crops = d.pop("crops", UNSET)

        rates_by_time = d.pop("rates_by_time", UNSET)

        enough_samples = d.pop("enough_samples", UNSET)

        seed = d.pop("seed", UNSET)

        micro_batch = d.pop("micro_batch", UNSET)

        _precision = d.pop("precision", UNSET)
        precision: OdeRecipePrecision | Unset
        if isinstance(_precision, Unset):
            precision = UNSET
        else:
            precision = OdeRecipePrecision(_precision)

        compile_ = d.pop("compile", UNSET)

        ode_recipe = cls(
            method=method,
            preset=preset,
            rectifier=rectifier,
            integrator=integrator,
            step_size=step_size,
            tolerance=tolerance,
            smoothing=smoothing,
            smallest_step=smallest_step,
            largest_step=largest_step,
            path_end=path_end,
            operating_time=operating_time,
            holdout=holdout,
            auto_limit=auto_limit,
            barrier_budget=barrier_budget,
            barrier_power=barrier_power,
            protect_old_only=protect_old_only,
            excess_constraints=excess_constraints,
            sensitivity_constraints=sensitivity_constraints,
            allowed_increase=allowed_increase,
            program=program,
            program_ridge=program_ridge,
            program_tolerance=program_tolerance,
            descent_ratio=descent_ratio,
            descent_ramp=descent_ramp,
            descent_smallest=descent_smallest,
            descent_largest=descent_largest,
            norm_power=norm_power,
            task_weights=task_weights,
            estimator=estimator,
            batch_size=batch_size,
            max_batches=max_batches,
            backtracks=backtracks,
            shrink=shrink,
            smallest_scale=smallest_scale,
            on_violation=on_violation,
            coefficients=coefficients,
            coefficient_steps=coefficient_steps,
            coefficient_rate=coefficient_rate,
            refine=refine,
            refine_steps=refine_steps,
            refine_rate=refine_rate,
            refine_unit=refine_unit,
            refine_anneal=refine_anneal,
            refine_anchor=refine_anchor,
            refine_radius=refine_radius,
            refine_tolerance=refine_tolerance,
            refine_clip=refine_clip,
            refine_probe_batches=refine_probe_batches,
            refine_probe_steps=refine_probe_steps,
            crops=crops,
            rates_by_time=rates_by_time,
            enough_samples=enough_samples,
            seed=seed,
            micro_batch=micro_batch,
            precision=precision,
            compile_=compile_,
        )

        return ode_recipe
