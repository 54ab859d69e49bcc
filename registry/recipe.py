"""Recipes: which merge method, with which parameters. The fields of each method come from `merging.recipes`."""

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Union

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    StrictBool,
    TypeAdapter,
    ValidationError,
    create_model,
    model_serializer,
)
from pydantic_core import PydanticCustomError

from merging.recipe_fields import MethodRecipe, RecipeField
from merging.recipes import ODE, RECIPES, unknown_fields
from registry.base_record import Record
from registry.errors import InvalidRecord


class RecipeRecord(Record):
    """A recipe as it was requested: dumps leave out parameters that were not set, so that presets can fill them.

    Unknown parameters are kept, because records of earlier releases may have them; `RequestedRecipe` refuses them.
    """

    model_config = ConfigDict(extra="allow", json_schema_extra={"additionalProperties": False})

    method: str = ""

    @model_serializer(mode="wrap")
    def _only_set_fields(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        requested = self.model_fields_set | {"method"}
        return {name: value for name, value in handler(self).items() if name in requested}


def _annotation(item: RecipeField) -> Any:
    """The pydantic type of a field."""
    types: list[Any] = []
    if item.kind == "boolean":
        types.append(StrictBool)
    elif item.kind in {"integer", "number"}:
        limits = Field(ge=item.minimum, le=item.maximum, gt=item.above, lt=item.below)
        number = int if item.kind == "integer" else float
        types.append(Annotated[number, limits])
    if item.choices:
        types.append(Literal[item.choices])
    if item.nullable:
        types.append(None)
    return Union[tuple(types)]  # noqa: UP007  the members are known only at run time


def _model(recipe: MethodRecipe) -> type[RecipeRecord]:
    """The record of a method's recipes."""
    fields: dict[str, Any] = {
        name: (_annotation(item), Field(item.default, description=item.doc)) for name, item in recipe.fields.items()
    }
    fields = {"method": (Literal[recipe.method], recipe.method)} | fields
    return create_model(recipe.schema, __base__=RecipeRecord, __doc__=recipe.summary, **fields)


MODELS: Final = {recipe.method: _model(recipe) for recipe in RECIPES.values()}
"""Method name -> record of its recipes."""

OdeRecipe = MODELS[ODE.method]
AverageRecipe = MODELS["average"]
AswudiRecipe = MODELS["aswudi"]


def _refuse_unknown(recipe: RecipeRecord) -> RecipeRecord:
    if recipe.model_extra:
        sentence = unknown_fields(sorted(recipe.model_extra), RECIPES[recipe.method].fields)
        raise PydanticCustomError("extra_forbidden", "{sentence}", {"sentence": sentence})
    return recipe


if TYPE_CHECKING:
    Recipe = RecipeRecord
    RequestedRecipe = RecipeRecord
else:
    Recipe = Annotated[Union[tuple(MODELS.values())], Field(discriminator="method")]  # noqa: UP007
    """A recipe in a record, perhaps of an earlier release: unknown parameters are kept."""
    RequestedRecipe = Annotated[Recipe, AfterValidator(_refuse_unknown)]
    """A recipe in a request: unknown parameters are refused."""
_RECIPE: TypeAdapter[Recipe] = TypeAdapter(Recipe)
_REQUESTED: TypeAdapter[Recipe] = TypeAdapter(RequestedRecipe)

TAKES_TASKS_OUT = frozenset(recipe.method for recipe in RECIPES.values() if recipe.takes_tasks_out)
"""Methods whose state is sums, of which a task can be taken out exactly."""

NEEDS_ARCHITECTURE = frozenset(recipe.method for recipe in RECIPES.values() if recipe.needs_network)
"""Methods that must run the network, and so need a lineage with an architecture and a calibration sample."""


def resolve_recipe(wanted: dict[str, Any] | None, default: Recipe) -> Recipe:
    """The recipe of a merge: what it asks for over the lineage's default.

    Parameters of the default carry over when the method is the same, unknown ones of earlier releases included. Raises
    InvalidRecord.
    """
    if wanted is None:
        return default
    try:
        requested = _REQUESTED.validate_python({"method": default.method} | wanted)
        if requested.method != default.method:
            return requested
        return _RECIPE.validate_python(default.model_dump() | requested.model_dump())
    except ValidationError as error:
        raise InvalidRecord(f"The recipe is not valid: {describe(error)}") from error


def describe(error: ValidationError) -> str:
    """A validation error in one line: where and what, the first three of them."""
    result = error.errors(include_url=False, include_context=False, include_input=False)
    parts = [f"{'.'.join(str(step) for step in item['loc']) or 'document'}: {item['msg']}" for item in result[:3]]
    more = f"; and {len(result) - 3} more" if len(result) > 3 else ""
    return "; ".join(parts) + more
