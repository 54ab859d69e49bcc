"""Recipes as the gateway checks them."""

import json
from importlib import resources

import pytest

from merging.ode import OdeConfig
from merging.ode_recipe import RECIPE_FIELDS
from registry.errors import InvalidRecord
from registry.recipe import AverageRecipe, OdeRecipe, resolve_recipe
from worker.recipe_table import table


def test_the_copied_table_is_the_engines_own() -> None:
    text = resources.files("registry").joinpath("ode_recipe.json").read_text("utf-8")
    assert json.loads(text) == table(), "run `python -m worker.recipe_table` after changing the table"


def test_a_recipe_keeps_only_what_was_said() -> None:
    recipe = resolve_recipe({"step_size": 0.01, "allowed_increase": None}, OdeRecipe())
    assert recipe.model_dump() == {"method": "ode", "step_size": 0.01, "allowed_increase": None}
    assert resolve_recipe(json.loads(recipe.model_dump_json()), OdeRecipe()) == recipe


def test_a_merge_inherits_its_lineages_parameters_and_overrides_them() -> None:
    default = resolve_recipe({"preset": "released", "seed": 3}, OdeRecipe())
    assert resolve_recipe({"seed": 4}, default).model_dump() == {"method": "ode", "preset": "released", "seed": 4}
    assert resolve_recipe(None, default) == default


def test_another_method_inherits_nothing() -> None:
    default = resolve_recipe({"seed": 3}, OdeRecipe())
    assert resolve_recipe({"method": "average"}, default) == AverageRecipe()


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"step_size": -1}, "step_size"),
        ({"nope": 1}, "nope"),
        ({"method": "magic"}, "magic"),
        ({"refine": 1}, "refine"),
    ],
)
def test_impossible_recipes_are_refused_by_field(wanted: dict[str, object], words: str) -> None:
    with pytest.raises(InvalidRecord, match=words):
        resolve_recipe(wanted, OdeRecipe())


def test_every_field_that_the_gateway_accepts_reaches_the_engine() -> None:
    for name, field in RECIPE_FIELDS.items():
        recipe = resolve_recipe({name: field.default}, OdeRecipe())
        assert getattr(OdeConfig.from_recipe(recipe.model_dump()), name) == field.default
