from __future__ import annotations

import os
from errno import ENOSPC
from io import BytesIO
from threading import Event, Thread
from typing import Any, Never

import pytest
from PIL import ExifTags, Image

from app.runs import renditions
from app.runs.renditions import rendition_file
from studio.errors import DiskFullError, StorageError, UserInputError
from studio.imaging.reduced import DISPLAY_SIDE_PX
from tasks import renditions as stored_renditions
from tasks.files import keep
from tasks.renditions import Kind, drop_renditions
from tasks.services import Services
from tests.pictures import png


def store(services: Services, image: Image.Image, format: str = "PNG") -> str:
    buffer = BytesIO()
    image.save(buffer, format)
    return services.blobs.put(buffer.getvalue())


def test_rendition_for_display_keeps_transparency_and_fits_a_screen(services: Services) -> None:
    sha256 = store(services, Image.new("RGBA", (4000, 1000), (10, 200, 30, 0)))
    with Image.open(rendition_file(services, sha256, Kind.DISPLAY)) as shown:
        assert (shown.format, shown.mode) == ("WEBP", "RGBA")
        assert shown.size == (DISPLAY_SIDE_PX, DISPLAY_SIDE_PX // 4)
        assert shown.getpixel((5, 5))[3] == 0


def test_rendition_for_display_makes_a_tiff_visible_in_browsers(services: Services) -> None:
    sha256 = store(services, Image.new("RGB", (60, 40), (10, 200, 30)), "TIFF")
    with Image.open(rendition_file(services, sha256, Kind.DISPLAY)) as shown:
        assert (shown.format, shown.size) == ("WEBP", (60, 40))


def test_renditions_are_made_once(services: Services) -> None:
    sha256 = store(services, Image.new("RGB", (600, 400), "teal"))
    path = rendition_file(services, sha256, Kind.THUMBNAIL)
    made_at = path.stat().st_mtime_ns
    services.blobs.delete(sha256)
    assert rendition_file(services, sha256, Kind.THUMBNAIL).stat().st_mtime_ns == made_at


def test_renditions_do_not_hold_results_to_upload_limits(services: Services) -> None:
    small = services.settings.model_copy(update={"max_upload_bytes": 100})
    sha256 = store(services, Image.effect_noise((300, 300), 90))
    strict = Services(small, services.database, services.blobs)
    assert rendition_file(strict, sha256, Kind.THUMBNAIL).is_file()


def test_renditions_of_a_missing_file_fail_and_leave_nothing(services: Services) -> None:
    sha256 = store(services, Image.new("RGB", (600, 400), "teal"))
    services.blobs.delete(sha256)
    with pytest.raises(StorageError):
        rendition_file(services, sha256, Kind.DISPLAY)
    assert not list((services.settings.data_dir / "pictures").rglob("*.webp"))


def test_renditions_of_a_file_that_is_no_picture_name_it_or_nothing(services: Services) -> None:
    sha256 = services.blobs.put(b"no picture")
    with pytest.raises(UserInputError) as named:
        rendition_file(services, sha256, Kind.THUMBNAIL, file_name="cat.png")
    with pytest.raises(UserInputError) as nameless:
        rendition_file(services, sha256, Kind.THUMBNAIL)
    assert named.value.file_name == "cat.png"
    assert str(named.value) == f"cat.png: {nameless.value}"


def test_renditions_on_a_full_disk_say_so(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> Never:
        raise OSError(ENOSPC, "no room")

    sha256 = store(services, Image.new("RGB", (60, 40), "teal"))
    monkeypatch.setattr(renditions, "read_confined", fail)
    with pytest.raises(DiskFullError):
        rendition_file(services, sha256, Kind.THUMBNAIL)


def test_thumbnail_that_hangs_holds_up_neither_another_picture_nor_another_person(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, quick = (store(services, Image.new("RGB", (60, 40), name)) for name in ("red", "teal"))
    is_hanging, may_end = Event(), Event()
    read = renditions.read_confined

    def read_slowly(*args: Any, file_name: str, **kwargs: Any) -> object:
        if file_name == "slow.png":
            is_hanging.set()
            assert may_end.wait(timeout=60)
        return read(*args, file_name=file_name, **kwargs)

    monkeypatch.setattr(renditions, "read_confined", read_slowly)
    asked = {"file_name": "slow.png", "owner": "mei"}
    hanging = Thread(target=rendition_file, args=(services, slow, Kind.THUMBNAIL), kwargs=asked)
    hanging.start()
    assert is_hanging.wait(timeout=60)
    assert rendition_file(services, quick, Kind.THUMBNAIL, owner="tom").is_file()
    assert hanging.is_alive()
    may_end.set()
    hanging.join()
    assert rendition_file(services, slow, Kind.THUMBNAIL).is_file()


def test_thumbnail_asked_for_by_many_is_made_once(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    sha256 = store(services, Image.new("RGB", (60, 40), "teal"))
    made, read = [], renditions.read_confined

    def counting(*args: Any, **kwargs: Any) -> object:
        made.append(1)
        return read(*args, **kwargs)

    monkeypatch.setattr(renditions, "read_confined", counting)
    askers = [
        Thread(target=rendition_file, args=(services, sha256, Kind.THUMBNAIL)) for _ in range(5)
    ]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert made == [1]


def test_renditions_say_nothing_of_where_a_picture_was_taken(services: Services) -> None:
    image, exif = Image.new("RGB", (60, 40), "teal"), Image.Exif()
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSMapDatum] = "Atlantis"
    buffer = BytesIO()
    image.save(buffer, "JPEG", exif=exif)
    sha256 = services.blobs.put(buffer.getvalue())
    assert b"Atlantis" in buffer.getvalue()
    for kind in (Kind.THUMBNAIL, Kind.DISPLAY, Kind.FULL):
        data = rendition_file(services, sha256, kind).read_bytes()
        assert b"Atlantis" not in data
        with Image.open(BytesIO(data)) as shown:
            assert not dict(shown.getexif())


def test_drop_renditions_of_purged_pictures_takes_every_form_of_them(services: Services) -> None:
    kept = keep(services, png(1), file_name="a.png", media_type="image/png").sha256
    purged = store(services, Image.new("RGB", (60, 40), "teal"))
    forms = set(Kind) - {Kind.EXPORT}
    left = {rendition_file(services, kept, kind) for kind in forms}
    gone = {rendition_file(services, purged, kind) for kind in forms}
    assert drop_renditions(services) == len(forms)
    assert all(path.is_file() for path in left)
    assert not any(path.exists() for path in gone)


def test_working_copies_that_take_too_much_room_go_longest_unused_first(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = (
        store(services, Image.new("RGB", (60, 40), name)) for name in ("red", "teal", "gold")
    )
    one = rendition_file(services, first, Kind.PIXELS)
    monkeypatch.setattr(stored_renditions, "WORKING_COPIES_BYTES", 2 * one.stat().st_size)
    os.utime(one, (1, 1))
    os.utime(rendition_file(services, second, Kind.PIXELS), (2, 2))
    rendition_file(services, first, Kind.PIXELS)
    rendition_file(services, third, Kind.PIXELS)
    left = {path.stem for path in (services.settings.data_dir / "pixels").rglob("*.npy")}
    assert left == {first, third}
