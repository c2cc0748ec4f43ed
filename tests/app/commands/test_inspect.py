"""Any file may be given to ``studio inspect``: it is read where that has bounds."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.commands import inspect
from studio.imaging import provenance
from tests.app.commands.outcome import Studio
from tests.pictures import png


@pytest.fixture
def result(studio: Studio, picture: Path, tmp_path: Path) -> Path:
    """A picture that ``studio run`` made."""
    outcome = studio("run", "upscale", picture, "--out", tmp_path, "--model", "interpolation")
    assert outcome.code == 0, outcome.err
    return tmp_path / "cat-upscaled.png"


def test_inspect_tells_of_the_run_and_reads_nothing_in_its_own_process(
    studio: Studio, result: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_here(*_: object) -> None:
        raise AssertionError("a foreign file is read in the process of the command")

    for module in (inspect, provenance):
        monkeypatch.setattr(module, "read_provenance", read_here, raising=False)
    outcome = studio("inspect", result, "--json")
    assert outcome.code == 0, outcome.err
    assert outcome.json["tool"] == "upscale"


def test_inspect_takes_a_file_beside_it_by_its_mere_name(
    studio: Studio, result: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (result.parent / "deeper").mkdir()
    monkeypatch.chdir(result.parent / "deeper")
    (result.parent / "deeper" / "again.png").write_bytes(result.read_bytes())
    assert studio("inspect", "again.png").code == 0


@pytest.mark.parametrize("make", ["sparse", "endless"])
def test_inspect_of_more_than_a_studio_makes_refuses_it_before_it_is_read_whole(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: str
) -> None:
    monkeypatch.setenv("STUDIO_MAX_UPLOAD_BYTES", "1000000")
    monkeypatch.setenv("STUDIO_MAX_PIXELS", "1000000")
    path = tmp_path / "huge.png"
    if make == "endless":
        path.symlink_to("/dev/zero")
    else:
        path.write_bytes(png())
        with path.open("r+b") as file:
            file.truncate(1 << 40)
    outcome = studio("inspect", path)
    assert outcome.code == 1
    assert "huge.png: " in outcome.err
    assert "MB" in outcome.err


@pytest.mark.slow
def test_inspect_of_a_file_that_takes_too_long_says_so(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.imaging.confined.TIME_LIMIT_S", 0.001)
    path = tmp_path / "slow.png"
    path.write_bytes(png(width_px=4000, height_px=3000))
    outcome = studio("inspect", path)
    assert outcome.code == 1
    assert "slow.png" in outcome.err
    assert "[image.too_slow]" in outcome.err


def test_inspect_of_a_picture_without_a_note_says_so(studio: Studio, picture: Path) -> None:
    outcome = studio("inspect", picture)
    assert outcome.code == 1
    assert "It carries no note of a run" in outcome.err
