from __future__ import annotations

from app.estimates import Estimator, estimate_files
from db.types import Lane
from studio.params import CutoutParams
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
