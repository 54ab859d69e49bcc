"""Recipes as the gateway checks them."""

import json

import pytest
from pydantic import ValidationError

from merging.ode import OdeConfig
from merging.recipes import RECIPES, complete
from registry.base_record import now
from registry.errors import InvalidRecord
from registry.lineage import Lineage, LineageSpec
from registry.recipe import MODELS, AverageRecipe, OdeRecipe, resolve_recipe
from registry.version import Provenance

DIGEST = "sha256:" + "0" * 64
EARLIER = {"method": "ode", "integrator": "euler", "allowed_increase": None, "refine_steps": 3}
"""A recipe of an earlier release, whose schema had more fields."""


def test_a_recipe_keeps_only_the_fields_that_were_set() -> None:
    recipe = resolve_recipe({"step_size": 0.01, "operating_time": "auto"}, OdeRecipe())
    assert recipe.model_dump() == {"method": "ode", "step_size": 0.01, "operating_time": "auto"}
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
    for name, field in RECIPES["ode"].fields.items():
        recipe = resolve_recipe({name: field.default}, OdeRecipe())
        assert getattr(OdeConfig.from_recipe(recipe.model_dump()), name) == field.default


@pytest.mark.parametrize("method", RECIPES)
def test_the_gateway_and_the_planner_accept_the_same_defaults(method: str) -> None:
    fields = RECIPES[method].fields
    model = MODELS[method]()
    assert {name: getattr(model, name) for name in fields} == {name: field.default for name, field in fields.items()}
    everything = {"method": method} | {name: field.default for name, field in fields.items()}
    assert resolve_recipe(everything, OdeRecipe()).model_dump() == everything
    assert complete(everything) == {name: field.default for name, field in fields.items()}


@pytest.mark.parametrize("method", RECIPES)
def test_numbers_outside_of_a_range_are_refused_by_the_gateway_and_the_planner(method: str) -> None:
    for name, field in RECIPES[method].fields.items():
        limits = (field.minimum, field.maximum)
        outside = [
            limit + step for limit, step in zip(limits, (-1, 1), strict=True) if limit is not None and limit < 2**53
        ]
        outside += [limit for limit in (field.above, field.below) if limit is not None]
        for value in outside:
            with pytest.raises(InvalidRecord, match=name):
                resolve_recipe({"method": method, name: value}, OdeRecipe())
            with pytest.raises(ValueError, match=f"{name} is .*; allowed: "):
                complete({"method": method, name: value})


def test_records_of_earlier_releases_keep_fields_that_requests_no_longer_may_have() -> None:
    lineage = Lineage.model_validate_json(
        json.dumps({"base": DIGEST, "recipe": EARLIER, "created_at": now().isoformat()})
    )
    assert lineage.recipe.model_dump() == EARLIER
    assert Lineage.model_validate_json(lineage.model_dump_json()) == lineage
    made = {"parent": 0, "merge": "m", "checkpoint": DIGEST, "code": "c", "libraries": {}, "device": "cpu"}
    assert Provenance.model_validate(made | {"recipe": EARLIER}).recipe.model_dump() == EARLIER
    with pytest.raises(ValidationError, match="unknown recipe fields: allowed_increase, refine_steps; allowed: preset"):
        LineageSpec.model_validate({"base": DIGEST, "recipe": EARLIER})


def test_a_lineage_of_an_earlier_release_accepts_merges_and_its_recipe_means_the_same() -> None:
    lineage = Lineage.model_validate({"base": DIGEST, "recipe": EARLIER, "created_at": now()})
    recipe = resolve_recipe({"seed": 5}, lineage.recipe)
    assert recipe.model_dump() == EARLIER | {"seed": 5}
    config = OdeConfig.from_recipe(recipe.model_dump())
    assert (config.allowed_increase, config.refine_steps, config.seed) == (None, 3, 5)
    with pytest.raises(InvalidRecord, match="unknown recipe fields: refine_steps"):
        resolve_recipe({"refine_steps": 4}, lineage.recipe)


def test_a_lineage_without_a_recipe_gets_one_that_it_can_run() -> None:
    assert LineageSpec(base=DIGEST).recipe.method == "aswudi"
    with_network = LineageSpec.model_validate({"base": DIGEST, "architecture": {"open_clip": "ViT-B-32"}})
    assert with_network.recipe.method == "ode"
