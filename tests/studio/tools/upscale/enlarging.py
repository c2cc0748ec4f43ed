"""Enlarging as tests do it: by interpolation, and by stand-ins for networks."""

from __future__ import annotations

from typing import Any

import numpy as np

from studio.imaging.picture import Picture, Pixels
from studio.params import INTERPOLATION, UpscaleParams
from studio.report import Report
from studio.tools.upscale.tool import run
from tests.studio.tools.stand_ins import ListedModels, NearestModels


def enlarge(picture: Picture, report: Report | None = None, **params: Any) -> Picture:
    """Enlarge by interpolation; a model that is opened fails the test."""
    values = {"model": INTERPOLATION, **params}
    [output] = run({"image": picture}, UpscaleParams(**values), ListedModels(), report or Report())
    assert output.role == "image"
    return output.picture


def smooth_picture(height: int = 60, width: int = 80) -> Pixels:
    y, x = np.mgrid[:height, :width]
    waves = (np.sin(x / 9) * 60 + 128, np.cos(y / 7) * 60 + 128, np.sin((x + y) / 11) * 60 + 128)
    return np.rint(np.stack(waves, axis=2)).astype(np.uint8)


def enlarge_by_network(
    picture: Picture, models: NearestModels, report: Report | None = None, **params: Any
) -> Picture:
    values = UpscaleParams(model="repeating", **params)
    [output] = run({"image": picture}, values, models, report or Report())
    return output.picture
