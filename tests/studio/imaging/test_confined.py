from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studio.confined.pool import ConfinedPool
from studio.errors import UserInputError
from studio.imaging.confined import (
    TIME_LIMIT_S,
    decode_confined,
    imaging_pool,
    inspect_confined,
    memory_limit_bytes,
    paint_confined,
    parse_confined,
    read_confined,
    render_confined,
    rewrite_confined,
)
from studio.imaging.decode import decode, inspect
from studio.imaging.drawing import Drawing
from tests.studio.confined import work
from tests.studio.imaging.files import LIMITS, grey_profile, photo, save

CARD = save(np.full((40, 60, 3), 200, np.uint8), "PNG")
DRAWING = Drawing(width_px=60, height_px=40)
DRAWN = DRAWING.model_dump_json().encode()
BENEATH = np.zeros((40, 60), np.uint8)


@pytest.fixture(scope="module")
def pool() -> Iterator[ConfinedPool]:
    made = imaging_pool(most_at_once=2, memory_budget_bytes=4_000_000_000)
    yield made
    made.close()


def test_decode_confined_gives_what_decode_gives(pool: ConfinedPool) -> None:
    rgba = np.dstack((photo(), photo()[..., :1]))
    data = save(rgba, "PNG")
    here = decode(data, file_name="cat.png", limits=LIMITS)
    there = decode_confined(pool, data, file_name="cat.png", limits=LIMITS)
    assert np.array_equal(here.pixels, there.pixels)
    assert here.alpha is not None
    assert there.alpha is not None
    assert np.array_equal(here.alpha, there.alpha)
    assert here.notes == there.notes


def test_inspect_confined_gives_what_inspect_gives(pool: ConfinedPool) -> None:
    data = save(photo(), "JPEG")
    here = inspect(data, file_name="cat.jpg", limits=LIMITS)
    assert inspect_confined(pool, data, file_name="cat.jpg", limits=LIMITS) == here


def test_rewrite_confined_writes_a_drawing_as_we_do_and_tells_its_size(
    pool: ConfinedPool, tmp_path: Path
) -> None:
    sent, out = tmp_path / "sent.json", tmp_path / "out.json"
    sent.write_text(' { "height_px": 40,  "width_px": 60 } ')
    assert rewrite_confined(pool, sent, out, file_name="mask.json") == (60, 40)
    assert out.read_bytes() == DRAWING.to_bytes()


def test_decode_confined_of_no_picture_names_the_file(pool: ConfinedPool) -> None:
    with pytest.raises(UserInputError, match=r"^cat\.png: This is not a picture") as caught:
        decode_confined(pool, b"meow", file_name="cat.png", limits=LIMITS)
    assert caught.value.code == "image.not_an_image"


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (work.crash, "image.crashes"),
        (partial(work.allocate, 50_000_000_000), "image.bomb"),
    ],
)
def test_read_confined_of_a_file_that_ends_its_reader_refuses_it(
    pool: ConfinedPool, call: Callable[[], object], code: str
) -> None:
    with pytest.raises(UserInputError, match=r"^cat\.png: ") as caught:
        read_confined(pool, call, b"", file_name="cat.png", limits=LIMITS)
    assert caught.value.code == code


def test_read_confined_of_a_file_that_takes_for_ever_refuses_it(
    pool: ConfinedPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.imaging.confined.TIME_LIMIT_S", 0.2)
    with pytest.raises(UserInputError, match=r"^cat\.png: ") as caught:
        read_confined(pool, work.spin, b"", file_name="cat.png", limits=LIMITS)
    assert caught.value.code == "image.too_slow"


def test_imaging_pool_loads_neither_opencv_nor_a_network_runtime(pool: ConfinedPool) -> None:
    loaded = pool.run(work.loaded_modules, time_limit_s=60, memory_limit_bytes=500_000_000)
    assert "PIL.Image" in loaded
    assert not {"cv2", "onnxruntime", "torch", "ncnn"} & loaded


class PoolOfOneProcess(ConfinedPool):
    """Makes calls here, and keeps on what terms they came."""

    def __init__(self) -> None:
        super().__init__(preload=(), most_at_once=1, memory_budget_bytes=1)

    def run(self, call: Callable[[], Any], **terms: Any) -> Any:
        self.terms = terms
        return call()


@pytest.mark.parametrize(
    ("read", "least_bytes"),
    [
        (partial(decode_confined, source=CARD, limits=LIMITS), 32 * 60 * 40),
        (partial(inspect_confined, source=CARD, limits=LIMITS), 32 * 60 * 40),
        (partial(parse_confined, source=DRAWN), 1_000_000_000),
        (partial(rewrite_confined, source=DRAWN, out=Path(os.devnull)), 1_000_000_000),
        (partial(paint_confined, drawing=DRAWING, beneath=BENEATH), 1_000_000_000 + 32 * 2400),
        (
            partial(render_confined, source=DRAWN, width_px=60, height_px=40),
            1_000_000_000 + 32 * 2400,
        ),
    ],
    ids=["decode", "inspect", "parse", "rewrite", "paint", "render"],
)
def test_every_confined_call_is_its_owners_can_be_stopped_and_has_bounds(
    read: Callable[..., object], least_bytes: int
) -> None:
    def check() -> None:
        """Never called here."""

    pool = PoolOfOneProcess()
    read(pool, file_name="cat.png", owner="mei", check=check)
    terms = pool.terms
    assert (terms["owner"], terms["check"]) == ("mei", check)
    assert terms["time_limit_s"] == TIME_LIMIT_S
    assert least_bytes <= terms["memory_limit_bytes"] < least_bytes + 300_000_000


def test_decode_confined_as_numbers_keeps_the_levels_of_the_file() -> None:
    levels = np.tile(np.arange(256, dtype=np.uint8), (4, 1))
    data = save(levels, "PNG", icc_profile=grey_profile(1.0))
    for as_numbers in (False, True):
        picture = decode_confined(
            PoolOfOneProcess(), data, file_name="mask", limits=LIMITS, as_numbers=as_numbers
        )
        assert np.array_equal(picture.pixels[..., 0], levels) == as_numbers


def test_memory_limit_follows_the_file_and_the_pixels_its_header_declares(tmp_path: Path) -> None:
    base_bytes = memory_limit_bytes(b"?", LIMITS) - 3
    path = tmp_path / "cat.png"
    path.write_bytes(CARD + bytes(2_000_000))
    assert memory_limit_bytes(CARD, LIMITS) == base_bytes + 3 * len(CARD) + 32 * 60 * 40
    assert memory_limit_bytes(path, LIMITS) == memory_limit_bytes(path.read_bytes(), LIMITS)
    few = replace(LIMITS, max_pixels=100)
    assert memory_limit_bytes(CARD, few) == base_bytes + 3 * len(CARD) + 32 * 100


def test_memory_limit_of_a_kind_whose_header_is_not_read_allows_all_pixels() -> None:
    data = save(photo(), "AVIF")
    most = memory_limit_bytes(b"?", LIMITS) - 3 + 3 * len(data) + 32 * LIMITS.max_pixels
    assert memory_limit_bytes(data, LIMITS) == most
