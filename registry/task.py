"""Tasks: what a checkpoint was fine-tuned for."""

from typing import Annotated

from pydantic import Field, field_validator

from registry.base_record import Name, Record, Text


class Task(Record):
    """A classification task, as the zero-shot head of CLIP describes it.

    Source: CLIP, arXiv 2103.00020, section 3.1.4 (prompt ensembling); ODE-M, arXiv 2605.19409 (utility).
    """

    name: Name = Field(description="Name of the task, unique in its lineage.")
    classnames: Annotated[tuple[Text, ...], Field(max_length=100_000)] = Field(
        (), description="One name for each label, label 0 first; empty if the calibration file has a `head`."
    )
    templates: Annotated[tuple[Text, ...], Field(min_length=1, max_length=1_000)] = Field(
        ("a photo of a {}.",),
        description="Prompts with `{}` in place of the class name; a class's embedding is the mean over all of them.",
    )
    utility: Annotated[float, Field(gt=0, le=1e6)] = Field(
        1.0, description="Importance u_k of the task, which decides its operating time T_k = u_k / (u_1 + ... + u_k)."
    )

    @field_validator("templates")
    @classmethod
    def _check_placeholders(cls, templates: tuple[str, ...]) -> tuple[str, ...]:
        for template in templates:
            if "{}" not in template:
                message = f"the template {template!r} has no {{}} for the class name"
                raise ValueError(message)
        return templates
