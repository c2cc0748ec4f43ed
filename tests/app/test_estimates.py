from __future__ import annotations

import pytest

from app.estimates import Estimator, estimate_files
from db.models import Blob
from db.types import Lane
from studio.params import MESH, CartoonParams, CutoutParams
from tasks.files import StoredFile
from tasks.services import Services
from tests.factories import make_actor, make_blob, make_job, make_record

CUTOUT = {"tool": "cutout", "model": "isnet"}


def stored(sha256: str) -> StoredFile:
    return StoredFile(sha256, "cat.jpg", "image/jpeg", 1000, 1000)


def test_estimator_without_any_run_knows_nothing(services: Services) -> None:
    assert Estimator(services, "upscale", "realesr-animevideov3").estimate(1.0) is None


def test_estimator_first_enlargement_is_judged_by_a_cutout(services: Services) -> None:
    with services.database.write() as session:
        owner = make_actor(session)
        make_job(session, owner, params=CUTOUT, record=make_record(run_s=2.0))

    estimate = Estimator(services, "upscale", "realesr-animevideov3").estimate(1.0)

    assert estimate is not None
    assert not estimate.is_same_model
    assert estimate.seconds > 2.0  # four times the multiply-adds of one cutout


def test_estimate_files_with_a_stored_alpha_expects_no_network(services: Services) -> None:
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
            record=make_record(run_s=9.0),
        )
        quick = make_record(run_s=0.1, weights_sha256=None)
        make_job(session, owner, params=CUTOUT, lane=Lane.CPU, record=quick)

    files = [stored(seen.sha256), stored(new.sha256)]
    again, anew = estimate_files(services, owner, CutoutParams(), files)

    assert again is not None
    assert anew is not None
    assert again.seconds < anew.seconds / 5


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
        make_job(session, owner, image=seen, outputs=outputs, record=first, **columns)
        again = make_record(run_s=0.1, weights_sha256=None) | {"input_megapixels": 12.0}
        make_job(session, owner, record=again, **columns)

    def seconds(file: Blob, params: CartoonParams) -> float:
        [found] = estimate_files(services, owner, params, [stored(file.sha256)])
        assert found is not None
        return found.seconds

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

    assert Estimator(services, "faceswap", MESH).estimate(1.0) is not None
