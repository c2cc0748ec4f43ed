"""The tool run on real faces, and networks that stand in."""

from __future__ import annotations

from typing import Any

import numpy as np

from studio.imaging.picture import Picture, Pixels
from studio.params import FaceswapParams
from studio.report import Report
from studio.tools.faceswap.tool import run
from studio.tools.spec import ToolInputs

FACE_SEARCH = ("blazeface-short", "blazeface-full", "facemesh", "iris-landmark")


FACE = (slice(60, 180), slice(165, 285))


def swap(
    models: Any,
    image: Picture,
    *sources: Picture,
    reference: Picture | None = None,
    **params: Any,
) -> tuple[Picture, Report]:
    report = Report()
    roles = {"image": [image], "source": list(sources or [image])}
    if reference is not None:
        roles["reference"] = [reference]
    [output] = run(ToolInputs(roles), FaceswapParams.model_validate(params), models, report)
    assert output.role == "image"
    return output.picture, report


def side_by_side(*pictures: Picture) -> Picture:
    return Picture(np.ascontiguousarray(np.hstack([one.pixels for one in pictures])))


def darker(picture: Picture) -> Picture:
    return Picture((picture.pixels * np.array([0.6, 0.5, 0.45])).astype(np.uint8))


def blank(height: int = 300, width: int = 400) -> Picture:
    return Picture(np.full((height, width, 3), 90, np.uint8))


def change_in(part: tuple[slice, slice], one: Pixels, other: Pixels) -> float:
    return float(np.abs(one[part].astype(int) - other[part]).mean())
