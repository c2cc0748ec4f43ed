"""What people do to whole batches: pause and resume. Light: the web process imports it."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from db.actor import Actor
from db.models import Batch
from db.repositories.batches import BatchRepository, UnfinishedBatch
from db.types import Lane
from studio.errors import UserInputError
from studio.words import msg
from tasks.authority import Needs, authorise
from tasks.celery_app import wake
from tasks.services import Services


def pause(services: Services, actor: Actor, batch_id: UUID) -> int:
    """Let the queued runs of a batch wait; those that run finish. Returns how many wait now.

    Raises:
        UserInputError: ``batch.not_found``, also for one that is somebody else's.

    """
    with services.database.write() as session:
        actor = authorise(session, actor, Needs.RUNNING)
        return BatchRepository(session).pause(_own(session, actor, batch_id))


def resume(services: Services, actor: Actor, batch_id: UUID) -> int:
    """Queue what ``pause`` let wait, in its old order; returns how many.

    Raises:
        UserInputError: ``batch.not_found``, also for one that is somebody else's.

    """
    with services.database.write() as session:
        actor = authorise(session, actor, Needs.RUNNING)
        queued = BatchRepository(session).resume(_own(session, actor, batch_id))
    for lane in (Lane.GPU, Lane.CPU):
        wake(services.settings, lane)
    return queued


def unfinished(services: Services, actor: Actor) -> list[UnfinishedBatch]:
    """The person's own batches that go on, the newest first."""
    with services.database.read() as session:
        return BatchRepository(session).unfinished(actor.id)


def is_paused(services: Services, batch_id: UUID) -> bool:
    """Whether the batch exists and is paused."""
    with services.database.read() as session:
        batch = BatchRepository(session).get(batch_id)
        return batch is not None and batch.paused_at is not None


def _own(session: Session, actor: Actor, batch_id: UUID) -> Batch:
    batch = BatchRepository(session).get(batch_id)
    if batch is None or (batch.owner_id != actor.id and not actor.is_admin):
        raise UserInputError(
            msg("There is no such batch, or it is somebody else's"),
            remedy=msg("Look for it in the history."),
            code="batch.not_found",
        )
    return batch
