from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.average_recipe import AverageRecipe
    from ..models.dare_recipe import DareRecipe
    from ..models.linear_recipe import LinearRecipe
    from ..models.mag_max_recipe import MagMaxRecipe
    from ..models.ode_recipe import OdeRecipe
    from ..models.opcm_recipe import OpcmRecipe
    from ..models.provenance_libraries import ProvenanceLibraries
    from ..models.slerp_recipe import SlerpRecipe
    from ..models.task_arithmetic_recipe import TaskArithmeticRecipe
    from ..models.ties_recipe import TiesRecipe


T = TypeVar("T", bound="Provenance")


@_attrs_define
class Provenance:
    """Everything that a version was made from, sufficient to make it again.

    The same parent, checkpoint, calibration, recipe and seed on the same device and library versions give the same
    bytes. code: the release of odem. commit: the commit of the code; absent in versions made before 0.2.0.

        Attributes:
            parent (int):
            merge (str):
            checkpoint (str):
            recipe (AverageRecipe | DareRecipe | LinearRecipe | MagMaxRecipe | OdeRecipe | OpcmRecipe | SlerpRecipe |
                TaskArithmeticRecipe | TiesRecipe):
            code (str):
            libraries (ProvenanceLibraries):
            device (str):
            calibration (None | str | Unset):
            commit (None | str | Unset):
    """

    parent: int
    merge: str
    checkpoint: str
    recipe: (
        AverageRecipe
        | DareRecipe
        | LinearRecipe
        | MagMaxRecipe
        | OdeRecipe
        | OpcmRecipe
        | SlerpRecipe
        | TaskArithmeticRecipe
        | TiesRecipe
    )
    code: str
    libraries: ProvenanceLibraries
    device: str
    calibration: None | str | Unset = UNSET
    commit: None | str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        from ..models.average_recipe import AverageRecipe  # noqa: PLC0415
        from ..models.dare_recipe import DareRecipe  # noqa: PLC0415
        from ..models.linear_recipe import LinearRecipe  # noqa: PLC0415
        from ..models.mag_max_recipe import MagMaxRecipe  # noqa: PLC0415
        from ..models.ode_recipe import OdeRecipe  # noqa: PLC0415
        from ..models.slerp_recipe import SlerpRecipe  # noqa: PLC0415
        from ..models.task_arithmetic_recipe import TaskArithmeticRecipe  # noqa: PLC0415
        from ..models.ties_recipe import TiesRecipe  # noqa: PLC0415

        parent = self.parent

        merge = self.merge

        checkpoint = self.checkpoint

        recipe: dict[str, Any]
        if isinstance(self.recipe, OdeRecipe):
            recipe = self.recipe.to_dict()
        elif isinstance(self.recipe, AverageRecipe):
            recipe = self.recipe.to_dict()
        elif isinstance(self.recipe, LinearRecipe):
            recipe = self.recipe.to_dict()
        elif isinstance(self.recipe, TaskArithmeticRecipe):
            recipe = self.recipe.to_dict()
        elif isinstance(self.recipe, TiesRecipe):
            recipe = self.recipe.to_dict()
        elif isinstance(self.recipe, DareRecipe):
            recipe = self.recipe.to_dict()
        elif isinstance(self.recipe, MagMaxRecipe):
            recipe = self.recipe.to_dict()
        elif isinstance(self.recipe, SlerpRecipe):
            recipe = self.recipe.to_dict()
        else:
            recipe = self.recipe.to_dict()

        code = self.code

        libraries = self.libraries.to_dict()

        device = self.device

        calibration: None | str | Unset
        if isinstance(self.calibration, Unset):
            calibration = UNSET
        else:
            calibration = self.calibration

        commit: None | str | Unset
        if isinstance(self.commit, Unset):
            commit = UNSET
        else:
            commit = self.commit

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "parent": parent,
                "merge": merge,
                "checkpoint": checkpoint,
                "recipe": recipe,
                "code": code,
                "libraries": libraries,
                "device": device,
            }
        )
        if calibration is not UNSET:
            field_dict["calibration"] = calibration
        if commit is not UNSET:
            field_dict["commit"] = commit

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.average_recipe import AverageRecipe  # noqa: PLC0415
        from ..models.dare_recipe import DareRecipe  # noqa: PLC0415
        from ..models.linear_recipe import LinearRecipe  # noqa: PLC0415
        from ..models.mag_max_recipe import MagMaxRecipe  # noqa: PLC0415
        from ..models.ode_recipe import OdeRecipe  # noqa: PLC0415
        from ..models.opcm_recipe import OpcmRecipe  # noqa: PLC0415
        from ..models.provenance_libraries import ProvenanceLibraries  # noqa: PLC0415
        from ..models.slerp_recipe import SlerpRecipe  # noqa: PLC0415
        from ..models.task_arithmetic_recipe import TaskArithmeticRecipe  # noqa: PLC0415
        from ..models.ties_recipe import TiesRecipe  # noqa: PLC0415

        d = dict(src_dict)
        parent = d.pop("parent")

        merge = d.pop("merge")

        checkpoint = d.pop("checkpoint")

        def _parse_recipe(
            data: object,
        ) -> (
            AverageRecipe
            | DareRecipe
            | LinearRecipe
            | MagMaxRecipe
            | OdeRecipe
            | OpcmRecipe
            | SlerpRecipe
            | TaskArithmeticRecipe
            | TiesRecipe
        ):
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                recipe_type_0 = OdeRecipe.from_dict(data)

                return recipe_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                recipe_type_1 = AverageRecipe.from_dict(data)

                return recipe_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                recipe_type_2 = LinearRecipe.from_dict(data)

                return recipe_type_2
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                recipe_type_3 = TaskArithmeticRecipe.from_dict(data)

                return recipe_type_3
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                recipe_type_4 = TiesRecipe.from_dict(data)

                return recipe_type_4
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                recipe_type_5 = DareRecipe.from_dict(data)

                return recipe_type_5
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                recipe_type_6 = MagMaxRecipe.from_dict(data)

                return recipe_type_6
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                recipe_type_7 = SlerpRecipe.from_dict(data)

                return recipe_type_7
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, dict):
                raise TypeError()
            recipe_type_8 = OpcmRecipe.from_dict(data)

            return recipe_type_8

        recipe = _parse_recipe(d.pop("recipe"))

        code = d.pop("code")

        libraries = ProvenanceLibraries.from_dict(d.pop("libraries"))

        device = d.pop("device")

        def _parse_calibration(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        calibration = _parse_calibration(d.pop("calibration", UNSET))

        def _parse_commit(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        commit = _parse_commit(d.pop("commit", UNSET))

        provenance = cls(
            parent=parent,
            merge=merge,
            checkpoint=checkpoint,
            recipe=recipe,
            code=code,
            libraries=libraries,
            device=device,
            calibration=calibration,
            commit=commit,
        )

        return provenance
