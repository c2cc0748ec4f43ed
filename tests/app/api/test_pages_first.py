from __future__ import annotations

import asyncio
from contextlib import suppress
from threading import Event, Thread

import pytest

from app.api import pages_first as module
from app.api.pages_first import PagesFirst


@pytest.fixture
def endless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody gives up waiting for pages."""
    monkeypatch.setattr(module, "_LONGEST_S", 600.0)


def test_pages_first_where_no_page_is_drawn_any_more_nothing_waits(endless: None) -> None:
    first = PagesFirst()
    with first.drawing():
        pass
    asyncio.run(first.let_pass())


def test_pages_first_script_goes_on_once_the_last_page_is_there(endless: None) -> None:
    async def watch() -> list[bool]:
        first, ends, begun, seen = PagesFirst(), [Event(), Event()], [Event(), Event()], []

        def draw(number: int) -> None:
            with first.drawing():
                begun[number].set()
                ends[number].wait(30)

        pages = [Thread(target=draw, args=(number,)) for number in range(2)]
        for page, has_begun in zip(pages, begun, strict=True):
            page.start()
            has_begun.wait(30)
        script = asyncio.create_task(first.let_pass())
        for page, end in zip(pages, ends, strict=True):
            seen.append(script.done())
            end.set()
            await asyncio.to_thread(page.join)
        await asyncio.wait_for(script, 30)
        return seen

    assert asyncio.run(watch()) == [False, False]


def test_pages_first_page_that_takes_long_holds_nobody_up_for_long() -> None:
    first = PagesFirst()
    with first.drawing():
        asyncio.run(first.let_pass())
    assert not first._waiting


def test_pages_first_page_that_has_been_waiting_for_long_holds_nobody_up(
    endless: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = PagesFirst()
    with first.drawing():
        monkeypatch.setattr(module, "_DRAWN_WITHIN_S", 0.0)
        asyncio.run(first.let_pass())


def test_pages_first_page_that_breaks_off_counts_no_more(endless: None) -> None:
    first = PagesFirst()
    with suppress(KeyError), first.drawing():
        {}["page"]
    asyncio.run(first.let_pass())
