"""The conditional UPDATE that every transition of jobs is."""

from __future__ import annotations

from collections import Counter
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, update
from sqlalchemy.orm import Session

from db.models import Job
from db.repositories.fair_shares import FairShareRepository
from db.states import JobState, require_transition


def transit(
    session: Session,
    conditions: tuple[ColumnElement[bool], ...],
    source: JobState,
    target: JobState,
    values: dict[str, Any],
) -> list[UUID]:
    """Move the jobs in ``source`` that meet ``conditions``, and count them; returns their ids.

    The caller holds the shares of their owners.
    """
    require_transition(source, target)
    moved = session.execute(
        update(Job)
        .where(*conditions, Job.state == source)
        .values(state=target, **values)
        .returning(Job.id, Job.owner_id, Job.lane, Job.not_before)
        .execution_options(synchronize_session=False)
    ).all()
    shares = FairShareRepository(session)
    counts = Counter((row.owner_id, row.lane) for row in moved)
    resting = Counter((row.owner_id, row.lane) for row in moved if row.not_before is not None)
    for share, count in sorted(counts.items()):
        shares.count_moves(*share, source, target, count=count, resting=resting[share])
    return [row.id for row in moved]
