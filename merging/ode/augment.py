"""Augmentation of calibration images by random crops, which reduces overfitting of few samples.

Source: the random resized crops with which open_clip trains (scale 0.9 to 1, ratio 3/4 to 4/3).
"""

import math

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

_RATIO = math.log(4 / 3)


class Crops:
    """Random crops of images, resized to the original size; each image has a window of area 1 - strength or more.

    Windows are drawn on the CPU from a seed, so they are the same on every device.
    """

    def __init__(self, strength: float, seed: int) -> None:
        self._strength = strength
        self._generator = torch.Generator().manual_seed(seed)

    def __call__(self, images: Tensor) -> Tensor:
        """Return float32 [n, c, h, w] of images uint8 or float32 of this shape, in their range of values.

        Token ids, int32 [n, L], are returned unchanged.
        """
        if images.dtype == torch.int32:
            return images
        pictures = images.float()
        if self._strength == 0.0:
            return pictures
        draws = torch.rand(len(images), 4, generator=self._generator)
        area = 1.0 - self._strength * draws[:, 0]
        stretch = torch.exp((draws[:, 1] - 0.5) * _RATIO * self._strength).sqrt()
        sides = torch.stack([area.sqrt() * stretch, area.sqrt() / stretch], dim=1).clamp(max=1.0)
        centres = (2 * draws[:, 2:] - 1) * (1.0 - sides)
        window = torch.zeros(len(images), 2, 3)
        window[:, 0, 0], window[:, 1, 1] = sides[:, 0], sides[:, 1]
        window[:, :, 2] = centres
        grid = affine_grid(window.to(pictures.device), list(pictures.shape), align_corners=False)
        return grid_sample(pictures, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
