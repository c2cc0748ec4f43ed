"""What 100 clients that submit and poll cost themselves and another person, on both databases."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median, quantiles

import httpx

from app.people.sessions import create_api_token
from bench.measuring import tell
from bench.running import HERE, PAGES, changes_ms, open_page, studio_of
from bench.web import await_health
from db.actor import Actor
from studio.params import INTERPOLATION
from tasks.services import Services
from tests.databases import postgres_url
from tests.people import make_person
from tests.pictures import png

SLOWER_BAR = 3.0
"""How many times as long as before another person's page changes may take."""
_CLIENTS = 100
_PEOPLE = 20
_LASTS_S = 40.0
_POLL_S = 1.0
_ANSWER_S = 60.0


@dataclass(slots=True)
class Figures:
    """What was seen on one database; times in milliseconds."""

    idle_page_ms: list[float] = field(default_factory=list)
    page_ms: list[float] = field(default_factory=list)
    submit_ms: list[float] = field(default_factory=list)
    poll_ms: list[float] = field(default_factory=list)
    ended: int = 0
    errors: Counter[str] = field(default_factory=Counter)

    @property
    def slower(self) -> float:
        """How many times as long as before page changes took, by the median."""
        return median(self.page_ms) / median(self.idle_page_ms)


def main() -> None:
    """Measure on SQLite and on PostgreSQL; fails on any error, and above the bar."""
    is_missed = False
    for name, address in (("SQLite", _sqlite), ("PostgreSQL", postgres_url)):
        with address() as url:
            figures = _measure(url)
        _say(name, figures)
        is_missed |= bool(figures.errors) or figures.slower > SLOWER_BAR
    if is_missed:
        raise SystemExit("100 clients are too many.")


@contextmanager
def _sqlite() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        yield f"sqlite:///{folder}/studio.db"


def _measure(url: str) -> Figures:
    with studio_of("web", "worker-light", "beat", database_url=url) as (services, _):
        people = [make_person(services, f"client-{number}") for number in range(_PEOPLE)]
        tokens = [
            create_api_token(services, people[number % _PEOPLE], f"client {number}", HERE)
            for number in range(_CLIENTS)
        ]
        other = make_person(services, "other")
        await_health(f"http://127.0.0.1:{services.settings.port}/healthz", time.perf_counter())
        return asyncio.run(_watch(services, tokens, other))


async def _watch(services: Services, tokens: Sequence[str], other: Actor) -> Figures:
    figures = Figures()
    async with open_page(services, other) as page:
        await changes_ms(page, len(PAGES))  # the first time imports
        figures.idle_page_ms = await changes_ms(page, 3 * len(PAGES))
        ends_s = time.monotonic() + _LASTS_S
        address = f"http://127.0.0.1:{services.settings.port}/api/v1"
        clients = asyncio.gather(
            *(_work(address, token, number, ends_s, figures) for number, token in enumerate(tokens))
        )
        while time.monotonic() < ends_s:
            figures.page_ms += await changes_ms(page, len(PAGES))
        await clients
    return figures


async def _work(address: str, token: str, number: int, ends_s: float, figures: Figures) -> None:
    """One client: submits a small picture, asks once a second until it is done, and again."""
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(
        base_url=address,
        headers=headers,
        timeout=_ANSWER_S,
        verify=False,  # noqa: S501 — plain HTTP; a hundred stores of certificates take seconds to load
    ) as client:
        await asyncio.sleep(number / _CLIENTS * _POLL_S)  # they are strangers to each other
        picture = 0
        while time.monotonic() < ends_s:
            picture += 1
            job = await _submit(client, number * 1000 + picture, figures)
            while job and time.monotonic() < ends_s:
                await asyncio.sleep(_POLL_S)
                if await _has_ended(client, job, figures):
                    figures.ended += 1
                    break


async def _submit(client: httpx.AsyncClient, seed: int, figures: Figures) -> str | None:
    answer = await _timed(
        client.post(
            "/jobs",
            data={"tool": "upscale", "params": f'{{"model": "{INTERPOLATION}"}}'},
            files={"image": (f"{seed}.png", png(seed))},
        ),
        "submit",
        figures.submit_ms,
        figures,
    )
    return None if answer is None else str(answer.json()["job_ids"][0])


async def _has_ended(client: httpx.AsyncClient, job: str, figures: Figures) -> bool:
    answer = await _timed(client.get(f"/jobs/{job}"), "poll", figures.poll_ms, figures)
    return answer is not None and answer.json()["state"] not in ("queued", "running")


async def _timed(
    asking: Awaitable[httpx.Response], what: str, times_ms: list[float], figures: Figures
) -> httpx.Response | None:
    """The answer; None, and counted as an error, when it is none or not what was asked for."""
    started = time.perf_counter()
    try:
        answer = await asking
    except httpx.TransportError as error:
        figures.errors[f"{what}: {type(error).__name__}"] += 1
        return None
    times_ms.append((time.perf_counter() - started) * 1000)
    if answer.is_success:
        return answer
    figures.errors[f"{what}: {answer.status_code} {answer.text[:80]}"] += 1
    return None


def _say(name: str, figures: Figures) -> None:
    requests = len(figures.submit_ms) + len(figures.poll_ms)
    tell(
        f"{name}: {requests / _LASTS_S:.0f} requests a second, {figures.ended} runs ended; "
        f"errors: {dict(figures.errors) or 'none'}"
    )
    for what, times_ms in (("submit", figures.submit_ms), ("poll", figures.poll_ms)):
        p95_ms = quantiles(times_ms, n=20)[-1]
        tell(f"  {what}: p50 {median(times_ms):.0f} ms, p95 {p95_ms:.0f} ms of {len(times_ms)}")
    tell(
        f"  page changes of another person: before {median(figures.idle_page_ms):.0f} ms, "
        f"meanwhile p50 {median(figures.page_ms):.0f} ms of {len(figures.page_ms)}, "
        f"x{figures.slower:.1f} (bar x{SLOWER_BAR:.0f})"
    )


if __name__ == "__main__":
    main()
