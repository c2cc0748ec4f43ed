from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select

from db.models import Job
from db.repositories.blobs import BlobRepository
from db.repositories.history import JobFilters
from db.repositories.jobs import JobRepository
from db.repositories.keeping import KeepingRepository
from db.repositories.needs import NeedRepository, Steps
from db.repositories.queue import Beat, QueueRepository
from db.repositories.submissions import NewNeed
from db.session import Database
from db.states import JobState
from db.types import Lane, utc_now
from tests.db.repositories.waiting import (
    LEASE_S,
    add_user,
    after,
    assert_counters_true,
    cancel,
    claim,
    enqueue,
    finish,
    must_claim,
    new_job,
    run,
    served,
    states,
)
from tests.factories import actor_of
from tests.rows import job_of


def test_enqueue_chain_runs_in_order_and_passes_files_on(database: Database) -> None:
    owner = add_user(database)
    first = new_job(database, owner)
    second = after(database, owner, first, lane=Lane.GPU)
    third = after(database, owner, second)
    enqueue(database, first, second, third)
    assert states(database, first, second, third) == [
        JobState.QUEUED,
        JobState.WAITING,
        JobState.WAITING,
    ]
    assert claim(database, Lane.GPU) is None
    [made] = run(database, first)
    assert states(database, second, third) == [JobState.QUEUED, JobState.WAITING]
    held = must_claim(database, second)
    assert [(file.role, file.sha256) for file in held.files] == [("image", made)]
    [made] = finish(database, held)
    assert [file.blob_sha256 for file in job_of(database, third.id).inputs] == [made]
    run(database, third)
    assert states(database, third) == [JobState.SUCCEEDED]
    assert_counters_true(database)


def test_finish_of_all_but_one_need_leaves_the_job_waiting(database: Database) -> None:
    owner = add_user(database)
    parts = [new_job(database, owner) for _ in range(3)]
    joined = after(database, owner, *parts)
    enqueue(database, *parts, joined)
    made = []
    for part in parts:
        assert states(database, joined) == [JobState.WAITING]
        made += run(database, part)
    held = must_claim(database, joined)
    assert [file.sha256 for file in held.files] == made


def test_finish_hands_on_the_named_role_and_position(database: Database) -> None:
    owner = add_user(database)
    first = new_job(database, owner)
    second = new_job(
        database,
        owner,
        inputs=[],
        title="x",
        needs=[
            NewNeed(job_id=first.id, output_role="alpha", role="mask"),
            NewNeed(job_id=first.id, output_role="image", output_position=1, role="image"),
        ],
    )
    enqueue(database, first, second)
    _, alpha, other = run(database, first, ["image", "alpha", "image"])
    inputs = {file.role: file.blob_sha256 for file in job_of(database, second.id).inputs}
    assert inputs == {"mask": alpha, "image": other}
    assert states(database, second) == [JobState.QUEUED]


def test_end_of_a_run_asks_its_own_running_steps_to_stop_and_nobody_else(
    database: Database,
) -> None:
    owner = add_user(database)
    steps, final = served(database, owner, 3)
    strange = new_job(database, owner, lane=Lane.GPU)
    enqueue(database, strange)
    run(database, steps[0])
    step, other = must_claim(database, steps[1]), must_claim(database, strange)
    cancel(database, final)
    asked = [job_of(database, job.id).cancel_requested for job in (*steps, strange)]
    assert asked == [False, True, False, False]
    with database.write() as session:
        beats = [
            QueueRepository(session).heartbeat(held, progress=0, stage="", lease_s=LEASE_S)
            for held in (step, other)
        ]
    assert beats == [Beat.CANCEL, Beat.HELD]


def test_page_leaves_steps_out_and_steps_counts_them(database: Database) -> None:
    owner = add_user(database)
    steps, final = served(database, owner, 4)
    run(database, steps[0])
    held = must_claim(database, steps[1])
    with database.write() as session:
        QueueRepository(session).heartbeat(held, progress=0.5, stage="run", lease_s=LEASE_S)
    with database.read() as session:
        jobs = JobRepository(session)
        page = jobs.page(actor_of(owner), JobFilters())
        assert [row.id for row in page.rows] == [final.id]
        assert jobs.count(actor_of(owner)).value == 1
        assert jobs.get(actor_of(owner), steps[0].id) is not None
        found = NeedRepository(session).steps([final.id, steps[0].id])
    assert found == {final.id: Steps(total=4, done=1, progress=1.5)}


def test_trash_takes_steps_along_and_purge_removes_them(database: Database) -> None:
    owner = add_user(database)
    steps, final = served(database, owner, 2)
    held = must_claim(database, steps[0])
    cancel(database, final)
    later = utc_now() + timedelta(days=1)
    with database.write() as session:
        kept = KeepingRepository(session)
        assert kept.trash(actor_of(owner), final.id)
        assert kept.purge_trash(later, most_runs=10) == 0  # one of them has not stopped
    with database.write() as session:
        assert QueueRepository(session).stop(held)
        assert KeepingRepository(session).purge_trash(later, most_runs=10) == 3
        assert session.scalar(select(func.count()).select_from(Job)) == 0


def test_enqueue_after_the_need_is_done_takes_its_file_at_once(database: Database) -> None:
    owner, other = add_user(database), add_user(database)
    first, unrelated = new_job(database, owner), new_job(database, owner)
    enqueue(database, first, unrelated)
    [made] = run(database, first)
    run(database, unrelated)
    second = after(database, other, first)
    enqueue(database, second)
    job = job_of(database, second.id)
    assert (job.state, [file.blob_sha256 for file in job.inputs]) == (JobState.QUEUED, [made])
    assert_counters_true(database)


def test_enqueue_after_several_needs_are_done_takes_their_files_in_order(
    database: Database,
) -> None:
    owner = add_user(database)
    parts = [new_job(database, owner) for _ in range(3)]
    enqueue(database, *parts)
    made = [run(database, part)[0] for part in parts]
    joined = after(database, owner, *reversed(parts))
    enqueue(database, joined)
    held = must_claim(database, joined)
    assert [file.sha256 for file in held.files] == made[::-1]


def test_lanes_after_are_those_of_the_followers_that_are_queued(database: Database) -> None:
    owner = add_user(database)
    first, open_ = new_job(database, owner), new_job(database, owner)
    follower = after(database, owner, first, lane=Lane.GPU)
    still_waiting = after(database, owner, first, open_)
    enqueue(database, first, open_, follower, still_waiting)
    run(database, first)
    with database.read() as session:
        assert NeedRepository(session).lanes_after(first.id) == {Lane.GPU}
        assert NeedRepository(session).lanes_after(follower.id) == set()


def test_open_counts_are_of_the_jobs_asked_for_and_of_results_still_to_come(
    database: Database,
) -> None:
    owner = add_user(database)
    first, open_ = new_job(database, owner), new_job(database, owner)
    joined, other = after(database, owner, first, open_), after(database, owner, open_)
    enqueue(database, first, open_, joined, other)
    with database.read() as session:
        assert NeedRepository(session).open_counts([joined.id, first.id]) == {joined.id: 2}
    run(database, first)
    with database.read() as session:
        assert NeedRepository(session).open_counts([joined.id, first.id]) == {joined.id: 1}


def test_steps_and_open_counts_of_several_runs_are_of_each(database: Database) -> None:
    owner = add_user(database)
    (_, few), (_, many) = served(database, owner, 1), served(database, owner, 3)
    ids = [few.id, many.id]
    with database.read() as session:
        needs = NeedRepository(session)
        assert needs.open_counts(ids) == {few.id: 1, many.id: 3}
        assert {run: steps.total for run, steps in needs.steps(ids).items()} == {
            few.id: 1,
            many.id: 3,
        }


def test_purge_of_a_done_need_leaves_its_file_to_who_waits(database: Database) -> None:
    owner = add_user(database)
    done, open_ = new_job(database, owner), new_job(database, owner)
    joined = after(database, owner, done, open_)
    enqueue(database, done, open_, joined)
    [made] = run(database, done)
    later = utc_now() + timedelta(days=1)
    with database.write() as session:
        kept, blobs = KeepingRepository(session), BlobRepository(session)
        assert kept.trash(actor_of(owner), done.id)
        assert not kept.trash(actor_of(owner), open_.id)  # it has not ended
        assert kept.purge_trash(later, most_runs=10) == 1
        assert made not in blobs.unreferenced(later)
        assert made not in blobs.forget([made], later)
    run(database, open_)
    assert made in [file.sha256 for file in must_claim(database, joined).files]
