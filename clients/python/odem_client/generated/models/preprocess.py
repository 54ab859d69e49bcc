from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="Preprocess")


@_attrs_define
class Preprocess:
    """Image preprocessing: the fields of open_clip's `preprocess_cfg`. Source: open_clip `PreprocessCfg`.

    Attributes:
        mean (list[float] | Unset): Mean of each channel, for images in [0, 1].
        std (list[float] | Unset): Standard deviation of each channel, for images in [0, 1].
        mode (str | Unset): Colour mode of the images. Default: 'RGB'.
        interpolation (str | Unset): Interpolation of the resizing. Default: 'bicubic'.
        resize_mode (str | Unset): How images are resized: shortest, longest or squash. Default: 'shortest'.
        fill_color (int | Unset): Value of the pixels that padding adds. Default: 0.
    """

    mean: list[float] | Unset = UNSET
    std: list[float] | Unset = UNSET
    mode: str | Unset = "RGB"
    interpolation: str | Unset = "bicubic"
    resize_mode: str | Unset = "shortest"
    fill_color: int | Unset = 0

    def to_dict(self) -> dict[str, Any]:
        mean: list[float] | Unset = UNSET
        if not isinstance(self.mean, Unset):
            mean = []
            for mean_item_data in self.mean:
                mean_item: float
                mean_item = mean_item_data
                mean.append(mean_item)

        std: list[float] | Unset = UNSET
        if not isinstance(self.std, Unset):
            std = []
            for std_item_data in self.std:
                std_item: float
                std_item = std_item_data
                std.append(std_item)

        mode = self.mode

        interpolation = self.interpolation

        resize_mode = self.resize_mode

        fill_color = self.fill_color

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if mean is not UNSET:
            field_dict["mean"] = mean
        if std is not UNSET:
            field_dict["std"] = std
        if mode is not UNSET:
            field_dict["mode"] = mode
        if interpolation is not UNSET:
            field_dict["interpolation"] = interpolation
        if resize_mode is not UNSET:
            field_dict["resize_mode"] = resize_mode
        if fill_color is not UNSET:
            field_dict["fill_color"] = fill_color

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        _mean = d.pop("mean", UNSET)
        mean: list[float] | Unset = UNSET
        if _mean is not UNSET:
            mean = []
            for mean_item_data in _mean:

                def _parse_mean_item(data: object) -> float:
                    return cast(float, data)

                mean_item = _parse_mean_item(mean_item_data)

                mean.append(mean_item)

        _std = d.pop("std", UNSET)
        std: list[float] | Unset = UNSET
        if _std is not UNSET:
            std = []
            for std_item_data in _std:

                def _parse_std_item(data: object) -> float:
                    return cast(float, data)

                std_item = _parse_std_item(std_item_data)

                std.append(std_item)

        mode = d.pop("mode", UNSET)

        interpolation = d.pop("interpolation", UNSET)

        resize_mode = d.pop("resize_mode", UNSET)

        fill_color = d.pop("fill_color", UNSET)

        preprocess = cls(
            mean=mean,
            std=std,
            mode=mode,
            interpolation=interpolation,
            resize_mode=resize_mode,
            fill_color=fill_color,
        )

        return preprocess
