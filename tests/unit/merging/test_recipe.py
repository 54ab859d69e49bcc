"""ODE-M's parameters: ranges, presets, and errors that say what is allowed."""

import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from merging.ode import PARAMETERS, OdeConfig

ROOT = Path(__file__).parents[3]


def test_the_table_and_the_configuration_name_the_same_fields() -> None:
    assert [field.name for field in fields(OdeConfig)] == list(PARAMETERS)


def test_every_default_and_released_value_is_allowed() -> None:
    for name, field in PARAMETERS.items():
        assert field.parse(name, field.default) == field.default
        for value in field.presets.values():
            assert field.parse(name, value) == value


def test_an_empty_recipe_gives_the_defaults_and_a_recipe_survives_a_round_trip() -> None:
    config = OdeConfig.from_recipe({})
    assert all(getattr(config, name) == field.default for name, field in PARAMETERS.items())
    released = OdeConfig.from_recipe({"method": "ode", "preset": "released", "step_size": 0.05})
    assert (released.program, released.estimator, released.step_size) == ("released", "batches", 0.05)
    assert OdeConfig.from_recipe(released.as_recipe()) == released


def test_the_released_preset_has_the_published_descent_and_refinement() -> None:
    path = OdeConfig.from_recipe({"preset": "released"})
    assert (path.coefficients, path.refine, path.descent_ratio, path.crops) == (False, False, 0.24, 0.0)
    fine = OdeConfig.from_recipe({"preset": "released", "refine": True})
    assert (fine.refine_steps, fine.refine_rate, fine.refine_unit, fine.refine_anneal) == (
        80,
        1e-6,
        "parameters",
        False,
    )
    assert (fine.refine_anchor, fine.refine_radius, fine.refine_tolerance, fine.refine_clip) == (1e-3, 1e-3, 0.02, 1.0)
    assert (fine.refine_probe_batches, fine.refine_probe_steps, fine.rates_by_time) == (4, 1, False)
    assert fine.enough_samples == 0


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        ({"stepsize": 0.1}, "unknown recipe fields: stepsize; allowed: preset"),
        ({"method": "ties"}, 'this recipe is for "ode"'),
        ({"rectifier": "both"}, '"per_task", "aggregate", "none"'),
        ({"step_size": 0}, "a number from 0.0001 to 1"),
        ({"step_size": float("nan")}, "a number from"),
        ({"step_size": "0.1"}, "a number from"),
        ({"step_size": True}, "a number from"),
        ({"operating_time": "late"}, '"utilities", "auto", a number'),
        ({"operating_time": 1.5}, '"utilities", "auto", a number'),
        ({"backtracks": 1.5}, "an integer from 1"),
        ({"backtracks": None}, "an integer from 1"),
        ({"refine": 1}, "true or false"),
        ({"allowed_increase": -1}, "null"),
        ({"excess_constraints": 3}, "more than 4"),
        ({"path_end": "last_grid_point"}, "needs a fixed step"),
    ],
)
def test_an_invalid_recipe_is_refused_with_the_allowed_values(recipe: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words.replace("(", r"\(")):
        OdeConfig.from_recipe(recipe)


def test_the_recipe_table_needs_the_standard_library_alone() -> None:
    code = (
        "import sys; import merging.recipes as r; assert r.RECIPES; "
        "assert not {'torch', 'numba', 'numpy', 'pydantic'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
