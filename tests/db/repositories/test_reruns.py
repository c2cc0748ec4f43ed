from __future__ import annotations

import pytest

from db.repositories.reruns import plan_rerun
from db.repositories.submissions import NewNeed
from db.session import Database
from tests.db.repositories.waiting import (
    add_user,
    cancel,
    enqueue,
    finish,
    must_claim,
    new_job,
    run,
)


@pytest.mark.parametrize(
    ("made_role", "needed", "is_repeated"),
    [("image", ("image", 0), False), ("alpha", ("image", 0), True), ("image", ("image", 1), True)],
)
def test_plan_rerun_repeats_a_need_that_succeeded_only_where_it_made_no_such_file(
    database: Database, made_role: str, needed: tuple[str, int], is_repeated: bool
) -> None:
    owner = add_user(database)
    another, maker = new_job(database, owner), new_job(database, owner)
    need = NewNeed(job_id=maker.id, output_role=needed[0], output_position=needed[1], role="image")
    follower = new_job(database, owner, inputs=[], needs=[need])
    enqueue(database, another)
    run(database, another, ("image", "alpha"))
    enqueue(database, maker, follower)
    held = must_claim(database, maker)
    cancel(database, follower)
    finish(database, held, (made_role,))
    with database.read() as session:
        again = plan_rerun(session, follower.id, owner.id)
    before = [maker.id, follower.id] if is_repeated else [follower.id]
    assert [job.parent_id for job in again] == before
    [open_need] = again[-1].needs
    assert open_need.job_id == (again[0].id if is_repeated else maker.id)
