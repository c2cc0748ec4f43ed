from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from db.actor import Actor
from db.models import Job
from db.repositories.jobs import JobRepository
from db.repositories.past_runs import FoundOutput, PastRunRepository
from db.types import Lane, Origin, Visibility
from studio.models.ledger import Ledger, LedgerEntry
from studio.models.weights import WeightStore
from studio.params import CartoonParams, CutoutParams, ToolParams
from studio.record import RunRecord, WeightUse
from studio.report import Report
from studio.tools.registry import TOOLS
from studio.tools.spec import ToolInputs, ToolOutput
from tasks.execute import run_next
from tasks.files import StoredFile
from tasks.reuse import ReuseKeys
from tasks.services import Services
from tasks.submit import rerun, store_upload, submit
from tests.factories import make_actor, make_record
from tests.pictures import png
from tests.requests import request
from tests.rows import job_of


def make(
    inputs: ToolInputs, params: ToolParams, models: object, report: Report
) -> list[ToolOutput]:
    """What cutout and cartoon make, without a network."""
    picture = inputs["image"]
    alpha = np.full((picture.height, picture.width), 255, np.uint8)
    shown = picture.with_pixels(picture.pixels, alpha)
    return [ToolOutput(role, shown) for role in ("image", TOOLS[params.tool].reuse.role)]  # type: ignore[union-attr]


@pytest.fixture(autouse=True)
def quick_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    for tool in ("cutout", "cartoon"):
        spec = replace(TOOLS[tool], runner_path=f"{__name__}:make")
        monkeypatch.setitem(TOOLS, tool, spec)


@pytest.fixture
def mei(services: Services) -> Actor:
    with services.database.write() as session:
        return make_actor(session)


def upload(services: Services, seed: int = 0) -> StoredFile:
    return store_upload(services, "cat.png", png(seed))


def run(
    services: Services, actor: Actor, params: ToolParams, *, seed: int = 0, **options: Any
) -> UUID:
    """A finished run on the same picture, or another by ``seed``."""
    item = {"image": upload(services, seed)}
    [job_id] = submit(services, actor, request(params, item, **options))
    while run_next(services, Lane.GPU) or run_next(services, Lane.CPU):
        pass
    return job_id


def taken_over(services: Services, actor: Actor, params: ToolParams) -> Job | None:
    """The job that such a run is queued as, if it starts from what an earlier one made."""
    [job_id] = submit(services, actor, request(params, {"image": upload(services)}))
    job = job_of(services.database, job_id)
    return job if job.origin is Origin.MADE_FROM else None


def accept(services: Services, model_file: str, sha256: str) -> None:
    """Note other bytes of a weight file as the ones that are served."""
    entry = LedgerEntry(
        sha256=sha256, bytes=1, mtime_ns=0, origin="test", installed_at=datetime.now(UTC),
        studio_version="0",
    )  # fmt: skip
    services.settings.weights_dir.mkdir(exist_ok=True)
    Ledger(services.settings.weights_dir / "ledger.json").put(model_file, entry)


@pytest.mark.parametrize(
    ("first", "later"),
    [
        (CutoutParams(), CutoutParams(feather_px=3, output="mask")),
        (CartoonParams(seed=4), CartoonParams(seed=4, strength=0.2, region="subject")),
    ],
)
def test_submit_takes_over_what_an_earlier_run_made_and_names_it(
    services: Services, mei: Actor, first: ToolParams, later: ToolParams
) -> None:
    maker_id = run(services, mei, first)
    job = taken_over(services, mei, later)
    assert job is not None
    assert job.parent_id == maker_id
    role = TOOLS[first.tool].reuse.role  # type: ignore[union-attr]
    [made] = [file for file in job_of(services.database, maker_id).outputs if file.role == role]
    assert [file.blob_sha256 for file in job.inputs if file.role == role] == [made.blob_sha256]
    again = job_of(services.database, rerun(services, mei, job.id))
    for each in (job, again):
        assert {file.role: file.is_taken_over for file in each.inputs} == {
            "image": False,
            role: True,
        }


def test_submit_of_several_items_takes_over_for_each_at_once_and_loads_no_run(
    services: Services, mei: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    maker_ids = [run(services, mei, CutoutParams(), seed=seed) for seed in range(2)]
    loaded: set[UUID] = set()
    asked, find_outputs = [], PastRunRepository.find_outputs

    def noted(past: PastRunRepository, actor: Actor, keys: set[str]) -> Mapping[str, FoundOutput]:
        asked.append(len(keys))
        return find_outputs(past, actor, keys)

    def load(_jobs: JobRepository, _actor: Actor, job_ids: Collection[UUID]) -> list[Job]:
        loaded.update(job_ids)
        return []

    monkeypatch.setattr(PastRunRepository, "find_outputs", noted)
    monkeypatch.setattr(JobRepository, "hold", load)
    items = [{"image": upload(services, seed)} for seed in (1, 7, 0)]
    job_ids = submit(services, mei, request(CutoutParams(feather_px=1), *items))
    jobs = [job_of(services.database, job_id) for job_id in job_ids]
    made_by = [maker_ids[1], None, maker_ids[0]]
    assert [job.parent_id for job in jobs] == made_by
    is_spared = ["alpha" in {file.role for file in job.inputs} for job in jobs]
    assert is_spared == [maker_id is not None for maker_id in made_by]
    assert (asked, loaded) == ([3], set())


def test_submit_of_an_edit_keeps_the_run_it_edits_as_parent(services: Services, mei: Actor) -> None:
    run(services, mei, CutoutParams())
    other = run(services, mei, CartoonParams())
    edited = run(services, mei, CutoutParams(), parent_id=other, origin=Origin.EDIT)
    job = job_of(services.database, edited)
    assert job.parent_id == other
    assert "alpha" in {file.role for file in job.inputs}


def test_submit_after_a_run_that_took_it_over_goes_back_to_the_maker(
    services: Services, mei: Actor
) -> None:
    maker_id = run(services, mei, CutoutParams())
    run(services, mei, CutoutParams(feather_px=1))
    job = taken_over(services, mei, CutoutParams())
    assert job is not None
    assert job.parent_id == maker_id


def test_output_of_an_older_tool_version_is_not_taken_over(
    services: Services, mei: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(services, mei, CutoutParams())
    newer = replace(TOOLS["cutout"], version=TOOLS["cutout"].version + 1)
    monkeypatch.setitem(TOOLS, "cutout", newer)
    assert taken_over(services, mei, CutoutParams()) is None


@pytest.mark.parametrize("changed", [{"seed": 2}, {"look": "sketch"}, {"long_side_px": 512}])
def test_drawing_of_another_seed_look_or_size_is_not_taken_over(
    services: Services, mei: Actor, changed: dict[str, Any]
) -> None:
    usual = {"seed": 1, "look": "handdrawn"}
    run(services, mei, CartoonParams(**usual))
    assert taken_over(services, mei, CartoonParams(**usual | changed)) is None


class Widened(CutoutParams):
    """A release that has added a field and has not thought about re-use."""

    halo_px: int = 0


def test_output_made_before_the_tool_had_a_field_is_not_taken_over(
    services: Services, mei: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(services, mei, CutoutParams())
    monkeypatch.setitem(TOOLS, "cutout", replace(TOOLS["cutout"], params=Widened))
    assert taken_over(services, mei, Widened()) is None


@pytest.mark.parametrize(
    ("params", "helper"),
    [
        (CutoutParams(), "isnet/isnet.onnx"),
        (CartoonParams(), "realesr-animevideov3/realesr-animevideov3.bin"),
    ],
)
def test_output_of_other_weights_is_not_taken_over(
    services: Services, mei: Actor, params: ToolParams, helper: str
) -> None:
    accept(services, helper, "1" * 64)
    run(services, mei, params)
    assert taken_over(services, mei, params) is not None
    accept(services, helper, "2" * 64)
    assert taken_over(services, mei, params) is None


def test_output_is_taken_over_whatever_other_weights_arrive(services: Services, mei: Actor) -> None:
    run(services, mei, CutoutParams())
    accept(services, "u2net/u2net.onnx", "1" * 64)
    assert taken_over(services, mei, CutoutParams()) is not None


def test_output_of_weights_replaced_while_they_worked_gets_no_key(services: Services) -> None:
    accept(services, "isnet/isnet.onnx", "1" * 64)
    keys = ReuseKeys(services.settings, CutoutParams())
    record = RunRecord.model_validate(make_record(weights_sha256="1" * 64))
    [use] = record.weights
    inputs = {"image": ["a" * 64]}
    assert keys.key_of_made(inputs, record) is not None
    for other in (use.model_copy(update={"sha256": "2" * 64}), _renamed(use)):
        changed = record.model_copy(update={"weights": [use, other]})
        assert keys.key_of_made(inputs, changed) is None


def _renamed(use: WeightUse) -> WeightUse:
    return use.model_copy(update={"id": "net-that-no-cutout-opens"})


def test_output_that_is_taken_over_is_named_after_the_run_that_takes_it(
    services: Services, mei: Actor
) -> None:
    secret = store_upload(services, "secret-client.png", png())
    private = request(CutoutParams(), {"image": secret}, visibility=Visibility.PRIVATE)
    submit(services, mei, private)
    assert run_next(services, Lane.GPU)
    job = taken_over(services, mei, CutoutParams())
    assert job is not None
    names = {file.role: file.file_name for file in job.inputs}
    assert names == {"image": "cat.png", "alpha": "cat-alpha.png"}


def test_items_of_one_request_read_the_weights_once(
    services: Services, mei: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks, look = [], WeightStore.accepted_digests

    def accepted_digests(self: WeightStore, model_id: str) -> dict[str, str | None]:
        looks.append(model_id)
        return look(self, model_id)

    monkeypatch.setattr(WeightStore, "accepted_digests", accepted_digests)
    items = [{"image": store_upload(services, "cat.png", png(seed))} for seed in range(3)]
    submit(services, mei, request(CutoutParams(), *items))
    assert len(looks) == len(set(looks)) > 0


def test_output_of_somebody_elses_private_run_is_not_taken_over(
    services: Services, mei: Actor
) -> None:
    with services.database.write() as session:
        bob = make_actor(session)
    run(services, bob, CutoutParams(), visibility=Visibility.PRIVATE)
    assert taken_over(services, mei, CutoutParams()) is None
    assert taken_over(services, bob, CutoutParams()) is not None


def test_submit_takes_a_given_alpha_in_place_of_the_one_that_an_earlier_run_made(
    services: Services, mei: Actor
) -> None:
    run(services, mei, CutoutParams())
    given = store_upload(services, "mask.png", png(5))
    [job_id] = submit(
        services, mei, request(CutoutParams(), {"image": upload(services), "alpha": given})
    )
    job = job_of(services.database, job_id)
    assert [(file.role, file.blob_sha256) for file in job.inputs] == [
        ("alpha", given.sha256),
        ("image", upload(services).sha256),
    ]
    assert (job.lane, job.parent_id) == (Lane.CPU, None)


def test_submit_takes_over_nothing_that_was_made_from_a_given_alpha(
    services: Services, mei: Actor
) -> None:
    given = store_upload(services, "mask.png", png(5))
    [job_id] = submit(
        services, mei, request(CutoutParams(), {"image": upload(services), "alpha": given})
    )
    assert run_next(services, Lane.CPU)
    assert {file.role: file.reuse_key for file in job_of(services.database, job_id).outputs} == {
        "image": None,
        "alpha": None,
    }
    assert taken_over(services, mei, CutoutParams()) is None
    [other_id] = submit(services, mei, request(CutoutParams(), {"image": upload(services, 5)}))
    assert [file.role for file in job_of(services.database, other_id).inputs] == ["image"]
