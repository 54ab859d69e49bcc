from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.architecture_open_clip_type_1 import ArchitectureOpenClipType1
    from ..models.architecture_overrides import ArchitectureOverrides
    from ..models.preprocess import Preprocess


T = TypeVar("T", bound="Architecture")


@_attrs_define
class Architecture:
    """An open_clip network.

    Attributes:
        open_clip (ArchitectureOpenClipType1 | str): A name that open_clip knows, such as `ViT-B-32`, or a config
            (embed_dim, vision_cfg, text_cfg).
        overrides (ArchitectureOverrides | Unset): Fields to replace in the named config; nested objects are merged:
            `{"quick_gelu": true}`.
        preprocess (Preprocess | Unset): Image preprocessing: the fields of open_clip's `preprocess_cfg`. Source:
            open_clip `PreprocessCfg`.
    """

    open_clip: ArchitectureOpenClipType1 | str
    overrides: ArchitectureOverrides | Unset = UNSET
    preprocess: Preprocess | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        from ..models.architecture_open_clip_type_1 import ArchitectureOpenClipType1  # noqa: PLC0415

        open_clip: dict[str, Any] | str
        if isinstance(self.open_clip, ArchitectureOpenClipType1):
            open_clip = self.open_clip.to_dict()
        else:
            open_clip = self.open_clip

        overrides: dict[str, Any] | Unset = UNSET
        if not isinstance(self.overrides, Unset):
            overrides = self.overrides.to_dict()

        preprocess: dict[str, Any] | Unset = UNSET
        if not isinstance(self.preprocess, Unset):
            preprocess = self.preprocess.to_dict()

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "open_clip": open_clip,
            }
        )
        if overrides is not UNSET:
            field_dict["overrides"] = overrides
        if preprocess is not UNSET:
            field_dict["preprocess"] = preprocess

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.architecture_open_clip_type_1 import ArchitectureOpenClipType1  # noqa: PLC0415
        from ..models.architecture_overrides import ArchitectureOverrides  # noqa: PLC0415
        from ..models.preprocess import Preprocess  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_open_clip(data: object) -> ArchitectureOpenClipType1 | str:
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                open_clip_type_1 = ArchitectureOpenClipType1.from_dict(data)

                return open_clip_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(ArchitectureOpenClipType1 | str, data)

        open_clip = _parse_open_clip(d.pop("open_clip"))

        _overrides = d.pop("overrides", UNSET)
        overrides: ArchitectureOverrides | Unset
        if isinstance(_overrides, Unset):
            overrides = UNSET
        else:
            overrides = ArchitectureOverrides.from_dict(_overrides)

        _preprocess = d.pop("preprocess", UNSET)
        preprocess: Preprocess | Unset
        if isinstance(_preprocess, Unset):
            preprocess = UNSET
        else:
            preprocess = Preprocess.from_dict(_preprocess)

        architecture = cls(
            open_clip=open_clip,
            overrides=overrides,
            preprocess=preprocess,
        )

        return architecture
