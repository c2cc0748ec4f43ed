"""Files that ``studio run`` is given are decoded where that has bounds."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.tools import pipeline
from tests.app.commands.outcome import Studio
from tests.pictures import png

ENLARGE = ("--model", "interpolation")


def test_run_decodes_no_file_in_its_own_process(
    studio: Studio, picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def decode_here(*_: object, **__: object) -> None:
        raise AssertionError("foreign bytes are decoded in the process of the command")

    for name in ("decode", "render"):
        monkeypatch.setattr(pipeline, name, decode_here)
    outcome = studio("run", "upscale", picture, "--out", tmp_path / "out", *ENLARGE)
    assert outcome.code == 0, outcome.err


@pytest.mark.slow
def test_run_of_a_file_that_takes_too_long_refuses_it_and_does_the_others(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.imaging.confined.TIME_LIMIT_S", 0.1)
    large, small = tmp_path / "large.png", tmp_path / "small.png"
    large.write_bytes(png(width_px=6000, height_px=4000))
    small.write_bytes(png())
    outcome = studio("run", "upscale", large, small, "--out", tmp_path, *ENLARGE, "--json")
    assert outcome.code == 1
    refused, done = outcome.json["results"]
    assert refused["error"]["code"] == "image.too_slow"
    assert done["ok"]
