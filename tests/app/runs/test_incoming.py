from __future__ import annotations

from io import BytesIO
from uuid import uuid4

import pytest

from app.runs import incoming as arrivals
from app.runs.incoming import Incoming
from studio.errors import StudioError


@pytest.mark.parametrize("is_here", [False, True])
def test_arriving_under_an_id_that_is_taken_is_refused_and_changes_nothing(is_here: bool) -> None:
    incoming, owner, file = Incoming(), uuid4(), BytesIO(b"first")
    with incoming.arriving(owner, "a", 5) as first:
        if is_here:
            assert incoming.keep(first, file, 5)
        with pytest.raises(StudioError) as refusal, incoming.arriving(owner, "a", 0):
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
    with incoming.arriving(owner, "a", 5) as first:
        incoming.drop(owner, "a")
        with incoming.arriving(owner, "b", 1) as second:
            assert not second.has_room
        assert not incoming.keep(first, file, 5)
    assert file.closed
    assert incoming.take("a") is None
    with incoming.arriving(owner, "a", 5) as again:
        assert again.has_room


def test_take_while_the_file_arrives_leaves_it() -> None:
    incoming, file = Incoming(), BytesIO(b"first")
    with incoming.arriving(uuid4(), "a", 5) as first:
        assert incoming.take("a") is None
        assert incoming.keep(first, file, 5)
    assert incoming.take("a") is file
