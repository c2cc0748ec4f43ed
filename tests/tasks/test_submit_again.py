from __future__ import annotations

from uuid import uuid4

from db.states import JobState
from db.types import Origin, Role, Visibility
from studio.params import UpscaleParams
from tasks.services import Services
from tasks.submit import cancel, rerun, submit
from tests.requests import request
from tests.rows import job_of
from tests.tasks.submitting import INTERPOLATION, new_actor, refusal, upload


def test_cancel_is_for_the_owner_and_admins(services: Services) -> None:
    owner, other = new_actor(services), new_actor(services)
    admin = new_actor(services, Role.ADMIN)
    items = [{"image": upload(services)}] * 2
    first, second = submit(services, owner, request(INTERPOLATION, *items))
    assert refusal(cancel, services, other, first) == "permission.not_owner"
    assert refusal(cancel, services, owner, uuid4()) == "job.not_found"
    assert cancel(services, owner, first)
    assert not cancel(services, owner, first)
    assert cancel(services, admin, second)
    assert job_of(services.database, second).state is JobState.CANCELLED


def test_cancel_private_run_of_another_is_not_found(services: Services) -> None:
    owner, other = new_actor(services), new_actor(services)
    [job_id] = submit(
        services,
        owner,
        request(INTERPOLATION, {"image": upload(services)}, visibility=Visibility.PRIVATE),
    )
    assert refusal(cancel, services, other, job_id) == "job.not_found"


def test_rerun_has_the_same_inputs_and_parameters(services: Services) -> None:
    owner, other = new_actor(services), new_actor(services)
    viewer = new_actor(services, Role.VIEWER)
    [job_id] = submit(services, owner, request(UpscaleParams(scale=4), {"image": upload(services)}))
    again = job_of(services.database, rerun(services, other, job_id))
    first = job_of(services.database, job_id)
    assert (again.owner_id, again.parent_id, again.origin) == (other.id, job_id, Origin.RERUN)
    assert (again.params, again.lane, again.title) == (first.params, first.lane, first.title)
    assert [(item.role, item.blob_sha256) for item in again.inputs] == [
        (item.role, item.blob_sha256) for item in first.inputs
    ]
    assert refusal(rerun, services, viewer, job_id) == "permission.may_not_run"
