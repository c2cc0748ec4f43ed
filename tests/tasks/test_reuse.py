from __future__ import annotations

from pathlib import Path

import pytest

from db.repositories.jobs import FoundOutput
from db.types import Origin
from studio.models.catalogue import Catalogue
from studio.params import CutoutParams
from tasks import reuse
from tasks.files import StoredFile, keep
from tasks.reuse import find_reusable
from tasks.services import Services
from tasks.submit import submit
from tests.factories import make_actor, make_blob, make_job, make_record
from tests.pictures import png
from tests.rows import job_of
from tests.studio.models.weight_factories import make_file, make_model, make_store, sha256


def install(services: Services, catalogue: Catalogue, content: bytes, folder: Path) -> str:
    """Put ``content`` in the place of the model's one file; returns its digest."""
    source = folder / "net.onnx"
    source.write_bytes(content)
    make_store(services.settings.weights_dir, *catalogue).import_file(source, "tiny", repin=True)
    return sha256(content)


def test_find_reusable_made_by_other_weights_is_not_used(
    services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalogue = Catalogue((make_model(make_file()),))
    monkeypatch.setattr(reuse, "load_catalogue", lambda: catalogue)
    digest = install(services, catalogue, b"first training", tmp_path)
    with services.database.write() as session:
        actor, image, alpha = make_actor(session), make_blob(session), make_blob(session)
        record = make_record(weights_sha256=digest)
        params = {"tool": "cutout", "model": "tiny"}
        make_job(
            session, actor, params=params, image=image, outputs={"alpha": alpha}, record=record
        )

    def found() -> FoundOutput | None:
        with services.database.read() as session:
            return find_reusable(services, session, actor, CutoutParams(model="tiny"), image.sha256)

    before = found()
    assert before is not None
    assert before.blob.sha256 == alpha.sha256
    install(services, catalogue, b"second training", tmp_path)
    assert found() is None


def test_submit_that_reuses_an_alpha_names_the_run_that_made_it(services: Services) -> None:
    data = png()
    image: StoredFile = keep(
        services, data, file_name="cat.png", media_type="image/png", width_px=24, height_px=16
    )
    with services.database.write() as session:
        actor = make_actor(session)
        first = make_job(session, actor, outputs={"alpha": make_blob(session)})
        first.inputs[0].blob_sha256 = image.sha256

    [reused] = submit(services, actor, "cutout", CutoutParams(), [{"image": image}])
    [edited] = submit(
        services,
        actor,
        "cutout",
        CutoutParams(),
        [{"image": image}],
        parent_id=reused,
        origin=Origin.EDIT,
    )

    job = job_of(services.database, reused)
    assert (job.parent_id, job.origin) == (first.id, Origin.MADE_FROM)
    assert job_of(services.database, edited).parent_id == reused
