"""Who sees what is made from a private run, where nobody says so."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import or_, select

from db.actor import Actor
from db.models import Job
from db.types import Lane, Origin, Visibility
from studio.params import CutoutOutput, CutoutParams
from tasks.chains import ChainRequest, Step, submit_chain
from tasks.execute import run_next
from tasks.requests import ResultOf
from tasks.services import Services
from tasks.submit import submit
from tests.requests import request
from tests.rows import job_of
from tests.tasks.submitting import INTERPOLATION, new_actor, upload

ON_PICTURE = CutoutParams(output=CutoutOutput.PICTURE)


@pytest.fixture
def actor(services: Services) -> Actor:
    return new_actor(services)


@pytest.fixture
def private(services: Services, actor: Actor) -> UUID:
    """A private run that waits."""
    wanted = request(INTERPOLATION, {"image": upload(services)}, visibility=Visibility.PRIVATE)
    return submit(services, actor, wanted)[0]


def visibility(services: Services, job_id: UUID) -> Visibility:
    return job_of(services.database, job_id).visibility


@pytest.mark.parametrize("is_made", [False, True])
def test_submit_result_of_a_private_run_is_private(
    services: Services, actor: Actor, private: UUID, *, is_made: bool
) -> None:
    assert not is_made or run_next(services, Lane.CPU)
    wanted = request(INTERPOLATION, {"image": ResultOf(private)})
    [job_id] = submit(services, actor, wanted)
    assert visibility(services, job_id) is Visibility.PRIVATE


def test_submit_another_attempt_at_a_private_run_is_private(
    services: Services, actor: Actor, private: UUID
) -> None:
    item = {"image": upload(services)}
    wanted = request(INTERPOLATION, item, parent_id=private, origin=Origin.EDIT)
    [job_id] = submit(services, actor, wanted)
    assert visibility(services, job_id) is Visibility.PRIVATE


def test_submit_result_of_a_private_run_is_the_teams_when_that_is_said(
    services: Services, actor: Actor, private: UUID
) -> None:
    item = {"image": ResultOf(private)}
    [job_id] = submit(services, actor, request(INTERPOLATION, item, visibility=Visibility.TEAM))
    assert visibility(services, job_id) is Visibility.TEAM


def test_submit_batch_is_private_where_it_takes_of_a_private_run_alone(
    services: Services, actor: Actor, private: UUID
) -> None:
    items = [{"image": ResultOf(private)}, {"image": upload(services, 1)}]
    job_ids = submit(services, actor, request(INTERPOLATION, *items))
    seen = [visibility(services, job_id) for job_id in job_ids]
    assert seen == [Visibility.PRIVATE, Visibility.TEAM]


@pytest.mark.parametrize("step", [0, 1])
def test_chain_that_takes_of_a_private_run_in_any_step_is_private_as_a_whole(
    services: Services, actor: Actor, private: UUID, step: int
) -> None:
    takes = Step(ON_PICTURE, {"background": [ResultOf(private)]})
    steps = [Step(INTERPOLATION), Step(INTERPOLATION)]
    steps[step] = takes
    [run] = submit_chain(services, actor, ChainRequest([upload(services, 1)], steps))
    with services.database.read() as session:
        is_of_chain = or_(Job.id == run, Job.serves_id == run)
        seen = session.scalars(select(Job.visibility).where(is_of_chain)).all()
    assert seen == [Visibility.PRIVATE] * 2
