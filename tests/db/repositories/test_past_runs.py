from __future__ import annotations

from db.repositories.past_runs import PastRunRepository
from db.session import Database
from db.states import JobState
from db.types import Visibility, utc_now
from tests.factories import make_actor, make_blob, make_job, make_record


def test_find_outputs_takes_the_newest_of_each_key(database: Database) -> None:
    key, other_key = "a" * 64, "b" * 64
    with database.write() as session:
        actor = make_actor(session)
        first, second = make_blob(session), make_blob(session)
        make_job(session, actor, outputs={"alpha": first, "image": second}, reuse_key=key)
        newest = make_job(session, actor, outputs={"alpha": second}, reuse_key=key)
        other = make_job(session, actor, outputs={"alpha": first}, reuse_key=other_key)
        make_job(session, actor, outputs={"alpha": first})
        trashed = {"deleted_at": utc_now(), "reuse_key": key}
        make_job(session, actor, outputs={"alpha": first}, **trashed)
        past = PastRunRepository(session)
        found = past.find_outputs(actor, [key, other_key, "c" * 64])
        assert {of: (made.job_id, made.blob.sha256) for of, made in found.items()} == {
            key: (newest.id, second.sha256),
            other_key: (other.id, first.sha256),
        }
        assert not past.find_outputs(actor, [])


def test_timings_are_of_the_newest_succeeded_runs_of_this_model(database: Database) -> None:
    with database.write() as session:
        actor = make_actor(session)
        for run_s in (1.0, 2.0, 3.0):
            make_job(session, actor, record=make_record(run_s=run_s))
        make_job(session, actor, record=make_record(run_s=0.1, weights_sha256=None))
        make_job(session, actor, tool="upscale", record=make_record(run_s=9))
        make_job(session, actor, params={"model": "other"}, record=make_record(run_s=9))
        make_job(session, actor, state=JobState.FAILED)
        timings = PastRunRepository(session).timings("cutout", "isnet", limit=3)
        assert [timing.seconds["run"] for timing in timings] == [0.1, 3.0, 2.0]
        assert [timing.used_model for timing in timings] == [False, True, True]
        assert timings[0].input_megapixels == 0.31
        assert timings[0].params == {"model": "isnet"}


def test_find_private_results_is_what_private_runs_alone_made_as_their_result(
    database: Database,
) -> None:
    with database.write() as session:
        actor, other = make_actor(session), make_actor(session)
        mine, shared, mask, theirs = (make_blob(session) for _ in range(4))
        files = {"image": mine, "alpha": mask}
        make_job(session, actor, outputs=files, visibility=Visibility.PRIVATE)
        for visibility in Visibility:
            make_job(session, actor, outputs={"image": shared}, visibility=visibility)
        make_job(session, other, outputs={"image": theirs}, visibility=Visibility.PRIVATE)
        past = PastRunRepository(session)
        digests = [blob.sha256 for blob in (mine, shared, mask, theirs)]
        assert past.find_private_results(actor, digests) == {mine.sha256}


def test_has_made_is_of_the_result_alone_and_of_runs_that_the_person_may_see(
    database: Database,
) -> None:
    with database.write() as session:
        actor, other = make_actor(session), make_actor(session)
        image, mask, theirs = (make_blob(session) for _ in range(3))
        own = make_job(session, actor, outputs={"image": image, "alpha": mask}).id
        hidden = make_job(
            session, other, outputs={"image": theirs}, visibility=Visibility.PRIVATE
        ).id
        past = PastRunRepository(session)
        assert past.has_made(actor, own, [theirs.sha256, image.sha256])
        assert not past.has_made(actor, own, [mask.sha256, theirs.sha256])
        assert not past.has_made(actor, hidden, [theirs.sha256])


def test_find_private_runs_is_those_that_the_person_may_see(database: Database) -> None:
    with database.write() as session:
        actor, other = make_actor(session), make_actor(session)
        mine, shared, theirs = (
            make_job(session, owner, visibility=visibility).id
            for owner, visibility in (
                (actor, Visibility.PRIVATE),
                (actor, Visibility.TEAM),
                (other, Visibility.PRIVATE),
            )
        )
        trashed = make_job(session, actor, visibility=Visibility.PRIVATE, deleted_at=utc_now()).id
        make_job(session, actor, visibility=Visibility.PRIVATE)  # nobody asks for it
        past = PastRunRepository(session)
        found = past.find_private_runs(actor, [mine, shared, theirs, trashed])
        assert found == {mine, trashed}
