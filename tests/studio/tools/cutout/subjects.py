"""Subjects with known alphas, and the tool run on them."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from studio.imaging.blend import composite
from studio.imaging.picture import Picture, Pixels
from studio.params import CutoutOutput, CutoutParams
from studio.report import Report
from studio.tools.cutout.tool import run
from studio.tools.spec import ToolInputs
from tests.studio.tools.stand_ins import NoModels
from tests.words import said

RED, BLUE, GREEN = (255, 0, 0), (0, 0, 255), (0, 255, 0)


def disc(height: int = 120, width: int = 160, radius_px: int = 30, sigma_px: float = 3) -> Pixels:
    alpha = np.zeros((height, width), np.uint8)
    cv2.circle(alpha, (width // 2, height // 2), radius_px, 255, -1)
    return np.asarray(cv2.GaussianBlur(alpha, (0, 0), sigma_px), dtype=np.uint8)


def flat(colour: tuple[int, int, int], shape: tuple[int, ...]) -> Pixels:
    return np.full((*shape[:2], 3), colour, np.uint8)


def red_on_blue(alpha: Pixels) -> Picture:
    """A red subject photographed before a blue wall: soft edges show both."""
    return Picture(composite(flat(RED, alpha.shape), alpha, flat(BLUE, alpha.shape)))


def as_stored(alpha: Pixels) -> Picture:
    """An alpha as it comes back from its grey PNG."""
    return Picture(np.repeat(alpha[..., None], 3, axis=2))


def inputs_of(**pictures: Picture) -> ToolInputs:
    """One picture a role."""
    return ToolInputs({role: [picture] for role, picture in pictures.items()})


def cut(
    picture: Picture, alpha: Pixels, background: Picture | None = None, **params: Any
) -> tuple[Picture, Pixels]:
    """Run with a stored alpha; any touch of a model fails the test."""
    inputs = {"image": picture, "alpha": as_stored(alpha)}
    if background is not None:
        inputs["background"] = background
    image, raw = run(inputs_of(**inputs), CutoutParams(**params), NoModels(), Report())
    assert (image.role, raw.role) == ("image", "alpha")
    assert raw.picture.alpha is not None
    return image.picture, raw.picture.alpha


def far_from(actual: Pixels, colour: tuple[int, int, int]) -> int:
    return int(np.abs(actual.astype(int) - colour).max(initial=0))


def notes_of(output: CutoutOutput, *, background: bool = False, **params: Any) -> list[str]:
    alpha = disc()
    picture, report = red_on_blue(alpha), Report()
    inputs = {"image": picture, "alpha": as_stored(alpha)}
    if background:
        inputs["background"] = picture
    run(inputs_of(**inputs), CutoutParams(output=output, **params), NoModels(), report)
    return said(report.notes)
