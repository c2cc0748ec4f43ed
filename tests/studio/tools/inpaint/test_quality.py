"""The bar of docs/quality.md, on its own photographs and holes, without any network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from studio.imaging.picture import Picture, Pixels
from studio.models.cache import ModelCache
from studio.models.catalogue import load_catalogue
from studio.models.weights import WeightStore
from studio.params import Filler, InpaintParams
from studio.report import Report
from studio.settings import Settings
from studio.tools.inpaint.tool import fill_holes
from tests.inpainting_bar import holes, judge, scratches

pytestmark = pytest.mark.slow


def fill_by_auto(folder: Path, pixels: Pixels, mask: Pixels) -> Pixels:
    models = ModelCache(WeightStore(folder, load_catalogue()), Settings(_env_file=None))
    return fill_holes(Picture(pixels), mask, InpaintParams(model=Filler.AUTO), models, Report())


def test_auto_on_scratches_reaches_the_bar(tmp_path: Path) -> None:
    figures = judge(lambda pixels, mask: fill_by_auto(tmp_path, pixels, mask), scratches)
    psnr_db, ssim, _ = np.mean(figures, axis=0)
    assert psnr_db >= 24.9
    assert ssim >= 0.815


def test_auto_on_holes_keeps_texture_and_reaches_the_bar(tmp_path: Path) -> None:
    figures = judge(lambda pixels, mask: fill_by_auto(tmp_path, pixels, mask), holes)
    psnr_db, _, texture = np.mean(figures, axis=0)
    assert psnr_db >= 17.3
    assert 0.8 <= texture <= 1.2
