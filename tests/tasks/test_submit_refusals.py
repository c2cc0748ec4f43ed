from __future__ import annotations

from uuid import uuid4

import pytest

from db.actor import Actor
from db.repositories.audit import AuditRepository
from db.repositories.tool_switches import ToolSwitchRepository
from db.types import Origin, Role
from studio.errors import UserInputError
from studio.params import (
    CutoutParams,
    FaceswapParams,
    InpaintParams,
    MaskPreset,
    ToolParams,
    UpscaleParams,
)
from studio.tools.registry import get_tool
from tasks.files import StoredFile
from tasks.permissions import consent_action
from tasks.planning import require_networks
from tasks.requests import ResultOf, RunItem, RunRequest
from tasks.services import Services
from tasks.status import queued_counts
from tasks.submit import rerun, store_upload, submit
from tests.factories import make_job
from tests.pictures import png
from tests.requests import request
from tests.tasks.submitting import INTERPOLATION, new_actor, refusal, upload


class Teleport(ToolParams):
    """Of a tool that the studio does not have."""

    tool: str = "teleport"


def test_submit_refusals_name_their_reason_and_queue_nothing(services: Services) -> None:
    actor, stored = new_actor(services), upload(services)
    viewer = new_actor(services, Role.VIEWER)
    item = {"image": stored}
    other = store_upload(services, "other.png", png(0, 16, 24))
    gone = StoredFile("0" * 64, "gone.png", "image/png", 1, 1)
    options = {"parent_id": uuid4(), "origin": Origin.EDIT}
    assert [
        refusal(submit, services, viewer, request(INTERPOLATION, item)),
        refusal(submit, services, actor, request(Teleport(), item)),
        refusal(submit, services, actor, request(INTERPOLATION)),
        refusal(submit, services, actor, request(INTERPOLATION, *([item] * 4))),
        refusal(submit, services, actor, request(INTERPOLATION, {})),
        refusal(submit, services, actor, request(INTERPOLATION, item | {"mask": stored})),
        refusal(submit, services, actor, request(CutoutParams(), item | {"alpha": other})),
        refusal(submit, services, actor, request(INTERPOLATION, {"image": gone})),
        refusal(submit, services, actor, request(INTERPOLATION, item, **options)),
    ] == [
        "permission.may_not_run",
        "tool.unknown",
        "submit.empty",
        "submit.too_many",
        "submit.role",
        "submit.role",
        "cutout.alpha_size",
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
        consent(services, actor)
    files = {role: image for role in get_tool(params.tool).required_roles}
    assert refusal(submit, services, actor, request(params, files)) == code
    with services.database.write() as session:
        job = make_job(session, actor, tool=params.tool, params=params.model_dump(mode="json"))
    assert refusal(rerun, services, actor, job.id) == code


def test_require_networks_of_one_that_is_gone_passes_a_run_that_opens_none() -> None:
    gone = CutoutParams(model="gone")
    assert refusal(require_networks, gone, ["image"]) == "model.unknown"
    require_networks(gone, ["image", "alpha"])


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
