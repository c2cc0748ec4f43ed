"""The photographs, holes and measures by which ways of inpainting are compared.

The masks are those of a fixed seed on which OpenCV's own Telea and Navier-Stokes come to the
figures that the first trial of the plain engines gave (22.5 and 22.7 dB on scratches, 17.0 dB
on holes), so that results can be set beside them.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from skimage import data
from skimage.metrics import structural_similarity

from studio.imaging.picture import Pixels

PHOTOS = ("astronaut", "coffee", "chelsea", "brick", "grass", "gravel", "rocket")
SIDE_PX = 400
SEED = 2100
_HOLE_PX = 64


def photo(name: str) -> Pixels:
    """The middle of one of scikit-image's photographs, RGB, 400 px square; chelsea 300 high."""
    pixels = getattr(data, name)()
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[..., np.newaxis], 3, axis=2)
    top, left = (max(side - SIDE_PX, 0) // 2 for side in pixels.shape[:2])
    return np.ascontiguousarray(pixels[top : top + SIDE_PX, left : left + SIDE_PX, :3])


def scratches(height: int, width: int, seed: int) -> Pixels:
    """Six crooked lines, 2 to 6 px wide."""
    rng = np.random.default_rng(seed)
    mask = np.zeros((height, width), np.uint8)
    for _ in range(6):
        point, angle = rng.uniform([0, 0], [width, height]), rng.uniform(0, 2 * np.pi)
        line = [point]
        for _ in range(int(rng.integers(8, 16))):
            angle += rng.normal(0, 0.35)
            step = rng.uniform(12, 28) * np.array([np.cos(angle), np.sin(angle)])
            line.append(line[-1] + step)
        corners = np.round(np.array(line)).astype(np.int32)
        cv2.polylines(mask, [corners], False, 255, int(rng.integers(2, 7)))
    return mask


def holes(height: int, width: int, seed: int) -> Pixels:
    """Three discs of 64 px that keep clear of each other and of the border."""
    rng = np.random.default_rng(seed)
    edge = _HOLE_PX * 0.75
    middles: list[np.ndarray] = []
    while len(middles) < 3:
        middle = rng.uniform([edge, edge], [width - edge, height - edge])
        if all(np.hypot(*(middle - other)) > _HOLE_PX * 1.6 for other in middles):
            middles.append(middle)
    rows, columns = np.mgrid[:height, :width] + 0.5
    inside = [np.hypot(columns - x, rows - y) <= _HOLE_PX / 2 for x, y in middles]
    return np.where(np.any(inside, axis=0), np.uint8(255), np.uint8(0))


def measure(result: Pixels, truth: Pixels, mask: Pixels) -> tuple[float, float, float]:
    """PSNR in dB, SSIM and texture inside the mask.

    Texture is the mean absolute Laplacian of the result over that of the truth, one pixel
    inside the hole: 1 is as rough as the truth, 0 is flat.
    """
    inside = mask > 0
    error = (result.astype(float) - truth)[inside]
    psnr_db = 10 * np.log10(255**2 / np.mean(error**2))
    _, similarity = structural_similarity(result, truth, channel_axis=2, full=True)
    deep = cv2.erode(mask, np.ones((3, 3), np.uint8)) > 0
    texture = _roughness(result)[deep].mean() / max(_roughness(truth)[deep].mean(), 1e-6)
    return float(psnr_db), float(similarity[inside].mean()), float(texture)


def judge(
    fill: Callable[[Pixels, Pixels], Pixels], make_mask: Callable[[int, int, int], Pixels]
) -> np.ndarray:
    """PSNR, SSIM and texture of ``fill(pixels, mask)`` on each photograph, ``(7, 3)``."""
    rows = []
    for number, name in enumerate(PHOTOS):
        truth = photo(name)
        mask = make_mask(*truth.shape[:2], SEED + number)
        damaged = np.where(mask[..., np.newaxis] > 0, np.uint8(0), truth)
        rows.append(measure(fill(damaged, mask), truth, mask))
    return np.array(rows)


def _roughness(pixels: Pixels) -> np.ndarray:
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return np.abs(cv2.Laplacian(grey, cv2.CV_32F))
