from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy.exc import IntegrityError

from db.models import SEARCH_TEXT_CHARS, JobInput, JobOutput
from db.repositories.history import JobFilters
from db.repositories.jobs import JobRepository, NewInput, NewJob
from db.session import Database
from db.states import JobState
from db.types import Lane, Origin, Role, Visibility, utc_now
from tests.factories import make_actor, make_blob, make_job, make_record, make_user


def test_add_titles_the_run_after_its_first_file_and_keeps_its_inputs(database: Database) -> None:
    with database.write() as session:
        user = make_actor(session)
        image, background = make_blob(session), make_blob(session)
        jobs = JobRepository(session)
        added = jobs.add(
            NewJob(
                owner_id=user.id,
                tool="cutout",
                method="isnet",
                params={"model": "isnet", "output": "picture"},
                params_version=3,
                lane=Lane.CPU,
                inputs=[
                    NewInput(role="image", blob_sha256=image.sha256, file_name="Cat.JPG"),
                    NewInput(role="background", blob_sha256=background.sha256, file_name="sky.png"),
                ],
                batch=jobs.add_batch(owner_id=user.id, name="Spring", tool="cutout", params={}),
                visibility=Visibility.PRIVATE,
                priority=2,
            )
        )
        job_id = added.id
    with database.read() as session:
        job = JobRepository(session).get(user, job_id)
        assert job is not None
        assert (job.title, job.model, job.state) == ("Cat.JPG", "isnet", JobState.QUEUED)
        assert (job.lane, job.params_version, job.priority) == (Lane.CPU, 3, 2)
        assert job.visibility is Visibility.PRIVATE
        assert job.search_text.split() == ["cat.jpg", "isnet", "spring"]
        assert {item.role: item.blob.sha256 for item in job.inputs} == {
            "image": image.sha256,
            "background": background.sha256,
        }


def test_add_with_a_blob_that_is_not_there_is_refused(database: Database) -> None:
    def add() -> None:
        with database.write() as session:
            JobRepository(session).add(
                NewJob(
                    owner_id=make_user(session).id,
                    tool="cutout",
                    method="isnet",
                    params={},
                    params_version=1,
                    lane=Lane.GPU,
                    inputs=[NewInput(role="image", blob_sha256="f" * 64, file_name="a.png")],
                )
            )

    with pytest.raises(IntegrityError):
        add()


def test_get_loads_all_that_a_runs_page_shows(database: Database) -> None:
    with database.write() as session:
        actor = make_actor(session, "ann")
        result = make_blob(session)
        job_id = make_job(session, actor, outputs={"image": result}).id
    with database.read() as session:
        job = JobRepository(session).get(actor, job_id)
    assert job is not None  # and is complete, although its session is closed
    assert job.owner.name == "ann"
    assert [item.blob.media_type for item in job.inputs] == ["image/png"]
    assert [item.blob.sha256 for item in job.outputs] == [result.sha256]
    assert job.record == make_record()


def test_get_of_an_unknown_run_is_none(database: Database) -> None:
    with database.write() as session:
        actor = make_actor(session)
        assert JobRepository(session).get(actor, uuid4()) is None


def test_trash_hides_a_run_and_restore_brings_it_back(database: Database) -> None:
    with database.write() as session:
        actor = make_actor(session)
        job = make_job(session, actor)
        jobs = JobRepository(session)
        assert jobs.trash(actor, job.id)
        assert not jobs.trash(actor, job.id)
        assert jobs.page(actor).rows == []
        assert [row.id for row in jobs.page(actor, JobFilters(trashed=True)).rows] == [job.id]
        assert jobs.get(actor, job.id) is not None

        assert jobs.restore(actor, job.id)
        assert not jobs.restore(actor, job.id)
        assert [row.id for row in jobs.page(actor).rows] == [job.id]


@pytest.mark.parametrize("state", [JobState.QUEUED, JobState.RUNNING])
def test_trash_refuses_a_run_that_is_not_finished(database: Database, state: JobState) -> None:
    with database.write() as session:
        actor = make_actor(session)
        assert not JobRepository(session).trash(actor, make_job(session, actor, state=state).id)


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
        jobs = JobRepository(session)
        assert jobs.set_starred(actor, job.id, True) is may
        assert jobs.set_note(actor, job.id, " for the print ") is may
        assert jobs.set_tags(actor, job.id, ["print", " print", "", "A4"]) is may
        assert jobs.trash(actor, job.id) is may
        session.refresh(job)
        assert job.starred is may
        assert job.note == ("for the print" if may else "")
        assert job.tags == (["print", "A4"] if may else [])
        assert (job.deleted_at is not None) is may


def test_note_and_tags_become_searchable_and_stop_to_be(database: Database) -> None:
    with database.write() as session:
        actor = make_actor(session)
        job = make_job(session, actor, file_name="cat.jpg")
        jobs = JobRepository(session)

        def finds(text: str) -> bool:
            return [row.id for row in jobs.page(actor, JobFilters(text=text)).rows] == [job.id]

        jobs.set_note(actor, job.id, "Straße am Abend")
        jobs.set_tags(actor, job.id, ["Winter"])
        assert finds("STRASSE winter cat")
        jobs.set_note(actor, job.id, "")
        assert finds("winter")
        assert not finds("strasse")


def test_long_note_is_kept_whole_and_searched_by_its_beginning(database: Database) -> None:
    with database.write() as session:
        actor = make_actor(session)
        job = make_job(session, actor)
        note = "😀 " * SEARCH_TEXT_CHARS
        assert JobRepository(session).set_note(actor, job.id, note)
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
        jobs = JobRepository(session)
        assert jobs.purge_trash(now - timedelta(days=30)) == 1
        session.expire_all()
        assert jobs.get(actor, old.id) is None
        assert jobs.get(actor, fresh.id) is not None
        child = jobs.get(actor, live.id)
        assert child is not None
        assert child.parent_id is None
        assert session.query(JobInput).filter_by(job_id=old.id).count() == 0
        assert session.query(JobOutput).filter_by(job_id=old.id).count() == 0
        assert jobs.purge_trash(now - timedelta(days=30)) == 0


def test_find_output_takes_the_newest_of_same_picture_and_model(database: Database) -> None:
    with database.write() as session:
        actor = make_actor(session)
        image = make_blob(session)
        first, second = make_blob(session), make_blob(session)
        make_job(session, actor, image=image, outputs={"alpha": first, "image": make_blob(session)})
        newest = make_job(session, actor, image=image, outputs={"alpha": second})
        make_job(session, actor, image=image, params={"model": "other"}, outputs={"alpha": first})
        make_job(session, actor, outputs={"alpha": first})
        make_job(session, actor, image=image, outputs={"image": first})
        jobs = JobRepository(session)
        found = jobs.find_output(actor, image.sha256, "alpha", method="isnet")
        assert found is not None
        assert (found.job_id, found.blob.sha256) == (newest.id, second.sha256)
        assert jobs.find_output(actor, image.sha256, "alpha", method="u2net") is None


def test_find_output_can_insist_on_the_weights(database: Database) -> None:
    with database.write() as session:
        actor = make_actor(session)
        image = make_blob(session)
        older, newer = make_blob(session), make_blob(session)
        for alpha, weights_sha256 in ((older, "a" * 64), (newer, "b" * 64)):
            record = make_record(weights_sha256=weights_sha256)
            make_job(session, actor, image=image, outputs={"alpha": alpha}, record=record)
        jobs = JobRepository(session)
        found = jobs.find_output(
            actor, image.sha256, "alpha", method="isnet", weights_sha256="a" * 64
        )
        assert found is not None
        assert found.blob.sha256 == older.sha256
        assert (
            jobs.find_output(actor, image.sha256, "alpha", method="isnet", weights_sha256="c" * 64)
            is None
        )


def test_timings_are_of_the_newest_succeeded_runs_of_this_model(database: Database) -> None:
    with database.write() as session:
        actor = make_actor(session)
        for run_s in (1.0, 2.0, 3.0):
            make_job(session, actor, record=make_record(run_s=run_s))
        make_job(session, actor, record=make_record(run_s=0.1, weights_sha256=None))
        make_job(session, actor, tool="upscale", record=make_record(run_s=9))
        make_job(session, actor, params={"model": "other"}, record=make_record(run_s=9))
        make_job(session, actor, state=JobState.FAILED)
        timings = JobRepository(session).timings("cutout", "isnet", limit=3)
        assert [timing.seconds["run"] for timing in timings] == [0.1, 3.0, 2.0]
        assert [timing.used_model for timing in timings] == [False, True, True]
        assert timings[0].input_megapixels == 0.31
        assert timings[0].params == {"model": "isnet"}


def test_lineage_leads_forwards_and_backwards(database: Database) -> None:
    with database.write() as session:
        actor = make_actor(session)
        cutout = make_job(session, actor)
        enlarged = make_job(session, actor, parent_id=cutout.id, origin=Origin.MADE_FROM)
        again = make_job(session, actor, parent_id=enlarged.id, origin=Origin.RERUN)
        other = make_job(session, actor, parent_id=cutout.id, origin=Origin.EDIT)
        jobs = JobRepository(session)
        assert [row.id for row in jobs.children(actor, cutout.id)] == [other.id, enlarged.id]
        assert [row.id for row in jobs.ancestors(actor, again.id)] == [enlarged.id, cutout.id]
        assert jobs.ancestors(actor, cutout.id) == []


def test_owners_are_those_with_a_visible_run_by_name(database: Database) -> None:
    with database.write() as session:
        zoe, bob = make_user(session, "zoe"), make_user(session, "bob")
        make_user(session, "idle")
        for owner in (zoe, zoe, bob):
            make_job(session, owner)
        owners = JobRepository(session).owners(make_actor(session, "ann"))
        assert [(person.id, person.name) for person in owners] == [(bob.id, "bob"), (zoe.id, "zoe")]
