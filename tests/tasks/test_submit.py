from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from socket import create_server
from uuid import UUID

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from db.actor import Actor
from db.models import Batch, Blob, JobOutput
from db.repositories.submissions import NewJob
from db.session import Database
from db.states import JobState
from db.types import Lane, Origin, Visibility, utc_now
from studio.params import CutoutParams, UpscaleParams
from studio.record import RunRecord
from studio.settings import Settings
from tasks.files import StoredFile
from tasks.maintenance import drop_unused_files, purge_trash
from tasks.requests import RunItem, RunRequest
from tasks.reuse import ReuseKeys
from tasks.services import Services
from tasks.status import position, queued_counts
from tasks.submit import enqueue, submit
from tests.factories import make_blob, make_job, make_record
from tests.requests import request
from tests.rows import job_of
from tests.tasks.submitting import INTERPOLATION, new_actor, upload


def tokens(services: Services, lane: Lane) -> int:
    folder = services.settings.data_dir / "broker"
    return len(list(folder.glob(f"*.studio.{lane}.msg")))


def test_submit_one_item_is_a_queued_job_and_a_token(services: Services) -> None:
    actor, stored = new_actor(services), upload(services)
    [job_id] = submit(
        services, actor, request(INTERPOLATION, {"image": stored}, visibility=Visibility.PRIVATE)
    )
    job = job_of(services.database, job_id)
    assert (job.state, job.lane, job.visibility) == (
        JobState.QUEUED,
        Lane.CPU,
        Visibility.PRIVATE,
    )
    assert (job.owner_id, job.title, job.batch_id) == (actor.id, "cat0.png", None)
    assert job.params == INTERPOLATION.model_dump(mode="json")
    assert [(item.role, item.blob_sha256) for item in job.inputs] == [("image", stored.sha256)]
    assert tokens(services, Lane.CPU) == 1
    assert position(services, job_id) == 1
    assert queued_counts(services)[Lane.CPU] == 1


def test_submit_what_is_swept_and_purged_at_this_moment_stays(
    postgres_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = Services.from_settings(
        Settings(data_dir=tmp_path, database_url=postgres_database.url)
    )
    services.blobs.prepare()
    actor, file = new_actor(services), upload(services)
    long_ago = utc_now() - timedelta(days=40)
    with services.database.write() as session:
        parent_id = make_job(session, actor, deleted_at=long_ago).id
        session.execute(update(Blob).values(created_at=long_ago))
    cleared = []

    def clear_then_enqueue(session: Session, new_jobs: Sequence[NewJob]) -> list[UUID]:
        cleared.append((purge_trash(services), drop_unused_files(services)))
        return enqueue(session, new_jobs)

    monkeypatch.setattr("tasks.submit.enqueue", clear_then_enqueue)
    again = {"parent_id": parent_id, "origin": Origin.EDIT}
    [job_id] = submit(services, actor, request(INTERPOLATION, {"image": file}, **again))
    assert cleared == [(0, 0)]
    assert job_of(services.database, job_id).parent_id == parent_id


def test_submit_several_items_form_a_batch_in_their_order(services: Services) -> None:
    actor = new_actor(services)
    items = [{"image": upload(services, seed)} for seed in range(3)]
    job_ids = submit(services, actor, request(INTERPOLATION, *items, batch_name="cats"))
    jobs = [job_of(services.database, job_id) for job_id in job_ids]
    assert [job.title for job in jobs] == ["cat0.png", "cat1.png", "cat2.png"]
    [batch_id] = {job.batch_id for job in jobs}
    with services.database.read() as session:
        assert session.get_one(Batch, batch_id).name == "cats"
    assert [position(services, job_id) for job_id in job_ids] == [1, 2, 3]


@pytest.mark.parametrize(
    ("params", "lane"),
    [
        (CutoutParams(), Lane.GPU),
        (UpscaleParams(model="realesrgan-x4plus"), Lane.GPU),
        (INTERPOLATION, Lane.CPU),
        (UpscaleParams(model="nearest"), Lane.CPU),
        (UpscaleParams(model="interpolation", restore_model="gfpgan-1.4"), Lane.GPU),
    ],
)
def test_submit_lane_follows_the_need_for_a_network(
    services: Services, params: CutoutParams | UpscaleParams, lane: Lane
) -> None:
    item = {"image": upload(services)}
    [job_id] = submit(services, new_actor(services), request(params, item))
    assert job_of(services.database, job_id).lane is lane


def cut_out_before(services: Services, owner: Actor, image: StoredFile, **columns: object) -> str:
    """A finished cutout of ``image``; returns the digest of its alpha."""
    with services.database.write() as session:
        job = make_job(session, owner, image=make_blob(session), **columns)  # type: ignore[arg-type]
        alpha = make_blob(session)
        job.inputs[0].blob_sha256 = image.sha256
        record = RunRecord.model_validate(make_record()).model_copy(update={"weights": []})
        made = ReuseKeys(services.settings, CutoutParams()).key_of_made(
            {"image": [image.sha256]}, record
        )
        assert made is not None
        role, key = made
        session.add(
            JobOutput(
                job_id=job.id,
                role=role,
                blob_sha256=alpha.sha256,
                file_name="cat-alpha.png",
                reuse_key=key,
            )
        )
        return alpha.sha256


def test_submit_cutout_with_a_stored_alpha_needs_no_network(services: Services) -> None:
    actor, image = new_actor(services), upload(services)
    alpha = cut_out_before(services, actor, image)
    [job_id] = submit(services, actor, request(CutoutParams(feather_px=3), {"image": image}))
    job = job_of(services.database, job_id)
    assert job.lane is Lane.CPU
    assert {item.role: item.blob_sha256 for item in job.inputs} == {
        "image": image.sha256,
        "alpha": alpha,
    }
    [other_model] = submit(services, actor, request(CutoutParams(model="u2net"), {"image": image}))
    assert job_of(services.database, other_model).lane is Lane.GPU


def test_submit_cutout_never_uses_the_alpha_of_a_private_run(services: Services) -> None:
    owner, other, image = new_actor(services), new_actor(services), upload(services)
    cut_out_before(services, owner, image, visibility=Visibility.PRIVATE)
    [job_id] = submit(services, other, request(CutoutParams(), {"image": image}))
    assert job_of(services.database, job_id).lane is Lane.GPU


def test_submit_overrides_are_the_items_own_and_kept_with_its_job(services: Services) -> None:
    actor = new_actor(services)
    files = [upload(services, seed) for seed in range(3)]
    own = [{}, {"scale": 4}, {"model": "realesrgan-x4plus", "quality": 70}]
    items = [RunItem({"image": [file]}, each) for file, each in zip(files, own, strict=True)]
    job_ids = submit(services, actor, RunRequest(INTERPOLATION, items))
    jobs = [job_of(services.database, job_id) for job_id in job_ids]
    shared = INTERPOLATION.model_dump(mode="json")
    assert [job.params for job in jobs] == [shared | each for each in own]
    assert [job.model for job in jobs] == ["interpolation", "interpolation", "realesrgan-x4plus"]
    assert [job.lane for job in jobs] == [Lane.CPU, Lane.CPU, Lane.GPU]
    with services.database.read() as session:
        assert session.get_one(Batch, jobs[0].batch_id).params == shared


@contextmanager
def server_that_accepts_and_never_answers() -> Iterator[str]:
    with create_server(("127.0.0.1", 0), backlog=8) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.slow
@pytest.mark.timeout(30)  # without a bound of our own kombu tries for ever
@pytest.mark.parametrize("scheme", ["redis", "amqp"])
@pytest.mark.parametrize("is_silent", [False, True])
def test_submit_broker_out_of_reach_keeps_the_jobs_and_does_not_hang(
    services: Services, scheme: str, is_silent: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with server_that_accepts_and_never_answers() as silent:
        address = silent if is_silent else "127.0.0.1:1"
        settings = services.settings.model_copy(update={"broker_url": f"{scheme}://{address}//"})
        cut_off = Services(settings, services.database, services.blobs)
        items = [{"image": upload(services)}] * 3
        job_ids = submit(cut_off, new_actor(services), request(INTERPOLATION, *items))
    assert {job_of(services.database, job_id).state for job_id in job_ids} == {JobState.QUEUED}
    assert "out of reach" in caplog.text
