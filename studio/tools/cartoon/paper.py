"""Seeded textures: grain of paper, clouds of pigment, strokes of a hatching pencil."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from studio.tools.cartoon.filters import Floats, blurred, resized

_KEPT_SIGMA_PX = 1.5
"""Noise is made so small that its Gaussian is at least this wide, and then enlarged."""
_GRAIN = ((1.0, 0.56), (2.5, 0.45), (9.0, 0.28))
"""Widths in px of a picture 1024 px long, and weights."""


@dataclass(frozen=True, slots=True)
class Textures:
    """Source of textures for one picture.

    Attributes:
        shape: height and width.
        scale: of the picture, 1 where its long side is 1024 px.
        seed: the same seed gives the same textures, each of them its own.

    """

    shape: tuple[int, int]
    scale: float
    seed: int

    def clouds(self, sigma: float, stream: int) -> Floats:
        """Gaussian noise of unit deviation, ``sigma`` in px at 1024, ``float32 (H, W)``."""
        sigma_px = max(sigma * self.scale, 0.5)
        reduction = max(1, int(sigma_px / _KEPT_SIGMA_PX))
        height, width = self.shape
        small = (math.ceil(height / reduction) + 1, math.ceil(width / reduction) + 1)
        noise = blurred(self._white(small, stream), sigma_px / reduction)
        full = resized(noise, small[1] * reduction, small[0] * reduction)
        return _unit(full[:height, :width])

    def grain(self, stream: int) -> Floats:
        """Tooth of watercolour paper, unit deviation, ``float32 (H, W)``."""
        total = np.zeros(self.shape, np.float32)
        for index, (sigma, weight) in enumerate(_GRAIN):
            total += self.clouds(sigma, stream + index) * np.float32(weight)
        return _unit(total)

    def hatching(self, degrees: float, length: float, stream: int) -> Floats:
        """Parallel strokes, unit deviation, ``float32 (H, W)``; ``length`` in px at 1024."""
        noise = blurred(self._white(self.shape, stream), max(0.7 * self.scale, 0.4))
        side = max(int(length * self.scale), 3) | 1
        kernel = np.zeros((side, side), np.float32)
        middle = side // 2
        angle = math.radians(degrees)
        reach = np.array([middle * math.cos(angle), -middle * math.sin(angle)])
        ends = [(int(middle + sign * reach[0]), int(middle + sign * reach[1])) for sign in (-1, 1)]
        cv2.line(kernel, ends[0], ends[1], 1.0, 1)
        strokes = cv2.filter2D(noise, -1, kernel / kernel.sum())
        return _unit(np.asarray(strokes, np.float32))

    def _white(self, shape: tuple[int, int], stream: int) -> Floats:
        random = np.random.default_rng([self.seed, stream])
        return random.standard_normal(shape, np.float32)


def _unit(noise: Floats) -> Floats:
    """With mean 0 and deviation 1; what is too small to vary is 0."""
    around: Floats = noise - noise.mean()
    return around / np.float32(max(float(noise.std()), 1e-6))
