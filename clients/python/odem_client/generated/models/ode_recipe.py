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

from ..models.ode_recipe_endpoint import OdeRecipeEndpoint
from ..models.ode_recipe_integrator import OdeRecipeIntegrator
from ..models.ode_recipe_operating_time_type_1 import OdeRecipeOperatingTimeType1
from ..models.ode_recipe_preset import OdeRecipePreset
from ..models.ode_recipe_rectifier import OdeRecipeRectifier
from ..types import UNSET, Unset

T = TypeVar("T", bound="OdeRecipe")


@_attrs_define
class OdeRecipe:
    """ODE-M: follow the flow from head to checkpoint under a loss barrier for every task. Source: Lin & Kang, arXiv
    2605.19409.

        Attributes:
            method (Literal['ode'] | Unset): Name of the merge method. Default: 'ode'.
            preset (OdeRecipePreset | Unset): default of all other parameters; released: the values of the published code
            rectifier (OdeRecipeRectifier | Unset): per_task: constraints for each task (form B); aggregate: one gradient
                (form A, §3.2); none: straight line
            endpoint (OdeRecipeEndpoint | Unset): θ₁: the incoming checkpoint; or the closed-form solution of all tasks so
                far (aswudi), with T = 1
            integrator (OdeRecipeIntegrator | Unset): adaptive: smoothed Euler with step-size control; euler: fixed step;
                adams: fixed step, order 2
            step_size (float | Unset): h: step of the integrators with a fixed step
            operating_time (float | OdeRecipeOperatingTimeType1 | Unset): T: from the tasks' utilities, chosen on held-out
                calibration samples (auto), or given
            barrier_budget (float | Unset): B_max: how far a task's loss may rise above the line between its values at both
                ends
            coefficients (bool | Unset): after the path, learn how much each row of a weight takes of what was merged
            refine (bool | Unset): after the path, descend briefly on the calibration memory
            seed (int | Unset): seed of all random draws: memory, held-out samples, refinement batches
            micro_batch (int | Unset): samples per pass: bounds activation memory and changes the result only by rounding
    """

    method: Literal["ode"] | Unset = "ode"
    preset: OdeRecipePreset | Unset = UNSET
    rectifier: OdeRecipeRectifier | Unset = UNSET
    endpoint: OdeRecipeEndpoint | Unset = UNSET
    integrator: OdeRecipeIntegrator | Unset = UNSET
    step_size: float | Unset = UNSET
    operating_time: float | OdeRecipeOperatingTimeType1 | Unset = UNSET
    barrier_budget: float | Unset = UNSET
    coefficients: bool | Unset = UNSET
    refine: bool | Unset = UNSET
    seed: int | Unset = UNSET
    micro_batch: int | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        method = self.method

        preset: str | Unset = UNSET
        if not isinstance(self.preset, Unset):
            preset = self.preset.value

        rectifier: str | Unset = UNSET
        if not isinstance(self.rectifier, Unset):
            rectifier = self.rectifier.value

        endpoint: str | Unset = UNSET
        if not isinstance(self.endpoint, Unset):
            endpoint = self.endpoint.value

        integrator: str | Unset = UNSET
        if not isinstance(self.integrator, Unset):
            integrator = self.integrator.value

        step_size = self.step_size

        operating_time: float | str | Unset
        if isinstance(self.operating_time, Unset):
            operating_time = UNSET
        elif isinstance(self.operating_time, OdeRecipeOperatingTimeType1):
            operating_time = self.operating_time.value
        else:
            operating_time = self.operating_time

        barrier_budget = self.barrier_budget

        coefficients = self.coefficients

        refine = self.refine

        seed = self.seed

        micro_batch = self.micro_batch

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if method is not UNSET:
            field_dict["method"] = method
        if preset is not UNSET:
            field_dict["preset"] = preset
        if rectifier is not UNSET:
            field_dict["rectifier"] = rectifier
        if endpoint is not UNSET:
            field_dict["endpoint"] = endpoint
        if integrator is not UNSET:
            field_dict["integrator"] = integrator
        if step_size is not UNSET:
            field_dict["step_size"] = step_size
        if operating_time is not UNSET:
            field_dict["operating_time"] = operating_time
        if barrier_budget is not UNSET:
            field_dict["barrier_budget"] = barrier_budget
        if coefficients is not UNSET:
            field_dict["coefficients"] = coefficients
        if refine is not UNSET:
            field_dict["refine"] = refine
        if seed is not UNSET:
            field_dict["seed"] = seed
        if micro_batch is not UNSET:
            field_dict["micro_batch"] = micro_batch

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

        _endpoint = d.pop("endpoint", UNSET)
        endpoint: OdeRecipeEndpoint | Unset
        if isinstance(_endpoint, Unset):
            endpoint = UNSET
        else:
            endpoint = OdeRecipeEndpoint(_endpoint)

        _integrator = d.pop("integrator", UNSET)
        integrator: OdeRecipeIntegrator | Unset
        if isinstance(_integrator, Unset):
            integrator = UNSET
        else:
            integrator = OdeRecipeIntegrator(_integrator)

        step_size = d.pop("step_size", UNSET)

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

        barrier_budget = d.pop("barrier_budget", UNSET)

        coefficients = d.pop("coefficients", UNSET)

        refine = d.pop("refine", UNSET)

        seed = d.pop("seed", UNSET)

        micro_batch = d.pop("micro_batch", UNSET)

        ode_recipe = cls(
            method=method,
            preset=preset,
            rectifier=rectifier,
            endpoint=endpoint,
            integrator=integrator,
            step_size=step_size,
            operating_time=operating_time,
            barrier_budget=barrier_budget,
            coefficients=coefficients,
            refine=refine,
            seed=seed,
            micro_batch=micro_batch,
        )

        return ode_recipe
