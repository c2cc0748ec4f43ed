from __future__ import annotations

from io import BytesIO
from uuid import uuid4

import pytest

from app.runs import incoming as arrivals
from app.runs.incoming import Incoming
from studio.errors import StudioError

TAB = "a-tab"


@pytest.mark.parametrize("is_here", [False, True])
def test_arriving_under_an_id_that_is_taken_is_refused_and_changes_nothing(is_here: bool) -> None:
    incoming, owner, file = Incoming(), uuid4(), BytesIO(b"first")
    with incoming.arriving(owner, "a", 5, tab_id=TAB) as first:
        if is_here:
            assert incoming.keep(first, file, 5)
        with pytest.raises(StudioError) as refusal, incoming.arriving(owner, "a", 0, tab_id=TAB):
            pass
        assert refusal.value.code == "upload.already_sent"
        assert is_here or incoming.keep(first, file, 5)
    assert incoming.take("a") is file
    assert incoming.take("a") is None


def test_drop_while_the_file_arrives_closes_it_and_holds_its_room_until_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(arrivals, "MOST_PENDING_BYTES", 5)
    incoming, owner, file = Incoming(), uuid4(), BytesIO(b"first")
    with incoming.arriving(owner, "a", 5, tab_id=TAB) as first:
        incoming.drop(owner, "a")
        with incoming.arriving(owner, "b", 1, tab_id=TAB) as second:
            assert not second.has_room
        assert not incoming.keep(first, file, 5)
    assert file.closed
    assert incoming.take("a") is None
    with incoming.arriving(owner, "a", 5, tab_id=TAB) as again:
        assert again.has_room


def test_take_while_the_file_arrives_leaves_it() -> None:
    incoming, file = Incoming(), BytesIO(b"first")
    with incoming.arriving(uuid4(), "a", 5, tab_id=TAB) as first:
        assert incoming.take("a") is None
        assert incoming.keep(first, file, 5)
    assert incoming.take("a") is file


def test_take_leaves_the_file_counted_until_it_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrivals, "MOST_PENDING_BYTES", 5)
    incoming, owner, file = Incoming(), uuid4(), BytesIO(b"first")
    with incoming.arriving(owner, "a", 5, tab_id=TAB) as first:
        assert incoming.keep(first, file, 5)
    assert incoming.take("a") is file
    assert incoming.take("a") is None
    with incoming.arriving(owner, "b", 1, tab_id=TAB) as second:
        assert not second.has_room
    file.close()
    with incoming.arriving(owner, "a", 5, tab_id=TAB) as again:
        assert again.has_room


def test_taken_file_is_left_to_who_took_it(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 0.0
    monkeypatch.setattr(arrivals, "monotonic", lambda: now_s)
    incoming, owner, file = Incoming(), uuid4(), BytesIO(b"first")
    with incoming.arriving(owner, "a", 5, tab_id=TAB) as first:
        assert incoming.keep(first, file, 5)
    assert incoming.take("a") is file
    assert not incoming.awaits(TAB, since_s=0.0)
    incoming.drop(owner, "a")
    now_s = 9000.0
    incoming.forget_old()
    assert not file.closed


def test_forget_old_counts_from_when_a_file_is_here(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 0.0
    monkeypatch.setattr(arrivals, "monotonic", lambda: now_s)
    incoming, file = Incoming(), BytesIO(b"slow")
    with incoming.arriving(uuid4(), "a", 5, tab_id=TAB) as arrival:
        now_s = 4000.0
        assert incoming.keep(arrival, file, 5)
    incoming.forget_old()
    assert not file.closed
    now_s += 3601.0
    incoming.forget_old()
    assert file.closed
    assert incoming.take("a") is None


def test_forget_old_leaves_the_files_of_a_drop_that_still_arrives(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now_s = 0.0
    monkeypatch.setattr(arrivals, "monotonic", lambda: now_s)
    incoming, owner = Incoming(), uuid4()
    early, left, late = BytesIO(b"early"), BytesIO(b"left"), BytesIO(b"late")
    for tab_id, file_id, file in [(TAB, "a", early), ("another-tab", "b", left)]:
        with incoming.arriving(owner, file_id, 5, tab_id=tab_id) as arrival:
            assert incoming.keep(arrival, file, 5)
    with incoming.arriving(owner, "c", 5, tab_id=TAB) as last:
        now_s = 4000.0
        incoming.forget_old()
        assert (early.closed, left.closed) == (False, True)
        assert incoming.keep(last, late, 5)
    incoming.forget_old()
    assert not early.closed
    now_s += 61.0
    incoming.forget_old()
    assert early.closed
    assert incoming.take("c") is late


def test_awaits_a_file_until_it_is_taken_or_its_page_seems_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now_s = 0.0
    monkeypatch.setattr(arrivals, "monotonic", lambda: now_s)
    incoming, owner = Incoming(), uuid4()
    with incoming.arriving(owner, "a", 5, tab_id=TAB) as arrival:
        assert incoming.awaits(TAB, since_s=0.0)
        assert not incoming.awaits("another-tab", since_s=0.0)
        now_s = 4000.0
        assert incoming.awaits(TAB, since_s=0.0)
        assert incoming.keep(arrival, BytesIO(b"late"), 5)
    assert incoming.awaits(TAB, since_s=0.0), "its page may not know yet that it is here"
    now_s += 61.0
    assert not incoming.awaits(TAB, since_s=0.0)


def test_awaits_nothing_that_was_sent_before_the_zone_was_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now_s = 4.0
    monkeypatch.setattr(arrivals, "monotonic", lambda: now_s)
    incoming = Incoming()
    with incoming.arriving(uuid4(), "a", 5, tab_id=TAB) as arrival:
        now_s = 9.0
        assert incoming.awaits(TAB, since_s=4.0)
        assert not incoming.awaits(TAB, since_s=5.0)
        assert incoming.keep(arrival, BytesIO(b"late"), 5)
    assert not incoming.awaits(TAB, since_s=5.0), "the page that it was sent to was left"


def test_awaits_nothing_that_was_called_off() -> None:
    incoming, owner = Incoming(), uuid4()
    with incoming.arriving(owner, "a", 5, tab_id=TAB):
        incoming.drop(owner, "a")
        assert not incoming.awaits(TAB, since_s=0.0)
    with incoming.arriving(owner, "b", 5, tab_id=TAB):
        pass
    assert not incoming.awaits(TAB, since_s=0.0)
