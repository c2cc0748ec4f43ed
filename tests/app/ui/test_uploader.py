from __future__ import annotations

from app.ui.uploader import Tray
from tasks.services import Services
from tests.pictures import png


def test_tray_takes_the_good_and_names_the_others(services: Services) -> None:
    tray = Tray()
    tray.take(services, [("a.png", png(1)), ("b.txt", b"text"), ("c.png", png(2))], limit=5)
    assert [file.file_name for file in tray.files] == ["a.png", "c.png"]
    assert [(e.file_name, e.code) for e in tray.refused] == [("b.txt", "image.not_an_image")]
    assert all(services.blobs.exists(file.sha256) for file in tray.files)
    assert tray.chosen[0].thumbnail.startswith("data:image/jpeg;base64,")


def test_tray_refuses_what_is_beyond_the_limit(services: Services) -> None:
    tray = Tray()
    tray.take(services, [(f"{n}.png", png(n)) for n in range(3)], limit=2)
    assert len(tray.files) == 2
    assert [e.code for e in tray.refused] == ["run.too_many_files"]


def test_tray_same_picture_twice_is_kept_once(services: Services) -> None:
    tray = Tray()
    tray.take(services, [("a.png", png(1))], limit=5)
    tray.take(services, [("copy of a.png", png(1))], limit=5)
    assert [file.file_name for file in tray.files] == ["a.png"]


def test_tray_another_drop_forgets_old_refusals(services: Services) -> None:
    tray = Tray()
    tray.take(services, [("b.txt", b"text")], limit=5)
    tray.take(services, [("a.png", png(1))], limit=5)
    assert not tray.refused
    assert tray.drops == 2
