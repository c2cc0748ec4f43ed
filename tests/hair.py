"""A head with fine hair whose true alpha and colour are known."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from studio.imaging.picture import Pixels

_FINER = 4
"""The hair is drawn this much larger, so that its alpha is exact after reduction."""


class Hair(NamedTuple):
    """``pixels`` as photographed, the true ``alpha``, and ``coarse``, as a network finds it."""

    pixels: Pixels
    alpha: Pixels
    coarse: Pixels


def make_hair(side_px: int = 256, strands: int = 130, seed: int = 0) -> Hair:
    """Dark hair before a bright wall, with a little sensor noise; the same for the same seed."""
    chance = np.random.default_rng(seed)
    alpha = _draw(side_px, strands, chance)
    y, x = np.mgrid[:side_px, :side_px] / side_px
    wall = np.stack([150 + 60 * x, 170 + 40 * y, 200 - 30 * x], axis=2)
    hair = np.array([70, 42, 25]) + chance.normal(0, 6, (side_px, side_px, 1))
    share = alpha[..., None] / 255
    seen = share * hair + (1 - share) * wall + chance.normal(0, 1, wall.shape)
    pixels = np.clip(np.rint(seen), 0, 255).astype(np.uint8)
    blurred = cv2.GaussianBlur(alpha, (0, 0), 2.0).astype(np.float32)
    coarse = np.clip((blurred - 25) * 1.5, 0, 255).astype(np.uint8)
    return Hair(pixels, alpha, coarse)


def _draw(side_px: int, strands: int, chance: np.random.Generator) -> Pixels:
    side = side_px * _FINER
    canvas = np.zeros((side, side), np.uint8)
    middle, radius = np.array([side / 2, side * 0.6]), side * 0.24
    cv2.ellipse(
        canvas, (side // 2, int(side * 0.6)), (int(radius), int(radius * 1.2)), 0, 0, 360, 255, -1
    )
    for _ in range(strands):
        angle = chance.uniform(-1.1 * np.pi, 0.1 * np.pi)
        length, bend = chance.uniform(0.08, 0.2) * side, chance.normal(0, 0.5)
        turns = angle + bend * np.linspace(1 / 12, 1, 12)
        steps = length / 12 * np.stack([np.cos(turns), np.sin(turns)], axis=1)
        root = middle + 0.95 * radius * np.array([np.cos(angle), 1.2 * np.sin(angle)])
        points = np.rint(np.vstack([root, root + np.cumsum(steps, axis=0)])).astype(np.int32)
        cv2.polylines(canvas, [points], False, 255, _FINER)
    return np.asarray(cv2.resize(canvas, (side_px, side_px), interpolation=cv2.INTER_AREA))
