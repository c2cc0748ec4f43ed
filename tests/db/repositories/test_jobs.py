from __future__ import annotations

from uuid import uuid4

from db.repositories.jobs import JobRepository
from db.session import Database
from db.types import Origin
from tests.factories import make_actor, make_blob, make_job, make_record, make_user


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


def test_children_made_by_a_step_are_the_run_it_serves_once(database: Database) -> None:
    with database.write() as session:
        actor = make_actor(session)
        source, chain = make_job(session, actor), make_job(session, actor)
        for parent in (source, source, chain):
            make_job(session, actor, parent_id=parent.id, serves_id=chain.id)
        jobs = JobRepository(session)
        assert [row.id for row in jobs.children(actor, source.id)] == [chain.id]


def test_owners_are_those_with_a_visible_run_by_name(database: Database) -> None:
    with database.write() as session:
        zoe, bob = make_user(session, "zoe"), make_user(session, "bob")
        make_user(session, "idle")
        for owner in (zoe, zoe, bob):
            make_job(session, owner)
        owners = JobRepository(session).owners(make_actor(session, "ann"))
        assert [(person.id, person.name) for person in owners] == [(bob.id, "bob"), (zoe.id, "zoe")]
