"""What has passed its time goes: asked for by beat, done by any worker of the maintenance lane.

All of it is idempotent.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice

from sqlalchemy.orm import Session

from db.compaction import compact
from db.models import Blob
from db.repositories.accounts import AccountRepository
from db.repositories.batches import BatchRepository
from db.repositories.blobs import BlobRepository
from db.repositories.dialect import lock_table
from db.repositories.drawings import DrawingRepository
from db.repositories.keeping import KeepingRepository
from db.repositories.page_memory import PageMemoryRepository
from db.repositories.workers import WorkerRepository
from db.types import utc_now
from tasks.celery_app import HOUSEKEEPING_TASK, SWEEP_TASK, app, broker_folder
from tasks.services import Services, get_services
from tasks.transport import remove_stale

UNUSED_FOR = timedelta(days=1)
"""An upload that no run has used for this long is dropped."""
EMPTY_FOR = timedelta(hours=1)
"""A batch without runs is dropped when it is older than this, far older than any request."""
DELETE_BATCH = 100
"""Files or rows deleted while other writers are kept waiting; of runs, each with its few steps."""


@app.task(name=HOUSEKEEPING_TASK)  # type: ignore[untyped-decorator]  # Celery ships no types
def housekeeping_task() -> None:
    """Forget what has passed its time."""
    services = get_services()
    purge_trash(services)
    forget_empty_batches(services)
    forget_unused_drawings(services)
    empty_old_trays(services)
    drop_unused_files(services)
    forget_old_entries(services)
    compact(services.database)


@app.task(name=SWEEP_TASK)  # type: ignore[untyped-decorator]  # Celery ships no types
def sweep_task() -> None:
    """Look through all of storage for files that no row knows."""
    sweep_orphans(get_services())


def purge_trash(services: Services) -> int:
    """Delete runs that have been in the trash for ``trash_days``, with their steps.

    Returns how many of both. Their files go with ``drop_unused_files``, unless another run uses
    them.
    """
    before = utc_now() - timedelta(days=services.settings.trash_days)
    return _in_batches(
        services,
        lambda session, limit: KeepingRepository(session).purge_trash(before, most_runs=limit),
    )


def forget_empty_batches(services: Services) -> int:
    """Forget batches whose runs have all been purged; returns how many."""
    before = utc_now() - EMPTY_FOR
    return _in_batches(
        services, lambda session, limit: BatchRepository(session).forget_empty(before, limit=limit)
    )


def forget_unused_drawings(services: Services) -> int:
    """Forget what was painted, never named, and not touched for ``trash_days``; returns how many.

    Until then it keeps its picture, which may be an upload that was never run.
    """
    before = utc_now() - timedelta(days=services.settings.trash_days)
    return _in_batches(
        services,
        lambda session, limit: DrawingRepository(session).forget_unused(before, limit=limit),
    )


def empty_old_trays(services: Services) -> int:
    """Let go of pictures in trays that nobody has touched for ``trash_days``; returns how many."""
    before = utc_now() - timedelta(days=services.settings.trash_days)
    return _in_batches(
        services,
        lambda session, limit: PageMemoryRepository(session).release_trays(before, limit=limit),
    )


def drop_unused_files(services: Services) -> int:
    """Drop rows and files that nothing has used for ``UNUSED_FOR``; returns how many."""
    before = utc_now() - UNUSED_FOR
    dropped = 0
    for unused in _unused(services, before):
        with services.database.write() as session:
            forgotten = BlobRepository(session).forget(unused, before)
        if forgotten:
            dropped += _delete_files(services, forgotten)
    return dropped


def _unused(services: Services, before: datetime) -> Iterator[Sequence[str]]:
    """Digests that may be dropped, a batch at a time; looked for while others may write."""
    after = ""
    while True:
        with services.database.read() as session:
            unused = BlobRepository(session).unreferenced(before, after=after, limit=DELETE_BATCH)
        if not unused:
            return
        yield unused
        after = unused[-1]


def sweep_orphans(services: Services) -> int:
    """Delete files that have no row, as a killed worker leaves behind; returns how many."""
    services.blobs.remove_partial(UNUSED_FOR.total_seconds())
    if services.settings.is_embedded_broker:
        remove_stale(broker_folder(services.settings), UNUSED_FOR.total_seconds())
    deleted = 0
    stored = services.blobs.iter_digests()
    while batch := list(islice(stored, DELETE_BATCH)):
        with services.database.read() as session:
            orphans = set(batch) - BlobRepository(session).known(batch)
        if orphans:
            deleted += _delete_files(services, orphans)
    return deleted


def forget_old_entries(services: Services) -> None:
    """Forget expired sessions, sign-in failures past the rate limit, and silent workers."""
    before = utc_now() - timedelta(seconds=services.settings.sign_in_window_s)
    for forget in (
        lambda session, limit: AccountRepository(session).forget_expired_sessions(limit=limit),
        lambda session, limit: AccountRepository(session).forget_failures(before, limit=limit),
        lambda session, limit: WorkerRepository(session).forget_silent(limit=limit),
    ):
        _in_batches(services, forget)


def _in_batches(services: Services, forget: Callable[[Session, int], int]) -> int:
    """Have ``forget`` take a batch a transaction until none is left; returns how many went.

    It is given a session and the most that may go, and returns how many did.
    """
    total = 0
    while True:
        with services.database.write() as session:
            gone = forget(session, DELETE_BATCH)
        if not gone:
            return total
        total += gone


def _delete_files(services: Services, digests: Collection[str]) -> int:
    """Delete those files that still have no row.

    Rows are locked meanwhile: whoever stores one of these files now commits its row
    afterwards, finds the file gone and stores it again (``tasks.files.keep``).
    """
    with services.database.write() as session:
        lock_table(session, Blob)
        orphans = set(digests) - BlobRepository(session).known(digests)
        services.blobs.delete_all(orphans)
    return len(orphans)
