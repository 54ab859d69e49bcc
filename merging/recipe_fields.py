"""Field of a recipe: type, default, range and description of one parameter of a merge method, as plain data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["choice", "number", "integer", "boolean"]


@dataclass(frozen=True)
class RecipeField:
    """One parameter of a merge method.

    minimum, maximum: the closed range of a number; above, below: an open end in place of a closed one. choices: allowed
    strings, also beside numbers. nullable: whether null is a value too. presets: the default under a preset, by the
    preset's name, where it differs from `default`.
    """

    kind: Kind
    default: object
    doc: str
    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    below: float | None = None
    choices: tuple[str, ...] = ()
    nullable: bool = False
    presets: Mapping[str, object] = field(default_factory=dict)

    def default_under(self, preset: str) -> object:
        """The default under a preset."""
        return self.presets.get(preset, self.default)

    def parse(self, name: str, value: object) -> object:
        """The value in the field's type. Raises ValueError, which says what is allowed."""
        if value is None and self.nullable:
            return None
        if isinstance(value, str) and value in self.choices:
            return value
        if isinstance(value, bool):
            if self.kind == "boolean":
                return value
        elif isinstance(value, int | float) and self._in_range(value):
            if self.kind == "number":
                return float(value)
            if self.kind == "integer" and value == int(value):
                return int(value)
        raise ValueError(f"{name} is {value!r}; allowed: {self.allowed()}")

    def _in_range(self, value: float) -> bool:
        """Whether a number is finite and within the field's range."""
        return (
            abs(value) < float("inf")
            and (self.minimum is None or value >= self.minimum)
            and (self.maximum is None or value <= self.maximum)
            and (self.above is None or value > self.above)
            and (self.below is None or value < self.below)
        )

    def allowed(self) -> str:
        """The allowed values in words, such as `"utilities", a number from 0 to 1`."""
        parts = [f'"{choice}"' for choice in self.choices]
        if self.kind == "boolean":
            parts.append("true or false")
        if self.kind in ("integer", "number"):
            noun = "an integer" if self.kind == "integer" else "a number"
            form = ".0f" if self.kind == "integer" else "g"
            limits = (("from", self.minimum), ("above", self.above), ("to", self.maximum), ("below", self.below))
            bounds = [f"{word} {limit:{form}}" for word, limit in limits if limit is not None]
            parts.append(" ".join([noun, *bounds]))
        if self.nullable:
            parts.append("null")
        return ", ".join(parts)


def choice(default: str, choices: tuple[str, ...], doc: str, **presets: str) -> RecipeField:
    """A field that takes one of some words."""
    return RecipeField("choice", default, doc, choices=choices, presets=presets)


def boolean(default: bool, doc: str, **presets: bool) -> RecipeField:
    """A field that is true or false."""
    return RecipeField("boolean", default, doc, presets=presets)


def number(default: float, low: float, high: float, doc: str, **presets: float) -> RecipeField:
    """A number from low to high, both allowed."""
    return RecipeField("number", default, doc, minimum=low, maximum=high, presets=presets)


def integer(default: int, low: int, high: int, doc: str, **presets: int) -> RecipeField:
    """An integer from low to high, both allowed."""
    return RecipeField("integer", default, doc, minimum=low, maximum=high, presets=presets)


@dataclass(frozen=True)
class MethodRecipe:
    """A merge method and its parameters.

    method: the recipe's `method`. schema: name of its JSON schema. summary: one line with formula and source.
    needs_network: whether it runs the network, and so needs a lineage with an architecture and a calibration sample.
    takes_tasks_out: whether its state is sums, of which a task can be taken out exactly.
    """

    method: str
    schema: str
    summary: str
    fields: Mapping[str, RecipeField] = field(default_factory=dict)
    needs_network: bool = False
    takes_tasks_out: bool = False
