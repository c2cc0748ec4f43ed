from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from io import BytesIO
from threading import Event, Thread
from typing import Any
from uuid import uuid4

import pytest
from streamlit.proto.Common_pb2 import FileURLs
from streamlit.runtime.uploaded_file_manager import UploadedFile, UploadedFileRec

from app.runs import incoming as arrivals
from app.runs.incoming import incoming
from app.ui import trays
from app.ui.refused import MAX_NAMED
from app.ui.trays import Tray
from db.errors import DatabaseAwayError
from studio.errors import DiskFullError
from studio.words import msg
from tasks.files import StoredFile
from tasks.services import Services
from tests.pictures import png

OWNER = uuid4()


def test_tray_takes_the_good_and_names_the_others(services: Services) -> None:
    tray = Tray()
    tray.take(services, [("a.png", png(1)), ("b.txt", b"text"), ("c.png", png(2))], limit=5)
    assert [file.file_name for file in tray.files] == ["a.png", "c.png"]
    assert [(e.file_name, e.code) for e in tray.refused.named] == [("b.txt", "image.not_an_image")]
    assert all(services.blobs.exists(file.sha256) for file in tray.files)
    assert tray.chosen[0].thumbnail.startswith("data:image/jpeg;base64,")


def test_tray_refuses_what_is_beyond_the_limit(services: Services) -> None:
    tray = Tray()
    tray.take(services, [(f"{n}.png", png(n)) for n in range(3)], limit=2)
    assert len(tray.files) == 2
    [refusal] = tray.refused.named
    assert refusal.code == "run.too_many_files"
    assert refusal.remedy == msg("Take one out first, then drop it again.")


def test_tray_same_picture_twice_is_kept_once_and_the_other_named(services: Services) -> None:
    tray = Tray()
    tray.take(services, [("a.png", png(1))], limit=5)
    tray.take(services, [("copy of a.png", png(1)), ("b.png", png(2))], limit=5)
    assert [file.file_name for file in tray.files] == ["a.png", "b.png"]
    [refusal] = tray.refused.named
    assert (refusal.file_name, refusal.code) == ("copy of a.png", "upload.twice")
    assert "a.png" in str(refusal)


@pytest.mark.parametrize("fault", [DatabaseAwayError(), DiskFullError()])
def test_tray_names_the_file_that_could_not_be_kept_and_takes_the_others(
    services: Services, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    store = trays.store_upload

    def store_most(services: Services, file_name: str, *args: Any, **kwargs: Any) -> StoredFile:
        if file_name == "b.png":
            raise fault
        return store(services, file_name, *args, **kwargs)

    monkeypatch.setattr(trays, "store_upload", store_most)
    tray = Tray()
    tray.take(services, [(f"{name}.png", png(ord(name))) for name in "abc"], limit=5)
    assert [file.file_name for file in tray.files] == ["a.png", "c.png"]
    [refusal] = tray.refused.named
    assert refusal.file_name == "b.png"
    assert str(fault) in str(refusal)


def test_tray_keeps_what_it_took_before_a_drop_broke_off(services: Services) -> None:
    kept: list[list[str]] = []

    def files() -> Iterator[tuple[str, bytes]]:
        yield "a.png", png(1)
        raise KeyboardInterrupt

    tray = Tray(keep=lambda files: kept.append([file.file_name for file in files]))
    with pytest.raises(KeyboardInterrupt):
        tray.take(services, files(), limit=5)
    assert kept == [["a.png"]]


def _held_of(services: Services, *numbers: int) -> Tray:
    tray = Tray()
    tray.take(services, [(f"{number}.png", png(number)) for number in numbers], limit=5)
    return tray


def _lose_the_database(_files: Sequence[StoredFile]) -> None:
    raise DatabaseAwayError


def _add(tray: Tray, services: Services) -> None:
    stored = trays.store_upload(services, "c.png", png(3))
    tray.add(stored, stored.size_bytes)


@pytest.mark.parametrize(
    "deed",
    [
        _add,
        lambda tray, _services: tray.remove(tray.files[0].sha256),
        lambda tray, _services: tray.hold(),
        lambda tray, _services: tray.empty(),
    ],
    ids=["add", "remove", "hold", "empty"],
)
def test_tray_deed_that_cannot_be_put_on_record_changes_nothing(
    services: Services, deed: Callable[[Tray, Services], None]
) -> None:
    tray = _held_of(services, 1, 2)
    before = tray.files, tray.drops
    tray.keep = _lose_the_database
    with pytest.raises(DatabaseAwayError):
        deed(tray, services)
    assert (tray.files, tray.drops) == before


def test_tray_names_what_of_a_drop_could_not_be_put_on_record(services: Services) -> None:
    tray = _held_of(services, 1)
    tray.keep = _lose_the_database
    tray.take(services, [("b.png", png(2))], limit=5)
    assert [file.file_name for file in tray.files] == ["1.png"]
    assert [refusal.file_name for refusal in tray.refused.named] == ["b.png"]


def test_tray_picture_added_twice_is_kept_once(services: Services) -> None:
    stored = trays.store_upload(services, "a.png", png(1))
    tray = Tray()
    for _ in range(2):
        tray.add(stored, stored.size_bytes)
    assert [file.file_name for file in tray.files] == ["a.png"]


@pytest.mark.parametrize("forget", [Tray.dismiss, Tray.empty], ids=["dismiss", "empty"])
def test_tray_names_refusals_of_all_drops_until_they_are_dismissed(
    services: Services, forget: Callable[[Tray], None]
) -> None:
    tray = Tray()
    tray.take(services, [("b.txt", b"text")], limit=5)
    tray.take(services, [("a.png", png(1)), ("c.txt", b"text")], limit=5)
    assert tray.drops == 2
    tray.remove(tray.files[0].sha256)
    assert [refusal.file_name for refusal in tray.refused.named] == ["b.txt", "c.txt"]
    forget(tray)
    assert not tray.refused.total


def test_tray_names_the_newest_refusals_and_counts_those_before(services: Services) -> None:
    tray = Tray()
    files = [(f"{number}.txt", b"text") for number in range(MAX_NAMED + 2)]
    for several in (files[:5], files[5:]):
        tray.take(services, several, limit=5)
    assert (tray.refused.named[0].file_name, tray.refused.before) == ("2.txt", 2)
    assert len(tray.refused.named) == MAX_NAMED
    tray.dismiss()
    assert tray.refused.total == 0


def test_tray_of_one_file_forgets_what_was_refused_before_another_try(services: Services) -> None:
    tray = Tray()
    for drop, (name, data) in enumerate([("b.txt", b"text"), ("a.png", png(1))]):
        tray.take_drop(services, [dropped(name, data)], limit=1, drop=drop, owner=None)
        tray.renew(drop)
    assert (len(tray.files), tray.refused.total) == (1, 0)


def test_tray_of_one_file_holds_the_last_that_could_be_taken(services: Services) -> None:
    tray = Tray()
    drops = [("a.png", png(1)), ("b.png", png(2)), ("b again.png", png(2)), ("c.txt", b"text")]
    for drop, (name, data) in enumerate(drops):
        tray.take_drop(services, [dropped(name, data)], limit=1, drop=drop, owner=None)
        tray.renew(drop)
    assert [file.file_name for file in tray.files] == ["b again.png"]
    assert [refusal.file_name for refusal in tray.refused.named] == ["c.txt"]


def test_tray_that_is_being_filled_makes_the_next_run_of_the_page_wait(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_checking, may_finish = Event(), Event()
    store = trays.store_upload

    def store_slowly(*args: Any, **kwargs: Any) -> StoredFile:
        is_checking.set()
        assert may_finish.wait(timeout=10)
        return store(*args, **kwargs)

    monkeypatch.setattr(trays, "store_upload", store_slowly)
    tray = Tray()
    seen: list[int] = []

    def next_run() -> None:
        tray.settle()
        seen.append(len(tray.chosen))

    first = Thread(target=lambda: tray.take(services, [("a.png", png(1))], limit=5))
    first.start()
    assert is_checking.wait(timeout=10)
    second = Thread(target=next_run)
    second.start()
    second.join(timeout=0.1)
    assert not seen, "the next run drew the tray before the drop was in it"
    may_finish.set()
    first.join()
    second.join()
    assert seen == [1]


def dropped(name: str, data: bytes) -> UploadedFile:
    return UploadedFile(UploadedFileRec(name, name, "", data), FileURLs())


def test_tray_takes_what_is_dropped_while_others_are_checked(services: Services) -> None:
    tray = Tray()
    first = [dropped("a.png", png(1)), dropped("b.txt", b"text")]
    late = [*first, dropped("c.png", png(2)), dropped("d.txt", b"text")]
    for uploads in (first, first[:1], late):
        tray.take_drop(services, uploads, limit=5, drop=0, owner=None)
    assert [file.file_name for file in tray.files] == ["a.png", "c.png"]
    assert [refusal.file_name for refusal in tray.refused.named] == ["b.txt", "d.txt"]
    assert tray.drops == 0, "the zone that may hold more stays"
    for _ in range(2):
        tray.renew(0)
    assert (tray.drops, len(tray.refused.named)) == (1, 2)
    tray.take_drop(services, late, limit=5, drop=0, owner=None)
    assert (tray.drops, len(tray.files)) == (1, 2), "a run that comes late takes nothing twice"


def test_tray_forgets_refusals_of_a_zone_that_holds_none_of_them_any_more(
    services: Services,
) -> None:
    tray = Tray()
    tray.take_drop(services, [dropped("b.txt", b"text")], limit=1, drop=0, owner=None)
    tray.take_drop(services, [dropped("a.png", png(1))], limit=1, drop=0, owner=None)
    assert ([file.file_name for file in tray.files], tray.refused.total) == (["a.png"], 0)


def test_tray_names_what_an_unexpected_fault_left_unchecked(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = trays.store_upload

    def store_most(services: Services, file_name: str, *args: Any, **kwargs: Any) -> StoredFile:
        if file_name == "b.png":
            raise ZeroDivisionError
        return store(services, file_name, *args, **kwargs)

    monkeypatch.setattr(trays, "store_upload", store_most)
    tray, uploads = Tray(), [dropped(f"{name}.png", png(ord(name))) for name in "abc"]
    with pytest.raises(ZeroDivisionError):
        tray.take_drop(services, uploads, limit=5, drop=0, owner=None)
    assert [file.file_name for file in tray.files] == ["a.png"]
    assert [refusal.file_name for refusal in tray.refused.named] == ["b.png", "c.png"]


def arrive(file_id: str, data: bytes) -> BytesIO:
    source = BytesIO(data)
    with incoming().arriving(OWNER, file_id, len(data), tab_id="a-tab") as arrival:
        assert incoming().keep(arrival, source, len(data))
    return source


def test_tray_takes_all_of_a_drop_however_long_the_check_lasts(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = 0.0
    monkeypatch.setattr(arrivals, "monotonic", lambda: now_s)
    store = trays.store_upload

    def store_slowly(*args: Any, **kwargs: Any) -> StoredFile:
        nonlocal now_s
        now_s += 4000.0
        incoming().forget_old()
        return store(*args, **kwargs)

    monkeypatch.setattr(trays, "store_upload", store_slowly)
    tray, uploads = Tray(), [dropped(f"{name}.png", b"") for name in "abc"]
    sources = [arrive(one.file_id, png(number)) for number, one in enumerate(uploads)]
    tray.take_drop(services, uploads, limit=2, drop=0, owner=None)
    assert [file.file_name for file in tray.files] == ["a.png", "b.png"]
    assert [refusal.code for refusal in tray.refused.named] == ["run.too_many_files"]
    assert all(source.closed for source in sources)


def test_tray_leaves_the_files_of_a_drop_counted_until_each_was_checked(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrivals, "MOST_PENDING_FILES", 3)
    store, has_room = trays.store_upload, []

    def send_another() -> None:
        with incoming().arriving(OWNER, "d.png", 1, tab_id="a-tab") as arrival:
            has_room.append(arrival.has_room)

    def store_and_send(*args: Any, **kwargs: Any) -> StoredFile:
        send_another()
        return store(*args, **kwargs)

    monkeypatch.setattr(trays, "store_upload", store_and_send)
    tray, uploads = Tray(), [dropped(f"{name}.png", b"") for name in "abc"]
    for number, one in enumerate(uploads):
        arrive(one.file_id, png(number))
    tray.take_drop(services, uploads, limit=5, drop=0, owner=None)
    send_another()
    assert has_room == [False, True, True, True]


def test_tray_says_of_a_file_that_was_let_go_of_that_it_is_gone(services: Services) -> None:
    tray = Tray()
    tray.take_drop(services, [dropped("a.png", b"")], limit=5, drop=0, owner=None)
    [refusal] = tray.refused.named
    assert (refusal.file_name, refusal.code) == ("a.png", "upload.gone")
