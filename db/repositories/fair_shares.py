"""Who goes next: one row for each user and lane, counted in the transaction of each move.

Whoever moves jobs first locks their owner's rows, all of them, as the end of one job may
queue or cancel others in any lane; a claim moves one job and locks the row of its lane alone.
Whoever needs several rows locks them in the order of user and lane. That keeps the counters
exact and the transactions free of deadlocks. A queued job that rests is in no counter until
it is due, so what a counter promises can be claimed.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ColumnElement, ScalarSelect, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import InstrumentedAttribute, Session

from db.models import FairShare, Job
from db.repositories.clock import instant
from db.repositories.dialect import is_postgresql, lock_table
from db.states import UNFINISHED, JobState
from db.types import Lane

FAIR_ORDER = (FairShare.running, FairShare.served_at.nulls_first(), FairShare.user_id)
"""Fewest running jobs first, then least recently served; never served comes first."""

DUE = (Job.state == JobState.QUEUED, Job.not_before.is_(None))
"""Conditions of the jobs that ``queued`` counts; resting ones are not among them."""


class FairShareRepository:
    """Reads and keeps the counters; never moves a job."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def lock_fairest(self, lane: Lane) -> UUID | None:
        """The user of ``lane`` who goes next, locked; None when nobody has queued work.

        Skipping locked users keeps claimers apart. When every user with work is locked,
        waiting for one of them avoids reporting an empty queue.
        """
        fairest = (
            select(FairShare.user_id)
            .where(FairShare.lane == lane, FairShare.queued > 0)
            .order_by(*FAIR_ORDER)
            .limit(1)
        )
        return self._session.scalar(
            fairest.with_for_update(skip_locked=True)
        ) or self._session.scalar(fairest.with_for_update())

    def lock(self, user_id: UUID) -> None:
        """Keep everybody else from moving this user's jobs."""
        self._session.execute(
            select(FairShare.lane)
            .where(FairShare.user_id == user_id)
            .order_by(FairShare.lane)
            .with_for_update()
        )

    def make_and_lock(self, user_id: UUID) -> None:
        """As ``lock``, for every lane, also those that the user has never had a job in."""
        self._add([{"user_id": user_id, "lane": lane, "queued": 0} for lane in sorted(Lane)])

    def add_queued(self, user_id: UUID, lane: Lane, count: int) -> None:
        """Count ``count`` new queued jobs, making and locking the row."""
        self._add([{"user_id": user_id, "lane": lane, "queued": count}])

    def _add(self, rows: list[dict[str, object]]) -> None:
        dialect = postgresql if is_postgresql(self._session) else sqlite
        insert = dialect.insert(FairShare).values([row | {"running": 0} for row in rows])
        self._session.execute(
            insert.on_conflict_do_update(
                index_elements=[FairShare.user_id, FairShare.lane],
                set_={"queued": FairShare.queued + insert.excluded.queued},
            )
        )

    def count_moves(
        self,
        user_id: UUID,
        lane: Lane,
        source: JobState,
        target: JobState,
        *,
        count: int,
        resting: int,
    ) -> None:
        """Count ``count`` jobs that went from ``source`` to ``target``; so many of them rest."""
        queued = (count - resting) * _change(JobState.QUEUED, source, target)
        running = count * _change(JobState.RUNNING, source, target)
        if not queued and not running:
            return
        values: dict[str, object] = {
            "queued": FairShare.queued + queued,
            "running": FairShare.running + running,
        }
        if target is JobState.RUNNING:
            values["served_at"] = instant(self._session)
        self._update(user_id, lane, values)

    def recount(self, user_id: UUID, lane: Lane) -> None:
        """Derive one row from the jobs; the caller holds its lock."""
        self._update(
            user_id,
            lane,
            {
                "queued": _count(user_id, lane, *DUE),
                "running": _count(user_id, lane, Job.state == JobState.RUNNING),
            },
        )

    def rebuild(self) -> None:
        """Derive all rows from the jobs; ``served_at`` is kept.

        Every move locks its row before its job, so with the table locked none is half-way.
        """
        lock_table(self._session, FairShare)
        unfinished = Job.state.in_(UNFINISHED)
        for user_id, lane in self._session.execute(
            select(Job.owner_id, Job.lane).where(unfinished).distinct()
        ).all():
            self.add_queued(user_id, lane, 0)
        for user_id, lane in self._session.execute(select(FairShare.user_id, FairShare.lane)).all():
            self.recount(user_id, lane)

    def queued_counts(self) -> dict[Lane, int]:
        """Jobs that could start now by lane, lanes without any included."""
        return self._counts(FairShare.queued)

    def running_counts(self) -> dict[Lane, int]:
        """Jobs that run by lane, those of workers that are lost too, lanes without any included."""
        return self._counts(FairShare.running)

    def _counts(self, column: InstrumentedAttribute[int]) -> dict[Lane, int]:
        rows = self._session.execute(
            select(FairShare.lane, func.sum(column)).group_by(FairShare.lane)
        )
        return {lane: 0 for lane in Lane} | {lane: int(count) for lane, count in rows}

    def turns_before(self, user_id: UUID, lane: Lane, own_turn: int) -> int:
        """Jobs of other users that start before this user's ``own_turn``-th one.

        Everybody who goes before the user has at most ``own_turn`` turns until then,
        everybody who goes after has one less.
        """
        shares = self._session.execute(
            select(FairShare.user_id, FairShare.queued)
            .where(FairShare.lane == lane, FairShare.queued > 0)
            .order_by(*FAIR_ORDER)
        )
        turns, before = own_turn, 0
        for other_id, queued in shares:
            if other_id == user_id:
                turns = own_turn - 1
            else:
                before += min(queued, turns)
        return before

    def _update(self, user_id: UUID, lane: Lane, values: dict[str, object]) -> None:
        self._session.execute(
            update(FairShare)
            .where(FairShare.user_id == user_id, FairShare.lane == lane)
            .values(**values)
            .execution_options(synchronize_session=False)
        )


def _change(state: JobState, source: JobState, target: JobState) -> int:
    return (target is state) - (source is state)


def _count(user_id: UUID, lane: Lane, *conditions: ColumnElement[bool]) -> ScalarSelect[int]:
    return (
        select(func.count())
        .select_from(Job)
        .where(Job.owner_id == user_id, Job.lane == lane, *conditions)
        .scalar_subquery()
    )
