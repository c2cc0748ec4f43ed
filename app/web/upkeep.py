"""What the web process does beside answering: its readers, and what only it has on its disk."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette

from app.runs.incoming import incoming
from app.weights.background import WorkFolder
from db.errors import DatabaseAwayError
from tasks.reading import reading_pool
from tasks.renditions import drop_renditions
from tasks.services import Services

_EVERY_S = 3600.0

logger = logging.getLogger(__name__)


@asynccontextmanager
async def upkeep(services: Services, _app: Starlette) -> AsyncIterator[None]:
    """Have the reading pool at hand and the disk tidied as long as the process serves."""
    await asyncio.to_thread(reading_pool().start)
    _settle()
    tidying = asyncio.create_task(_keep_tidy(services))
    tidying.add_done_callback(_tell_end)
    try:
        yield
    finally:
        tidying.cancel()
        await asyncio.to_thread(reading_pool().close)


def _settle() -> None:
    """Leave what was imported out of every collection of garbage.

    The libraries never are garbage; to look through all of them takes longer than to draw a page,
    and stops every thread.
    """
    gc.freeze()


async def _keep_tidy(services: Services) -> None:
    while True:
        try:
            await asyncio.to_thread(tidy, services)
        except (DatabaseAwayError, OSError) as error:
            logger.warning("the disk was not tidied, the next time is in an hour: %s", error)
        await asyncio.sleep(_EVERY_S)


def _tell_end(tidying: asyncio.Task[None]) -> None:
    if not tidying.cancelled():
        logger.error("the disk is not tidied any more", exc_info=tidying.exception())


def tidy(services: Services) -> None:
    """Delete what shows purged pictures, and what is left of old uploads and pulls of models."""
    incoming().forget_old()
    dropped = drop_renditions(services)
    if dropped:
        logger.info("deleted %d smaller forms of purged pictures", dropped)
    WorkFolder(services.settings).forget_old()
