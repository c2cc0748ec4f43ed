from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from socket import create_server
from uuid import UUID, uuid4

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from db.actor import Actor
from db.models import Batch, Blob, JobOutput
from db.repositories.audit import AuditRepository
from db.repositories.submissions import NewJob
from db.repositories.tool_switches import ToolSwitchRepository
from db.session import Database
from db.states import JobState
from db.types import Lane, Origin, Role, Visibility, utc_now
from studio.errors import StudioError, UserInputError
from studio.imaging.drawing import Drawing
from studio.params import (
    CutoutParams,
    FaceswapParams,
    InpaintParams,
    MaskPreset,
    ToolParams,
    UpscaleParams,
)
from studio.record import RunRecord
from studio.settings import Settings
from studio.tools.registry import get_tool
from tasks.files import StoredFile
from tasks.maintenance import drop_unused_files, purge_trash
from tasks.permissions import consent_action
from tasks.planning import require_networks
from tasks.requests import ResultOf, RunItem, RunRequest
from tasks.reuse import ReuseKeys
from tasks.services import Services
from tasks.status import position, queued_counts
from tasks.submit import (
    DRAWING_TYPE,
    cancel,
    enqueue,
    rerun,
    store_drawing,
    store_upload,
    submit,
)
from tests.factories import make_actor, make_blob, make_job, make_record
from tests.pictures import png
from tests.requests import request
from tests.rows import job_of

INTERPOLATION = UpscaleParams(model="interpolation")


class Teleport(ToolParams):
    """Of a tool that the studio does not have."""

    tool: str = "teleport"


def new_actor(services: Services, role: Role = Role.MEMBER) -> Actor:
    with services.database.write() as session:
        return make_actor(session, role=role)


def upload(services: Services, seed: int = 0) -> StoredFile:
    return store_upload(services, f"cat{seed}.png", png(seed))


def tokens(services: Services, lane: Lane) -> int:
    folder = services.settings.data_dir / "broker"
    return len(list(folder.glob(f"*.studio.{lane}.msg")))


def refusal(call: object, *args: object, **options: object) -> str:
    with pytest.raises(StudioError) as caught:
        call(*args, **options)  # type: ignore[operator]
    return caught.value.code


def test_store_upload_picture_is_in_storage_with_its_row(services: Services) -> None:
    stored = upload(services)
    assert services.blobs.read(stored.sha256) == png()
    assert (stored.media_type, stored.width_px, stored.height_px) == ("image/png", 24, 16)
    assert upload(services) == stored


def test_store_upload_that_takes_too_long_to_read_is_ended_and_not_kept(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.imaging.confined.TIME_LIMIT_S", 0.001)
    large = png(width_px=3000, height_px=2000)
    assert refusal(store_upload, services, "cat.png", large) == "image.too_slow"
    assert not list(services.blobs.iter_digests())


def test_store_upload_reads_a_stream_of_which_some_was_read_before(services: Services) -> None:
    stream = BytesIO(png())
    stream.read(10)
    assert services.blobs.read(store_upload(services, "cat.png", stream).sha256) == png()


def test_store_upload_text_file_is_refused_and_not_kept(services: Services) -> None:
    assert refusal(store_upload, services, "cat.png", b"not a picture").startswith("image.")
    assert list(services.blobs.iter_digests()) == []


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


def test_submit_refusals_name_their_reason_and_queue_nothing(services: Services) -> None:
    actor, stored = new_actor(services), upload(services)
    viewer = new_actor(services, Role.VIEWER)
    item = {"image": stored}
    gone = StoredFile("0" * 64, "gone.png", "image/png", 1, 1)
    options = {"parent_id": uuid4(), "origin": Origin.EDIT}
    assert [
        refusal(submit, services, viewer, request(INTERPOLATION, item)),
        refusal(submit, services, actor, request(Teleport(), item)),
        refusal(submit, services, actor, request(INTERPOLATION)),
        refusal(submit, services, actor, request(INTERPOLATION, *([item] * 4))),
        refusal(submit, services, actor, request(INTERPOLATION, {})),
        refusal(submit, services, actor, request(INTERPOLATION, item | {"mask": stored})),
        refusal(submit, services, actor, request(CutoutParams(), item | {"alpha": stored})),
        refusal(submit, services, actor, request(INTERPOLATION, {"image": gone})),
        refusal(submit, services, actor, request(INTERPOLATION, item, **options)),
    ] == [
        "permission.may_not_run",
        "tool.unknown",
        "submit.empty",
        "submit.too_many",
        "submit.role",
        "submit.role",
        "submit.role",
        "submit.expired",
        "job.not_found",
    ]
    assert set(queued_counts(services).values()) == {0}


def test_submit_tells_files_that_are_missing_from_those_it_cannot_use(services: Services) -> None:
    actor, stored = new_actor(services), upload(services)
    said = []
    for files in ({"background": stored}, {"image": stored, "mask": stored}):
        with pytest.raises(UserInputError) as refused:
            submit(services, actor, request(CutoutParams(), files))
        said.append(str(refused.value.reason))
    assert said == ["Cutout has no file as image", "Cutout cannot use files as mask"]


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


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ({"scale": 5}, "cat1.png: item 2, scale: "),
        ({"shade": 1}, "cat1.png: item 2, shade: "),
        ({"tool": "cutout"}, "cat1.png: item 2, tool: "),
    ],
)
def test_submit_override_that_is_no_parameter_names_item_and_file_and_queues_nothing(
    services: Services, overrides: dict[str, object], words: str
) -> None:
    items = [RunItem({"image": [upload(services, 0)]}), RunItem({"image": [upload(services, 1)]})]
    items[1] = RunItem(items[1].files, overrides)
    with pytest.raises(UserInputError) as caught:
        submit(services, new_actor(services), RunRequest(INTERPOLATION, items))
    assert caught.value.code == "params.invalid"
    assert str(caught.value).startswith(words)
    assert set(queued_counts(services).values()) == {0}


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


def test_submit_without_what_the_tool_says_is_lacking_is_refused_at_once(
    services: Services,
) -> None:
    actor, image = new_actor(services), upload(services)
    with pytest.raises(UserInputError) as caught:
        submit(services, actor, request(InpaintParams(), {"image": image}))
    assert (caught.value.code, caught.value.file_name) == ("inpaint.nothing_masked", "cat0.png")

    masked = InpaintParams(preset=MaskPreset.CENTRE)
    [first] = submit(services, actor, request(masked, {"image": image}))
    to_come = {"image": ResultOf(first)}
    assert refusal(submit, services, actor, request(InpaintParams(), to_come)) == (
        "inpaint.nothing_masked"
    )
    one_without = [RunItem({"image": [image]}), RunItem({"image": [image]}, {"preset": "none"})]
    asked = RunRequest(masked, one_without)
    assert refusal(submit, services, actor, asked) == "inpaint.nothing_masked"
    assert submit(services, actor, request(InpaintParams(), to_come | {"mask": image}))


def test_rerun_of_what_lacked_something_is_refused_at_once(services: Services) -> None:
    owner = new_actor(services)
    with services.database.write() as session:
        job = make_job(session, owner, tool="inpaint", params={"model": "auto"})
    assert refusal(rerun, services, owner, job.id) == "inpaint.nothing_masked"


@pytest.mark.parametrize(
    ("params", "code"),
    [
        (UpscaleParams(model="nonsense"), "model.unknown"),
        (UpscaleParams(restore_model="nonsense"), "model.unknown"),
        (UpscaleParams(model="isnet"), "model.other_tool"),
        (FaceswapParams(restore_model="isnet"), "model.other_tool"),
    ],
)
def test_submit_and_rerun_with_a_network_that_cannot_do_are_refused_at_once(
    services: Services, params: ToolParams, code: str
) -> None:
    actor, image = new_actor(services), upload(services)
    if get_tool(params.tool).consent:
        with services.database.write() as session:
            AuditRepository(session).record(actor.id, consent_action(params.tool), "")
    files = {role: image for role in get_tool(params.tool).required_roles}
    assert refusal(submit, services, actor, request(params, files)) == code
    with services.database.write() as session:
        job = make_job(session, actor, tool=params.tool, params=params.model_dump(mode="json"))
    assert refusal(rerun, services, actor, job.id) == code


def test_require_networks_of_one_that_is_gone_passes_a_run_that_opens_none() -> None:
    gone = CutoutParams(model="gone")
    assert refusal(require_networks, gone, ["image"]) == "model.unknown"
    require_networks(gone, ["image", "alpha"])


@contextmanager
def server_that_accepts_and_never_answers() -> Iterator[str]:
    with create_server(("127.0.0.1", 0), backlog=8) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


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


def consent(services: Services, actor: Actor) -> None:
    with services.database.write() as session:
        AuditRepository(session).record(actor.id, consent_action("faceswap"), actor.name)


def test_submit_without_consent_is_refused_for_each_person_and_on_every_way(
    services: Services,
) -> None:
    ann, bob = new_actor(services), new_actor(services, Role.ADMIN)
    item = {"image": upload(services), "source": [upload(services, 1)]}
    swap = (services, ann, request(FaceswapParams(), item))
    assert refusal(submit, *swap) == "consent.missing"
    consent(services, ann)
    [job_id] = submit(*swap)
    assert refusal(rerun, services, bob, job_id) == "consent.missing"
    consent(services, bob)
    rerun(services, bob, job_id)


def test_submit_switched_off_tool_is_refused_and_others_are_not(services: Services) -> None:
    actor, item = new_actor(services), {"image": upload(services)}
    [job_id] = submit(services, actor, request(INTERPOLATION, item))
    with services.database.write() as session:
        ToolSwitchRepository(session).switch("upscale", is_on=False, changed_by=actor.id)
    assert refusal(submit, services, actor, request(INTERPOLATION, item)) == ("tool.switched_off")
    assert refusal(rerun, services, actor, job_id) == "tool.switched_off"
    submit(services, actor, request(CutoutParams(), item))


def test_store_drawing_is_kept_as_it_renders_and_damage_is_refused(services: Services) -> None:
    drawing = Drawing(width_px=40, height_px=30)
    stored = store_drawing(services, "mask.json", drawing.to_bytes())
    assert services.blobs.read(stored.sha256) == drawing.to_bytes()
    assert (stored.media_type, stored.width_px, stored.height_px) == (DRAWING_TYPE, 40, 30)
    assert refusal(store_drawing, services, "mask.json", b"{") == "drawing.unreadable"
    most = services.settings.max_upload_bytes
    too_many = b" " * (most + 1)
    assert refusal(store_drawing, services, "mask.json", too_many) == "image.too_many_bytes"
