"""A studio to measure: its processes one by one, and a page as a browser holds it open."""

from __future__ import annotations

import asyncio
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path

import psutil
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect

from app.people.sessions import Visitor, session_cookie
from db.actor import Actor
from db.migrate import upgrade
from studio.settings import ROOT, Settings
from tasks.services import Services
from tasks.supervisor import environment, programs
from tests.people import open_session
from tests.scratch import scratch_settings
from tests.servers import free_port

HERE = Visitor(ip="127.0.0.1", agent="bench")
PAGES = ("history", "upscale", "cutout", "studio")
GIVE_UP_S = 300.0
_REST_S = 0.2


@contextmanager
def program(settings: Settings, name: str) -> Iterator[psutil.Process]:
    """One of the studio's processes, as the supervisor starts it."""
    [wanted] = [one for one in programs(settings) if one.name == name]
    process = subprocess.Popen(  # noqa: S603 — the supervisor's own command
        wanted.command,
        cwd=ROOT,
        env=environment(settings),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait()


@contextmanager
def studio_of(
    *names: str, database_url: str = ""
) -> Iterator[tuple[Services, list[psutil.Process]]]:
    """A new studio with its programs of these names; on SQLite where no database is named."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as running:
        settings = scratch_settings(
            Path(folder), database_url=database_url, port=free_port(), light_workers=1
        )
        upgrade(settings.resolved_database_url)
        services = Services.from_settings(settings)
        services.blobs.prepare()
        running.callback(services.database.engine.dispose)
        processes = [running.enter_context(program(settings, name)) for name in names]
        yield services, processes


@asynccontextmanager
async def open_page(services: Services, actor: Actor) -> AsyncIterator[ClientConnection]:
    """A page of somebody who has signed in."""
    address = f"127.0.0.1:{services.settings.port}"
    cookie = f"{session_cookie(services.settings)}={open_session(services, actor.id, HERE)}"
    async with connect(
        f"ws://{address}/_stcore/stream",
        subprotocols=["streamlit", "PLACEHOLDER"],  # type: ignore[list-item]  # plain text
        origin=f"http://{address}",  # type: ignore[arg-type]  # plain text
        additional_headers={"Cookie": cookie},
        max_size=None,
        ping_interval=None,  # a browser asks for no sign of life either
    ) as page:
        yield page


async def changes_ms(page: ClientConnection, count: int) -> list[float]:
    """Milliseconds of ``count`` page changes through all ``PAGES``, as a person makes them."""
    taken = []
    for turn in range(count):
        taken.append(await _change_ms(page, PAGES[turn % len(PAGES)]))
        await asyncio.sleep(_REST_S)
    return taken


async def _change_ms(page: ClientConnection, name: str) -> float:
    """Milliseconds until all of another page is there."""
    wanted = BackMsg()
    wanted.rerun_script.page_name = name
    started = time.perf_counter()
    async for _ in answers(page, wanted):
        pass
    return (time.perf_counter() - started) * 1000


async def answers(page: ClientConnection, wanted: BackMsg) -> AsyncIterator[ForwardMsg]:
    """What the studio says to ``wanted``, until all of it is there.

    A script that begins again for the same question is heard to the end of its last run, and the
    end of a run that began before is none of this one's.
    """
    await page.send(wanted.SerializeToString())
    run = None
    async with asyncio.timeout(GIVE_UP_S):
        while True:
            message = ForwardMsg.FromString(await page.recv(decode=False))
            if message.WhichOneof("type") == "new_session":
                run = message.metadata.run.script_run_id
            yield message
            if _ends(message) and message.metadata.run.script_run_id == run:
                return


def _ends(message: ForwardMsg) -> bool:
    is_end = message.WhichOneof("type") == "script_finished"
    return is_end and message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN
