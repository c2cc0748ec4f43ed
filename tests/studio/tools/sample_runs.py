"""Runs of the sample portrait on the default weights, file to file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app.runs.sample import sample_picture
from studio.imaging.decode import Limits
from studio.imaging.picture import Pixels
from studio.imaging.resample import resample
from studio.models.cache import ModelCache
from studio.models.catalogue import Catalogue, load_catalogue
from studio.models.weights import WeightStore
from studio.report import Report
from studio.settings import Settings
from studio.tools.pipeline import InputFile, RunResult, run_tool
from studio.tools.registry import get_tool, parse_params

FACE_SEARCH = ("blazeface-short", "blazeface-full", "facemesh", "iris-landmark")
_DEFAULT_WEIGHTS = {
    "cartoon": (*FACE_SEARCH, "realesr-animevideov3"),
    "cutout": ("isnet",),
    "inpaint": (),
    "faceswap": FACE_SEARCH,
    "upscale": ("realesr-animevideov3",),
    "faces": FACE_SEARCH,
}
"""By tool: what its default parameters open."""


def needs_weights(tool: str) -> pytest.MarkDecorator:
    """What the fixture ``need_weights`` reads off a test of ``tool``."""
    return pytest.mark.weights(*_DEFAULT_WEIGHTS[tool])


@dataclass(frozen=True, slots=True)
class SampleRun:
    """One run: a tool, its inputs by role and the parameters that are not the default ones."""

    tool: str
    pictures: Mapping[str, Image.Image]
    values: Mapping[str, Any]

    def run(self) -> RunResult[BytesIO]:
        """As ``studio run`` does it."""
        return run_tool(
            get_tool(self.tool),
            [InputFile(role, f"{role}.png", _png(image)) for role, image in self.pictures.items()],
            parse_params(self.tool, dict(self.values)),
            default_models(),
            Report(),
            limits=Limits.from_settings(Settings()),
            new_file=BytesIO,
            pool=None,
        )


@cache
def default_models() -> ModelCache:
    """The default weights of this checkout alone, since some tools take the best they find."""
    settings, known = Settings(), load_catalogue()
    ids = dict.fromkeys(id_ for ids in _DEFAULT_WEIGHTS.values() for id_ in ids)
    catalogue = Catalogue(models=tuple(known.get(id_) for id_ in ids))
    return ModelCache(WeightStore(settings.weights_dir, catalogue), settings)


def portrait(side_px: int = 384) -> Pixels:
    """A person in a space suit, square."""
    return resample(_photo(), side_px, side_px)


def head(side_px: int = 256) -> Pixels:
    """That person's head and shoulders, square; 256 px is full size."""
    return resample(np.ascontiguousarray(_photo()[10:266, 97:353]), side_px, side_px)


def _photo() -> Pixels:
    _, data = sample_picture()
    return np.asarray(Image.open(BytesIO(data)).convert("RGB"))


def _png(image: Image.Image) -> bytes:
    buffer = BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
