"""What 40 hostile uploads at once, or the fullest drawing, cost another person and the studio.

The files are made by ``bench.hostile_files``: pictures of 79 megapixels in 3 kB, JPEGs of many
scans, PNGs of a million chunks; and drawings as full as they may be. Ten people send four each, as
each person's are read a few at a time. ``bench.painting`` paints stroke after stroke on as much as
a canvas takes. Page changes are compared with those before and after, for the machine may have
other work; one that is too busy to tell is held to its own unattacked pace.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median, quantiles
from threading import Event, Thread

import httpx
import psutil

from app.people.sessions import create_api_token
from bench.cancelling import cancel_to_free_s
from bench.hostile_files import huge, many_chunks, many_scans
from bench.measuring import tell
from bench.painting import Painter, fill, fullest_drawing
from bench.running import GIVE_UP_S, HERE, PAGES, changes_ms, open_page, studio_of
from bench.web import await_health
from db.actor import Actor
from studio.params import INTERPOLATION
from studio.tools.spec import DRAWING_ROLE
from tasks.services import Services
from tests.people import make_person
from tests.pictures import png

PAGE_BAR_MS = 300.0
MEMORY_BAR_BYTES = 2**30
CANCEL_BAR_S = 2.0
_SENDERS = 10
_BUSY_MS = PAGE_BAR_MS / 2
_BUSY_FACTOR = 2.0
"""Where pages take more than ``_BUSY_MS`` unattacked, they may take this much longer attacked."""
_IDLE_CHANGES = 20
_STROKES_ALONE, _STROKES = 5, 20
_WATCHED_S = 30.0
"""What is still being read by then is left unanswered."""
Form = tuple[dict[str, str], dict[str, bytes]]
"""Fields, and files by role."""


@dataclass(slots=True)
class Figures:
    """What was seen while hostile files were read, or somebody painted."""

    idle_page_ms: list[float] = field(default_factory=list)
    """Before and after the attack."""
    page_ms: list[float] = field(default_factory=list)
    web_bytes: int = 0
    children_bytes: int = 0
    answers: dict[str, int] = field(default_factory=dict)
    stroke_cpu_ms: list[float] = field(default_factory=list)


def main() -> None:
    """Start a studio, send the files, print the figures, and hold them to the bars."""
    missed = [*_attacked(), *_painted(), *_cancelled()]
    if missed:
        raise SystemExit(f"What is hostile costs too much: {', '.join(missed)}.")


def _attacked() -> list[str]:
    """What others notice; the bars that were missed."""
    with studio_of("web") as (services, [web]):
        senders = [make_person(services, f"hostile-{number}") for number in range(_SENDERS)]
        other = make_person(services, "other")
        await_health(f"http://127.0.0.1:{services.settings.port}/healthz", time.perf_counter())
        figures = asyncio.run(_attack(services, web, senders, other))
    tell(f"answers within {_WATCHED_S:.0f} s: {figures.answers}")
    return _missed(figures)


def _painted() -> list[str]:
    """What others notice of one who paints on the fullest drawing; the bars that were missed."""
    with studio_of("web") as (services, [web]):
        hostile, other = (make_person(services, name) for name in ("hostile", "other"))
        await_health(f"http://127.0.0.1:{services.settings.port}/healthz", time.perf_counter())
        figures = asyncio.run(_paint(services, web, hostile, other))
    tell(
        "a stroke on the fullest drawing, told, saved and the page drawn anew: "
        f"p50 {median(figures.stroke_cpu_ms):.0f} ms of the web's processor"
    )
    return _missed(figures)


def _missed(figures: Figures) -> list[str]:
    """Say what page changes and memory were; the bars that they missed."""
    idle_p95_ms, p95_ms = _p95(figures.idle_page_ms), _p95(figures.page_ms)
    bar_ms = PAGE_BAR_MS if idle_p95_ms <= _BUSY_MS else _BUSY_FACTOR * idle_p95_ms
    held = "" if bar_ms == PAGE_BAR_MS else f", held to {bar_ms:.0f} ms, as the machine is busy"
    tell(
        f"page changes of another person: p50 {median(figures.page_ms):.0f} ms, "
        f"p95 {p95_ms:.0f} ms of {len(figures.page_ms)} (bar {PAGE_BAR_MS:.0f} ms{held}); "
        f"unattacked p50 {median(figures.idle_page_ms):.0f} ms, p95 {idle_p95_ms:.0f} ms"
    )
    tell(
        f"web memory above idle: {figures.web_bytes / 2**20:.0f} MiB "
        f"(bar {MEMORY_BAR_BYTES / 2**20:.0f} MiB); "
        f"its children {figures.children_bytes / 2**20:.0f} MiB"
    )
    return ["page changes"] * (p95_ms > bar_ms) + ["memory"] * (
        figures.web_bytes > MEMORY_BAR_BYTES
    )


def _cancelled() -> list[str]:
    """How soon a worker is free, in a studio where nothing else waits for it."""
    with studio_of("worker-light") as (services, _):
        waits_s = cancel_to_free_s(services, make_person(services, "hostile"))
    said = ", ".join(f"{kind} {wait_s:.2f} s" for kind, wait_s in waits_s.items())
    tell(f"cancel to a free lane, while decoding: {said} (bar {CANCEL_BAR_S:.0f} s)")
    return ["cancel"] * (max(waits_s.values()) > CANCEL_BAR_S)


def _p95(values: list[float]) -> float:
    return quantiles(values, n=20)[-1]


async def _attack(
    services: Services, web: psutil.Process, senders: list[Actor], other: Actor
) -> Figures:
    figures, forms = Figures(), _forms()
    async with open_page(services, other) as page:
        await changes_ms(page, len(PAGES))  # the first time imports
        figures.idle_page_ms += await changes_ms(page, _IDLE_CHANGES)
        with _watched(web, figures):
            sending = asyncio.gather(*(_send_all(services, one, forms, figures) for one in senders))
            ends_s = time.monotonic() + _WATCHED_S
            while not sending.done() and time.monotonic() < ends_s:
                figures.page_ms += await changes_ms(page, len(PAGES))
            if not sending.done():
                sending.cancel()
            await asyncio.wait([sending])
        figures.idle_page_ms += await changes_ms(page, _IDLE_CHANGES)
    return figures


def _forms() -> list[Form]:
    """What each of the senders sends at once."""
    upscale = {"tool": "upscale", "params": f'{{"model": "{INTERPOLATION}"}}'}
    inpaint = {"tool": "inpaint", "params": '{"model": "telea"}'}
    return [
        *((upscale, {"image": data}) for data in (huge("WEBP"), many_scans(), many_chunks())),
        (inpaint, {"image": png(), DRAWING_ROLE: fullest_drawing().to_bytes()}),
    ]


async def _paint(services: Services, web: psutil.Process, hostile: Actor, other: Actor) -> Figures:
    figures, picture = Figures(), fill(services, hostile)
    async with open_page(services, other) as page, open_page(services, hostile) as canvas:
        await changes_ms(page, len(PAGES))  # the first time imports
        painter = Painter(canvas, picture)
        figures.idle_page_ms += await changes_ms(page, _IDLE_CHANGES)
        with _watched(web, figures):
            await painter.open()
            for _ in range(_STROKES_ALONE):
                before_s = _cpu_s(web)
                await painter.paint()
                figures.stroke_cpu_ms.append((_cpu_s(web) - before_s) * 1000)
            painting = asyncio.create_task(painter.paint_often(_STROKES))
            while not painting.done():
                figures.page_ms += await changes_ms(page, len(PAGES))
            await painting
        figures.idle_page_ms += await changes_ms(page, _IDLE_CHANGES)
    return figures


def _cpu_s(web: psutil.Process) -> float:
    used = web.cpu_times()
    return float(used.user + used.system)


async def _send_all(services: Services, actor: Actor, forms: list[Form], figures: Figures) -> None:
    token = create_api_token(services, actor, "bench", HERE)
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{services.settings.port}/api/v1",
        headers={"Authorization": f"Bearer {token}"},
        timeout=GIVE_UP_S,
        verify=False,  # noqa: S501 — plain HTTP; stores of certificates take long to load
    ) as client:
        await asyncio.gather(*(_send(client, form, figures) for form in forms))


async def _send(client: httpx.AsyncClient, form: Form, figures: Figures) -> None:
    fields, files = form
    named = {role: (role, data) for role, data in files.items()}
    answer = await client.post("/jobs", data=fields, files=named)
    said = f"{answer.status_code} {answer.json().get('code', 'taken')}"
    figures.answers[said] = figures.answers.get(said, 0) + 1


@contextmanager
def _watched(web: psutil.Process, figures: Figures) -> Iterator[None]:
    """Keeps the highest memory of the process above what it held at first."""
    idle_bytes, is_over = web.memory_info().rss, Event()

    def watch() -> None:
        while not is_over.wait(0.1):
            figures.web_bytes = max(figures.web_bytes, web.memory_info().rss - idle_bytes)
            children = sum(_rss(child) for child in web.children(recursive=True))
            figures.children_bytes = max(figures.children_bytes, children)

    watcher = Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        is_over.set()
        watcher.join()


def _rss(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


if __name__ == "__main__":
    main()
