from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image

from app.renditions import DISPLAY_SIDE_PX, display_file, thumbnail_file
from db.models import Blob
from studio.errors import StorageError
from tasks.services import Services


def store(services: Services, image: Image.Image, format: str = "PNG") -> Blob:
    buffer = BytesIO()
    image.save(buffer, format)
    data = buffer.getvalue()
    return Blob(sha256=services.blobs.put(data), size_bytes=len(data), media_type="image/x")


def test_display_file_keeps_transparency_and_fits_a_screen(services: Services) -> None:
    blob = store(services, Image.new("RGBA", (4000, 1000), (10, 200, 30, 0)))
    with Image.open(display_file(services, blob)) as shown:
        assert (shown.format, shown.mode) == ("WEBP", "RGBA")
        assert shown.size == (DISPLAY_SIDE_PX, DISPLAY_SIDE_PX // 4)
        assert shown.getpixel((5, 5))[3] == 0


def test_display_file_makes_a_tiff_visible_in_browsers(services: Services) -> None:
    blob = store(services, Image.new("RGB", (60, 40), (10, 200, 30)), "TIFF")
    with Image.open(display_file(services, blob)) as shown:
        assert (shown.format, shown.size) == ("WEBP", (60, 40))


def test_renditions_are_made_once(services: Services) -> None:
    blob = store(services, Image.new("RGB", (600, 400), "teal"))
    path = thumbnail_file(services, blob)
    made_at = path.stat().st_mtime_ns
    services.blobs.delete(blob.sha256)
    assert thumbnail_file(services, blob).stat().st_mtime_ns == made_at


def test_renditions_do_not_hold_results_to_upload_limits(services: Services) -> None:
    small = services.settings.model_copy(update={"max_upload_bytes": 100})
    blob = store(services, Image.effect_noise((300, 300), 90))
    strict = Services(small, services.database, services.blobs)
    assert thumbnail_file(strict, blob).is_file()


def test_renditions_of_a_missing_file_fail_and_leave_nothing(services: Services) -> None:
    blob = store(services, Image.new("RGB", (600, 400), "teal"))
    services.blobs.delete(blob.sha256)
    with pytest.raises(StorageError):
        display_file(services, blob)
    assert not list((services.settings.data_dir / "pictures").rglob("*.webp"))
