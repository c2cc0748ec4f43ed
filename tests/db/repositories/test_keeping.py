from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from db.actor import Actor
from db.models import SEARCH_TEXT_CHARS, JobInput, JobOutput
from db.repositories.history import JobFilters
from db.repositories.jobs import JobRepository
from db.repositories.keeping import KeepingRepository
from db.session import Database
from db.states import JobState
from db.types import Origin, Role, Visibility, utc_now
from tests.factories import make_actor, make_blob, make_job, make_user

LONG_AGO = utc_now() - timedelta(days=31)


def test_trash_hides_a_run_and_restore_brings_it_back(database: Database) -> None:
    with database.write() as session:
        actor = make_actor(session)
        job = make_job(session, actor)
        jobs, kept = JobRepository(session), KeepingRepository(session)
        assert kept.trash(actor, job.id)
        assert not kept.trash(actor, job.id)
        assert jobs.page(actor).rows == []
        assert [row.id for row in jobs.page(actor, JobFilters(trashed=True)).rows] == [job.id]
        assert jobs.get(actor, job.id) is not None

        assert kept.restore(actor, job.id)
        assert not kept.restore(actor, job.id)
        assert [row.id for row in jobs.page(actor).rows] == [job.id]


@pytest.mark.parametrize("state", [JobState.QUEUED, JobState.RUNNING])
def test_trash_refuses_a_run_that_is_not_finished(database: Database, state: JobState) -> None:
    with database.write() as session:
        actor = make_actor(session)
        assert not KeepingRepository(session).trash(actor, make_job(session, actor, state=state).id)


@pytest.mark.parametrize(
    ("is_owner", "role", "may"),
    [
        (True, Role.MEMBER, True),
        (True, Role.VIEWER, False),
        (False, Role.MEMBER, False),
        (False, Role.ADMIN, True),
    ],
)
def test_team_run_is_changed_by_its_owner_and_admins_alone(
    database: Database, is_owner: bool, role: Role, may: bool
) -> None:
    with database.write() as session:
        actor = make_actor(session, role=role)
        job = make_job(session, actor if is_owner else make_user(session))
        kept = KeepingRepository(session)
        assert kept.set_starred(actor, job.id, True) is may
        assert kept.set_note(actor, job.id, " for the print ") is may
        assert kept.change_tags(actor, job.id, lambda _tags: ["print", " print", "", "A4"]) is may
        assert kept.trash(actor, job.id) is may
        session.refresh(job)
        assert job.starred is may
        assert job.note == ("for the print" if may else "")
        assert job.tags == (["print", "A4"] if may else [])
        assert (job.deleted_at is not None) is may


def test_note_and_tags_become_searchable_and_stop_to_be(database: Database) -> None:
    with database.write() as session:
        actor = make_actor(session)
        job = make_job(session, actor, file_name="cat.jpg")
        jobs, kept = JobRepository(session), KeepingRepository(session)

        def finds(text: str) -> bool:
            return [row.id for row in jobs.page(actor, JobFilters(text=text)).rows] == [job.id]

        kept.set_note(actor, job.id, "Straße am Abend")
        kept.change_tags(actor, job.id, lambda _tags: ["Winter"])
        assert finds("STRASSE winter cat")
        kept.set_note(actor, job.id, "")
        assert finds("winter")
        assert not finds("strasse")


def test_long_note_is_kept_whole_and_searched_by_its_beginning(database: Database) -> None:
    with database.write() as session:
        actor = make_actor(session)
        job = make_job(session, actor)
        note = "😀 " * SEARCH_TEXT_CHARS
        assert KeepingRepository(session).set_note(actor, job.id, note)
        session.refresh(job)
        assert job.note == note.strip()
        assert len(job.search_text) == SEARCH_TEXT_CHARS


def test_purge_trash_deletes_old_trash_with_its_files_rows_and_nothing_else(
    database: Database,
) -> None:
    now = utc_now()
    with database.write() as session:
        actor = make_actor(session)
        old = make_job(
            session,
            actor,
            deleted_at=now - timedelta(days=31),
            outputs={"image": make_blob(session)},
        )
        fresh = make_job(session, actor, deleted_at=now - timedelta(days=29))
        live = make_job(session, actor, parent_id=old.id, origin=Origin.RERUN)
        jobs, kept = JobRepository(session), KeepingRepository(session)
        assert kept.purge_trash(now - timedelta(days=30), most_runs=10) == 1
        session.expire_all()
        assert jobs.get(actor, old.id) is None
        assert jobs.get(actor, fresh.id) is not None
        child = jobs.get(actor, live.id)
        assert child is not None
        assert child.parent_id is None
        assert session.query(JobInput).filter_by(job_id=old.id).count() == 0
        assert session.query(JobOutput).filter_by(job_id=old.id).count() == 0
        assert kept.purge_trash(now - timedelta(days=30), most_runs=10) == 0


def test_purge_trash_leaves_a_run_that_is_taken_out_at_this_moment(
    postgres_database: Database,
) -> None:
    with postgres_database.write() as session:
        actor = make_actor(session)
        job_id = make_job(session, actor, deleted_at=LONG_AGO).id
    with postgres_database.write() as restoring:
        assert KeepingRepository(restoring).restore(actor, job_id)
        with postgres_database.write() as session:
            session.execute(text("SET LOCAL lock_timeout = '5s'"))
            assert KeepingRepository(session).purge_trash(utc_now(), most_runs=10) == 0


def test_purge_trash_leaves_a_run_that_a_new_one_is_about_to_name(
    postgres_database: Database,
) -> None:
    with postgres_database.write() as session:
        actor = make_actor(session)
        job_id = make_job(session, actor, deleted_at=LONG_AGO).id
    with postgres_database.write() as naming:
        [held] = JobRepository(naming).hold(actor, [job_id])
        with postgres_database.write() as session:
            session.execute(text("SET LOCAL lock_timeout = '5s'"))
            assert KeepingRepository(session).purge_trash(utc_now(), most_runs=10) == 0
        make_job(naming, actor, parent_id=held.id)


@pytest.mark.parametrize("held", ["run", "step"])
def test_purge_trash_leaves_a_run_with_its_steps_while_any_of_them_is_held(
    postgres_database: Database, held: str
) -> None:
    with postgres_database.write() as session:
        actor = make_actor(session)
        run_id, step_id = trashed_with_step(session, actor)
    with postgres_database.write() as naming:
        JobRepository(naming).hold_ids(actor, {run_id if held == "run" else step_id})
        with postgres_database.write() as session:
            session.execute(text("SET LOCAL lock_timeout = '5s'"))
            assert KeepingRepository(session).purge_trash(utc_now(), most_runs=10) == 0
    with postgres_database.write() as session:
        assert JobRepository(session).hold_ids(actor, {run_id, step_id}) == {run_id, step_id}
        assert KeepingRepository(session).purge_trash(utc_now(), most_runs=10) == 2


def test_purge_trash_leaves_a_run_of_which_a_step_was_restored(database: Database) -> None:
    with database.write() as session:
        actor = make_actor(session)
        _, step_id = trashed_with_step(session, actor)
        kept = KeepingRepository(session)
        assert kept.restore(actor, step_id)
        assert kept.purge_trash(utc_now(), most_runs=10) == 0
        assert kept.trash(actor, step_id)
        assert kept.purge_trash(utc_now() - timedelta(days=1), most_runs=10) == 2


def test_purge_trash_limit_leaves_no_run_without_its_steps(database: Database) -> None:
    with database.write() as session:
        actor = make_actor(session)
        families = [set(trashed_with_step(session, actor)) for _ in range(2)]
        assert KeepingRepository(session).purge_trash(utc_now(), most_runs=1) == 2
        left = JobRepository(session).hold_ids(actor, families[0] | families[1])
        assert left in families


def trashed_with_step(session: Session, actor: Actor) -> tuple[UUID, UUID]:
    """A run that is long in the trash, and the one step of it."""
    run = make_job(session, actor, deleted_at=LONG_AGO)
    return run.id, make_job(session, actor, deleted_at=LONG_AGO, serves_id=run.id).id


def test_hold_ids_holds_visible_runs_alone_until_new_ones_name_them(
    postgres_database: Database,
) -> None:
    with postgres_database.write() as session:
        actor, other = make_actor(session), make_actor(session)
        job_ids = {make_job(session, actor, deleted_at=LONG_AGO).id for _ in range(2)}
        hidden = make_job(session, other, visibility=Visibility.PRIVATE).id
    with postgres_database.write() as naming:
        assert JobRepository(naming).hold_ids(actor, {*job_ids, hidden}) == job_ids
        with postgres_database.write() as session:
            session.execute(text("SET LOCAL lock_timeout = '5s'"))
            assert KeepingRepository(session).purge_trash(utc_now(), most_runs=10) == 0
