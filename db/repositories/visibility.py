"""Who sees which run: the one place that decides it."""

from __future__ import annotations

from enum import Enum, auto

from sqlalchemy import ColumnElement, Select, and_, false, or_, select, true

from db.actor import Actor
from db.models import Job
from db.types import Visibility


class Trash(Enum):
    """How a query treats runs that lie in the trash."""

    HIDDEN = auto()
    ONLY = auto()
    INCLUDED = auto()


def visible_jobs(actor: Actor, trash: Trash = Trash.HIDDEN) -> Select[Job]:
    """Every user-facing read of runs starts here.

    Team runs are seen by everybody, private ones by their owner and admins. What lies in
    the trash is seen by its owner and admins alone.
    """
    is_own = true() if actor.is_admin else Job.owner_id == actor.id
    is_shared = true() if actor.is_admin else or_(Job.visibility == Visibility.TEAM, is_own)
    is_live = Job.deleted_at.is_(None)
    match trash:
        case Trash.HIDDEN:
            return select(Job).where(is_live, is_shared)
        case Trash.ONLY:
            return select(Job).where(Job.deleted_at.is_not(None), is_own)
        case Trash.INCLUDED:
            return select(Job).where(or_(is_own, and_(is_live, is_shared)))


def may_change(actor: Actor) -> ColumnElement[bool]:
    """Condition on ``Job``: its owner while they may run, and admins, may change it."""
    if actor.is_admin:
        return true()
    return Job.owner_id == actor.id if actor.may_run else false()
