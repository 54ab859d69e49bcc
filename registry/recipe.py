"""Recipes: which merge method, with which parameters."""

import json
from importlib import resources
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    StrictBool,
    TypeAdapter,
    ValidationError,
    create_model,
    model_serializer,
)

from registry.base_record import Record
from registry.errors import InvalidRecord


class _Recipe(Record):
    """A recipe keeps what was said: dumps leave out parameters that were not set, so that presets can fill them."""

    @model_serializer(mode="wrap")
    def _as_said(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        said = self.model_fields_set | {"method"}
        return {name: value for name, value in handler(self).items() if name in said}


def _field(entry: dict[str, Any]) -> tuple[Any, Any]:
    """Type and pydantic field of one entry of the table of ODE-M's parameters."""
    kinds: dict[str, Any] = {"boolean": StrictBool, "integer": int, "float": float}
    choices = tuple(entry["choices"])
    kind = kinds.get(entry["type"])
    if kind in (int, float):
        kind = Annotated[kind, Field(ge=entry["minimum"], le=entry["maximum"], strict=False)]
    options = [item for item in (kind, Literal[choices] if choices else None, None) if item is not None]
    union: Any = options[0] if len(options) == 1 else options[0] | options[1]
    return (union | None if entry["nullable"] else union, Field(entry["default"], description=entry["doc"]))


def _ode_fields() -> dict[str, Any]:
    text = resources.files("registry").joinpath("ode_recipe.json").read_text("utf-8")
    return {name: _field(entry) for name, entry in json.loads(text).items()}


class _OdeMethod(_Recipe):
    """ODE-M: follow the flow from head to checkpoint under a loss barrier for every task.

    Its parameters are those of `ode_recipe.json`, a copy of the engine's own table that a test holds equal to it;
    `docs/engine.md` tells what each does. Source: Lin & Kang, arXiv 2605.19409.
    """

    method: Literal["ode"] = "ode"


OdeRecipe = create_model("OdeRecipe", __base__=_OdeMethod, __doc__=_OdeMethod.__doc__, **_ode_fields())


class AverageRecipe(_Recipe):
    """The running average: θ + (θ' − θ) T_k with T_k from the utilities, 1/k when they are equal.

    Source: model soups, arXiv 2203.05482.
    """

    method: Literal["average"] = "average"


class LinearRecipe(_Recipe):
    """Linear interpolation: (1 − α) θ + α θ'. Source: WiSE-FT, arXiv 2109.01903."""

    method: Literal["linear"] = "linear"
    alpha: Annotated[float, Field(ge=0, le=1)] = Field(0.5, description="α: the checkpoint's share")


class TaskArithmeticRecipe(_Recipe):
    """Task arithmetic: θ + λ τ' with τ' = θ' − θ_pre. Source: arXiv 2212.04089."""

    method: Literal["task_arithmetic"] = "task_arithmetic"
    scaling: Annotated[float, Field(ge=-10, le=10)] = Field(
        0.3, description="λ: what is taken of the task vector; below 0 makes the model forget it"
    )


_SCALING = "λ: what is taken of the merged task vector"
_DENSITY = "the share of a task vector's entries that trimming keeps; of equal magnitudes at the limit all stay"
_SCOPE = "what is trimmed at once: each tensor, or the whole model"


class TiesRecipe(_Recipe):
    """TIES: trim, elect a sign, take the mean of the agreeing; exact continually. Source: arXiv 2306.01708."""

    method: Literal["ties"] = "ties"
    density: Annotated[float, Field(gt=0, le=1)] = Field(0.2, description=_DENSITY)
    scaling: Annotated[float, Field(ge=0, le=10)] = Field(1.0, description=_SCALING)
    scope: Literal["tensor", "model"] = Field("tensor", description=_SCOPE)


class DareRecipe(_Recipe):
    """DARE: drop entries of τ' with probability p, divide the rest by 1 − p, then merge. Source: arXiv 2311.03099."""

    method: Literal["dare"] = "dare"
    drop_rate: Annotated[float, Field(ge=0, lt=1)] = Field(0.9, description="p")
    seed: Annotated[int, Field(ge=0, le=2**63 - 1)] = Field(
        0, description="of the drops, which differ by task's name too"
    )
    then: Literal["task_arithmetic", "ties"] = Field("task_arithmetic", description="how the rest is merged")
    scaling: Annotated[float, Field(ge=0, le=10)] = Field(0.3, description=_SCALING)
    density: Annotated[float, Field(gt=0, le=1)] = Field(0.2, description=f"then ties: {_DENSITY}")
    scope: Literal["tensor", "model"] = Field("tensor", description=f"then ties: {_SCOPE}")


class MagMaxRecipe(_Recipe):
    """MagMax: per entry the task vector of largest magnitude so far. Source: arXiv 2407.06322."""

    method: Literal["magmax"] = "magmax"
    scaling: Annotated[float, Field(ge=0, le=10)] = Field(0.5, description=_SCALING)


class SlerpRecipe(_Recipe):
    """Slerp: along the great circle from θ to θ', per tensor. Source: K. Shoemake, SIGGRAPH 1985."""

    method: Literal["slerp"] = "slerp"
    operating_time: Literal["utilities"] | Annotated[float, Field(ge=0, le=1)] = Field(
        "utilities", description="T: from the tasks' utilities, or given"
    )


class OpcmRecipe(_Recipe):
    """OPCM: project each linear weight's τ' away from the merged one's leading subspace. Source: arXiv 2501.09522."""

    method: Literal["opcm"] = "opcm"
    alpha: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.5, description="α: the leading subspace's singular values sum to more than this share of all"
    )


_DataFree = (
    AverageRecipe
    | LinearRecipe
    | TaskArithmeticRecipe
    | TiesRecipe
    | DareRecipe
    | MagMaxRecipe
    | SlerpRecipe
    | OpcmRecipe
)
if TYPE_CHECKING:
    Recipe = (
        _OdeMethod
        | AverageRecipe
        | LinearRecipe
        | TaskArithmeticRecipe
        | TiesRecipe
        | DareRecipe
        | MagMaxRecipe
        | SlerpRecipe
        | OpcmRecipe
    )
else:
    Recipe = Annotated[OdeRecipe | _DataFree, Field(discriminator="method")]
_RECIPE: TypeAdapter[Recipe] = TypeAdapter(Recipe)

NEEDS_ARCHITECTURE = frozenset({"ode"})
"""Methods that must run the network, and so need a lineage with an architecture and a calibration sample."""


def resolve_recipe(wanted: dict[str, Any] | None, default: Recipe) -> Recipe:
    """The recipe of a merge: what it asks for over the lineage's default.

    Parameters of the default carry over when the method is the same. Raises InvalidRecord.
    """
    if wanted is None:
        return default
    inherits = wanted.get("method", default.method) == default.method
    values = (default.model_dump() if inherits else {}) | {"method": default.method} | wanted
    try:
        return _RECIPE.validate_python(values)
    except ValidationError as error:
        raise InvalidRecord(f"The recipe is not valid: {describe(error)}") from error


def describe(error: ValidationError) -> str:
    """A validation error in one line: where and what, the first three of them."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    parts = [f"{'.'.join(str(step) for step in item['loc']) or 'document'}: {item['msg']}" for item in found[:3]]
    more = f"; and {len(found) - 3} more" if len(found) > 3 else ""
    return "; ".join(parts) + more
