from __future__ import annotations

import tracemalloc
from functools import partial
from io import BytesIO
from pathlib import Path

import pytest

from studio.confined import parcel
from studio.imaging.drawing import Drawing
from tasks.services import Services
from tasks.submit import DRAWING_TYPE, store_drawing, store_upload
from tests.pictures import png
from tests.tasks.submitting import refusal, upload

_UNPACK = parcel.unpack


def test_store_upload_picture_is_in_storage_with_its_row(services: Services) -> None:
    stored = upload(services)
    assert services.blobs.read(stored.sha256) == png()
    assert (stored.media_type, stored.width_px, stored.height_px) == ("image/png", 24, 16)
    assert upload(services) == stored


@pytest.mark.slow
def test_store_upload_that_takes_too_long_to_read_is_ended_and_not_kept(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.imaging.confined.TIME_LIMIT_S", 0.001)
    large = png(width_px=3000, height_px=2000)
    assert refusal(store_upload, services, "cat.png", large) == "image.too_slow"
    assert not list(services.blobs.iter_digests())


def test_store_upload_reads_a_stream_of_which_some_was_read_before(services: Services) -> None:
    stream = BytesIO(png())
    stream.read(10)
    assert services.blobs.read(store_upload(services, "cat.png", stream).sha256) == png()


def test_store_upload_text_file_is_refused_and_not_kept(services: Services) -> None:
    assert refusal(store_upload, services, "cat.png", b"not a picture").startswith("image.")
    assert list(services.blobs.iter_digests()) == []


def test_store_drawing_is_kept_as_it_renders_and_damage_is_refused(services: Services) -> None:
    drawing = Drawing(width_px=40, height_px=30)
    stored = store_drawing(services, "mask.json", drawing.to_bytes())
    assert services.blobs.read(stored.sha256) == drawing.to_bytes()
    assert (stored.media_type, stored.width_px, stored.height_px) == (DRAWING_TYPE, 40, 30)
    assert refusal(store_drawing, services, "mask.json", b"{") == "drawing.unreadable"
    most = services.settings.max_upload_bytes
    too_many = b" " * (most + 1)
    assert refusal(store_drawing, services, "mask.json", too_many) == "image.too_many_bytes"


def test_store_drawing_is_parsed_and_written_in_a_child_which_says_its_size_alone(
    services: Services, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sent = tmp_path / "mask.json"
    sent.write_bytes(b'{"width_px": 400, "height_px": 300, "strokes": [' + _strokes(20) + b"]}")
    told: list[object] = []
    monkeypatch.setattr(parcel, "unpack", partial(_heard, told))
    store_drawing(services, "warm.json", b'{"width_px": 4, "height_px": 3}')
    told.clear()
    tracemalloc.start()
    with sent.open("rb") as stream:
        stored = store_drawing(services, "mask.json", stream)
    _, most_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert told == [(True, (400, 300))]
    assert most_bytes < sent.stat().st_size
    kept = services.blobs.read(stored.sha256)
    assert kept == Drawing.parse(sent.read_bytes(), file_name="mask.json").to_bytes()
    assert (stored.width_px, stored.height_px, stored.size_bytes) == (400, 300, len(kept))


def _strokes(count: int) -> bytes:
    """Strokes of 20,000 points each, as another program writes them."""
    points = b",".join([b"[ 10.5, 20.25 ]"] * 20_000)
    return b",".join([b'{"kind": "brush", "width_px": 2, "points": [' + points + b"]}"] * count)


def _heard(told: list[object], descriptor: int) -> object:
    told.append(value := _UNPACK(descriptor))
    return value
