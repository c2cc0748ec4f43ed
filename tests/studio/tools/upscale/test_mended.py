"""What is done to what the network made: levels kept, faces restored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studio.errors import StudioError
from studio.imaging.grey import is_grey, without_colour
from studio.imaging.picture import Picture, Pixels
from studio.models.cache import ModelCache
from studio.models.catalogue import load_catalogue
from studio.models.weights import WeightStore
from studio.params import INTERPOLATION, UpscaleParams
from studio.report import Report, Stage
from studio.settings import Settings
from studio.tools.upscale.tool import run
from tests.studio.tools.stand_ins import NearestModels
from tests.studio.tools.upscale.enlarging import enlarge, enlarge_by_network, smooth_picture
from tests.words import said


@pytest.mark.parametrize(
    ("model_id", "code"),
    [
        ("nonsense", "model.unknown"),
        ("gfpgan-1.4", "model.missing"),
        ("realesr-animevideov3", "model.other_tool"),
    ],
)
def test_upscale_with_a_restoration_that_cannot_run_is_refused_before_any_work(
    tmp_path: Path, model_id: str, code: str
) -> None:
    settings = Settings(_env_file=None)
    models = ModelCache(WeightStore(tmp_path, load_catalogue()), settings)
    params = UpscaleParams(model=INTERPOLATION, restore_model=model_id)

    def work(fraction: float, stage: Stage) -> None:
        raise AssertionError("work began")

    with pytest.raises(StudioError) as refusal:
        run({"image": Picture(smooth_picture())}, params, models, Report(work))
    assert refusal.value.code == code


def test_upscale_restores_the_faces_of_the_enlarged_picture(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[Any] = []

    def find(pixels: Pixels, *_: object) -> list[str]:
        asked.append(pixels.shape)
        return ["face"]

    def restore(pixels: Pixels, *rest: Any) -> Pixels:
        asked.append(rest[:4])
        return 255 - pixels

    monkeypatch.setattr("studio.tools.upscale.tool.find_faces", find)
    monkeypatch.setattr("studio.tools.upscale.tool.restore_faces", restore)
    picture = Picture(smooth_picture(20, 30), np.full((20, 30), 90, np.uint8))
    plain = enlarge(picture, scale=2)

    options = {"restore_model": "gfpgan-1.4", "restore_blend": 0.7, "restore_fidelity": 0.2}
    restored = enlarge(picture, scale=2, **options)

    assert asked == [(40, 60, 3), (["face"], "gfpgan-1.4", 0.7, 0.2)]
    assert np.array_equal(restored.pixels, 255 - plain.pixels)
    assert np.array_equal(restored.alpha, plain.alpha)


def test_upscale_without_a_face_to_restore_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio.tools.upscale.tool.find_faces", lambda *_: [])
    report, picture = Report(), Picture(smooth_picture(20, 30))

    restored = enlarge(picture, report, restore_model="gfpgan-1.4")

    assert said(report.notes) == ["No face was found to restore."]
    assert np.array_equal(restored.pixels, enlarge(picture).pixels)


def test_upscale_of_a_grey_picture_stays_grey_where_its_faces_are_restored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tinted = np.full((40, 60, 3), (200, 100, 50), np.uint8)
    monkeypatch.setattr("studio.tools.upscale.tool.find_faces", lambda *_: ["face"])
    monkeypatch.setattr("studio.tools.upscale.tool.restore_faces", lambda *_: tinted)

    restored = enlarge(Picture(without_colour(smooth_picture(20, 30))), restore_model="gfpgan-1.4")

    assert restored.pixels[0, 0].tolist() == [124, 124, 124]
    assert is_grey(restored.pixels)


@pytest.mark.parametrize(
    ("model_id", "notes"),
    [
        (
            "gfpgan-1.4",
            ["Restoration fidelity 0.9 changed nothing: gfpgan-1.4 has no such setting."],
        ),
        ("codeformer", []),
    ],
)
def test_upscale_says_that_fidelity_changed_nothing_where_the_restorer_has_none(
    monkeypatch: pytest.MonkeyPatch, model_id: str, notes: list[str]
) -> None:
    monkeypatch.setattr("studio.tools.upscale.tool.find_faces", lambda *_: ["face"])
    monkeypatch.setattr("studio.tools.upscale.tool.restore_faces", lambda pixels, *_: pixels)
    report, picture = Report(), Picture(smooth_picture(20, 30))

    enlarge(picture, report, restore_model=model_id, restore_fidelity=0.9)

    assert said(report.notes) == notes


def checker(side_px: int = 48) -> Pixels:
    rows, columns = np.indices((side_px, side_px))
    return np.repeat(((rows + columns) % 2 * 255).astype(np.uint8)[..., np.newaxis], 3, axis=2)


def test_upscale_keeps_flat_levels_whatever_the_network_makes_of_them() -> None:
    bars = np.repeat(np.array([0, 16, 64, 128, 192, 240, 255], np.uint8), 16)
    pixels = np.broadcast_to(bars[np.newaxis, :, np.newaxis], (24, len(bars), 3)).copy()
    models = NearestModels(4, then=lambda planes: planes + np.float32(12 / 255))

    enlarged = enlarge_by_network(Picture(pixels), models, scale=4)

    off = np.abs(enlarged.pixels.astype(int) - pixels.repeat(4, 0).repeat(4, 1)).max(axis=2)
    inside = off.reshape(96, len(bars) // 16, 64)[..., 12:-12]
    assert inside.max() <= 2
    assert inside.mean() < 0.2


def test_upscale_keeps_the_levels_of_a_gradient_that_the_network_lifts() -> None:
    models = NearestModels(2, then=lambda planes: planes * np.float32(0.9) + np.float32(0.08))
    pixels = smooth_picture()

    enlarged = enlarge_by_network(Picture(pixels), models, scale=2)

    reduced = enlarged.pixels.reshape(60, 2, 80, 2, 3).mean(axis=(1, 3))
    assert np.abs(reduced - pixels).mean() < 1


def test_upscale_of_a_pattern_that_the_network_cannot_draw_keeps_it_and_says_so() -> None:
    report = Report()
    pixels = checker()

    enlarged = enlarge_by_network(
        Picture(pixels), NearestModels(4, then=np.ones_like), report, scale=4
    )

    centres = enlarged.pixels[2::4, 2::4, 0].astype(int)
    assert np.abs(centres - pixels[..., 0]).mean() < 40
    assert enlarged.pixels.mean() == pytest.approx(pixels.mean(), abs=3)
    assert said(report.notes) == [
        "repeating cannot draw the fine pattern in 100% of the picture, which was interpolated "
        "there. For pixel art and screens choose nearest."
    ]
