from __future__ import annotations

import pytest

from app.runs.estimates import Estimator, describe, estimate_job, expect_runs
from db.models import Blob
from db.types import Lane
from studio.params import (
    MESH,
    CartoonParams,
    CutoutParams,
    FaceswapParams,
    ToolParams,
    UpscaleParams,
)
from studio.record import RunRecord
from studio.tools.estimate import Estimate
from tasks.files import StoredFile
from tasks.requests import RunItem
from tasks.reuse import ReuseKeys
from tasks.services import Services
from tests.factories import load_job, make_actor, make_blob, make_job, make_record

CUTOUT = {"tool": "cutout", "model": "isnet"}


def item(image: Blob) -> RunItem:
    file = StoredFile(image.sha256, "cat.jpg", "image/jpeg", 1000, 1000)
    return RunItem({"image": [file]})


def key_of(services: Services, params: ToolParams, image: Blob) -> str:
    """What the output of such a run on this picture is found by."""
    record = RunRecord.model_validate(make_record(weights_sha256=None))
    keys = ReuseKeys(services.settings, params)
    made = keys.key_of_made({"image": [image.sha256]}, record)
    assert made is not None
    return made[1]


def test_estimator_without_any_run_knows_nothing(services: Services) -> None:
    assert Estimator(services, UpscaleParams()).estimate(1000, 1000) is None


def test_estimator_first_enlargement_is_judged_by_a_cutout(services: Services) -> None:
    with services.database.write() as session:
        owner = make_actor(session)
        make_job(session, owner, params=CUTOUT, record=make_record(run_s=2.0))

    estimate = Estimator(services, UpscaleParams()).estimate(1000, 1000)

    assert estimate is not None
    assert not estimate.is_same_model
    assert estimate.seconds > 2.0  # four times the multiply-adds of one cutout


def test_expect_runs_with_a_stored_alpha_needs_no_network(services: Services) -> None:
    with services.database.write() as session:
        owner = make_actor(session)
        seen, new = make_blob(session), make_blob(session)
        alpha = {"image": make_blob(session), "alpha": make_blob(session)}
        make_job(
            session,
            owner,
            params=CUTOUT,
            image=seen,
            outputs=alpha,
            reuse_key=key_of(services, CutoutParams(), seen),
            record=make_record(run_s=9.0),
        )
        quick = make_record(run_s=0.1, weights_sha256=None)
        make_job(session, owner, params=CUTOUT, lane=Lane.CPU, record=quick)

    again, anew = expect_runs(services, owner, CutoutParams(), [item(seen), item(new)])

    assert (again.lane, again.is_spared) == (Lane.CPU, True)
    assert (anew.lane, anew.is_spared) == (Lane.GPU, False)
    assert again.estimate is not None
    assert anew.estimate is not None
    assert again.estimate.seconds < anew.estimate.seconds / 5


def test_estimate_of_a_drawing_goes_by_its_own_size_and_knows_the_stored_one(
    services: Services,
) -> None:
    params = CartoonParams(long_side_px=512)
    columns = {"tool": "cartoon", "params": params.model_dump(mode="json"), "model": "anime"}
    with services.database.write() as session:
        owner = make_actor(session)
        seen, new = make_blob(session), make_blob(session)
        outputs = {"image": make_blob(session), "render": make_blob(session)}
        first = make_record(run_s=4.0, weights_sha256="1" * 64) | {"input_megapixels": 12.0}
        key = key_of(services, params, seen)
        make_job(
            session, owner, image=seen, outputs=outputs, reuse_key=key, record=first, **columns
        )
        again = make_record(run_s=0.1, weights_sha256=None) | {"input_megapixels": 12.0}
        make_job(session, owner, record=again, **columns)

    def seconds(file: Blob, params: CartoonParams) -> float:
        [found] = expect_runs(services, owner, params, [item(file)])
        assert found.estimate is not None
        return found.estimate.seconds

    anew = seconds(new, params)
    assert 2.0 < anew < 8.0  # 512 px from 1 megapixel is as much work as from 12
    assert seconds(seen, params) < anew / 5
    assert seconds(new, CartoonParams(long_side_px=1024)) == pytest.approx(4 * anew, rel=0.1)


def test_estimate_of_a_method_without_a_model_of_its_own_uses_all_its_runs(
    services: Services,
) -> None:
    with services.database.write() as session:
        owner = make_actor(session)
        columns = {"tool": "faceswap", "params": {"tool": "faceswap", "model": MESH}}
        make_job(session, owner, record=make_record(run_s=2.0), **columns)

    assert Estimator(services, FaceswapParams(model=MESH)).estimate(1000, 1000) is not None


def test_estimate_leaves_out_runs_whose_parameters_cannot_be_read(services: Services) -> None:
    with services.database.write() as session:
        owner = make_actor(session)
        for params, version in (({"halo": 3}, 1), (CUTOUT, 99)):
            job = make_job(session, owner, params=params, record=make_record(run_s=99.0))
            job.model, job.params_version = "isnet", version
        assert job.params_version == 99
    assert Estimator(services, CutoutParams()).estimate(1000, 1000) is None
    assert estimate_job(services, load_job(services.database, job.id)) is None

    with services.database.write() as session:
        make_job(session, owner, params=CUTOUT, record=make_record(run_s=2.0))
    found = Estimator(services, CutoutParams()).estimate(640, 480)
    assert found is not None
    assert found.seconds < 9.0


@pytest.mark.parametrize(
    ("estimate", "words"),
    [
        (None, "no run yet to judge by"),
        (Estimate(0.02, 1, is_same_model=True), "under a second, from 1 run of this model"),
        (Estimate(42.4, 3, is_same_model=True), "about 40 s, from 3 runs of this model"),
        (Estimate(600, 2, is_same_model=False), "about 10 min, from 2 runs of other models"),
    ],
)
def test_describe_says_what_an_estimate_rests_on(estimate: Estimate | None, words: str) -> None:
    assert str(describe(estimate)) == words
