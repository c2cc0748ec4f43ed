from __future__ import annotations

from typing import Any

import pytest

from app.people import consent
from app.runs.parameters import (
    command_line,
    described_params,
    find_params,
    initial_values,
    params_fault,
    recipe,
    values_of,
)
from db.actor import Actor
from db.models import Job
from studio.errors import UserInputError
from studio.params import CartoonParams, FaceswapParams, ImageFormat, InpaintParams, UpscaleParams
from studio.tools.registry import TOOLS
from studio.tools.spec import ToolSpec
from tasks.services import Services
from tasks.submit import rerun, store_upload, submit
from tests.factories import load_job, make_job
from tests.people import HERE, make_person
from tests.pictures import png
from tests.requests import request

OLD = {"tool": "upscale", "model": "interpolation", "restore_faces": "codeformer"}
TODAY = UpscaleParams(model="interpolation", restore_model="codeformer")
UNREADABLE = [
    ({"tool": "gone", "params": {"halo": 3}}, "tool.unknown"),
    ({"params": {"halo": 3}, "params_version": 99}, "params.newer"),
    ({"params": {"halo": 3}}, "params.damaged"),
]


@pytest.fixture
def mei(services: Services) -> Actor:
    return make_person(services)


def kept(services: Services, owner: Actor, **columns: Any) -> Job:
    """A run as a row holds it."""
    with services.database.write() as session:
        job = make_job(session, owner, **columns)
    return load_job(services.database, job.id)


def test_params_of_an_older_version_are_told_by_todays_names(
    services: Services, mei: Actor
) -> None:
    job = kept(services, mei, tool="upscale", params=OLD)
    assert find_params(job) == TODAY
    assert values_of(job) == initial_values(job) == TODAY.model_dump(mode="json")
    assert recipe(job)["params_version"] == UpscaleParams.version()
    assert recipe(job)["params"]["restore_model"] == "codeformer"
    assert command_line(job).endswith("--model interpolation --restore-model codeformer")
    changed = [one.name for one in described_params(job) if one.is_changed]
    assert changed == ["model", "restore_model"]


def test_params_are_told_with_what_decides_most_first(services: Services, mei: Actor) -> None:
    params = CartoonParams(format=ImageFormat.WEBP, seed=7).model_dump(mode="json")
    job = kept(services, mei, tool="cartoon", params=params)
    names = [one.name for one in described_params(job)]
    assert names == ["look", "strength", "region", "seed", "format", "long_side_px", "quality"]


@pytest.mark.parametrize("spec", TOOLS.values(), ids=lambda spec: spec.name)
def test_main_fields_are_fields_of_the_tool(spec: ToolSpec) -> None:
    assert set(spec.params.MAIN_FIELDS) <= spec.params.model_fields.keys()


@pytest.mark.parametrize(("columns", "code"), UNREADABLE)
def test_params_that_cannot_be_read_are_shown_as_kept_with_the_reason(
    services: Services, mei: Actor, columns: dict[str, Any], code: str
) -> None:
    job = kept(services, mei, **columns)
    fault = params_fault(job)
    assert fault is not None
    assert fault.code == code
    assert (find_params(job), initial_values(job)) == (None, {})
    assert [(one.name, one.value) for one in described_params(job)] == [("halo", 3)]
    assert recipe(job)["params_version"] == job.params_version
    with pytest.raises(UserInputError):
        command_line(job)


def test_params_that_are_no_object_are_shown_as_none(services: Services, mei: Actor) -> None:
    job = kept(services, mei)
    job.params = [1, 2]  # type: ignore[assignment]  # what a row may hold
    assert params_fault(job) is not None
    assert described_params(job) == []


def test_rerun_of_an_older_version_is_queued_with_todays_params(
    services: Services, mei: Actor
) -> None:
    job = kept(services, mei, tool="upscale", params=OLD)
    again = load_job(services.database, rerun(services, mei, job.id))
    assert again.params == TODAY.model_dump(mode="json")
    assert again.params_version == UpscaleParams.version()


@pytest.mark.parametrize(("columns", "code"), UNREADABLE)
def test_rerun_with_params_that_cannot_be_read_says_why(
    services: Services, mei: Actor, columns: dict[str, Any], code: str
) -> None:
    job = kept(services, mei, **columns)
    with pytest.raises(UserInputError) as refusal:
        rerun(services, mei, job.id)
    assert refusal.value.code == code


def test_command_line_names_files_and_what_differs(services: Services, mei: Actor) -> None:
    params = InpaintParams(model="lama", invert=True, grow_px=-4)
    picture = store_upload(services, "my cat.png", png(1))
    mask = store_upload(services, "m.png", png(2))
    [job_id] = submit(services, mei, request(params, {"image": picture, "mask": mask}))
    line = command_line(load_job(services.database, job_id))
    assert line == (
        "studio run inpaint 'my cat.png' --mask m.png --model lama --invert --grow-px -4"
    )


def test_command_line_gives_the_pairs_of_a_face_swap_as_a_list(
    services: Services, mei: Actor
) -> None:
    consent.give_consent(services, mei, "faceswap", HERE)
    faces = [store_upload(services, f"{number}.png", png(number)) for number in (1, 2)]
    [job_id] = submit(
        services,
        mei,
        request(
            FaceswapParams(faces=(2, None)),
            {"image": store_upload(services, "a.png", png(3)), "source": faces},
        ),
    )
    line = command_line(load_job(services.database, job_id))
    assert line == ("studio run faceswap a.png --source 1.png --source 2.png --faces '[2, null]'")
