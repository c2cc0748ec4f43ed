"""The page of a run that something was painted for."""

from __future__ import annotations

import re
from base64 import b64decode
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
from PIL import Image

from app.painting import drawings
from app.ui import mask_figure
from db.actor import Actor
from db.models import JobInput, JobOutput
from studio.errors import BusyError
from studio.imaging.drawing import Drawing, Stroke, StrokeKind
from studio.params import InpaintParams
from studio.words import msg
from tasks.files import keep
from tasks.services import Services
from tasks.submit import store_upload, submit
from tests.factories import make_blob, make_job
from tests.pages.harness import Visit
from tests.pages.navigated import markup, open_page
from tests.pictures import png
from tests.requests import request

pytestmark = pytest.mark.slow


def test_run_shows_a_drawing_as_a_file_and_numbers_repeated_roles(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    with services.database.write() as session:
        job = make_job(session, mei, tool="inpaint", params={"model": "auto"})
        drawing = make_blob(session, media_type="application/json")
        others = [("drawing", 0, drawing)]
        others += [("source", position, make_blob(session)) for position in (0, 1)]
        for role, position, blob in others:
            session.add(
                JobInput(
                    job_id=job.id,
                    role=role,
                    position=position,
                    blob_sha256=blob.sha256,
                    file_name=f"{role}.x",
                )
            )
    shown = markup(open_page(visit, tmp_path, "RUN", mei, id=job.id))
    assert f"/thumbnails/{drawing.sha256}" not in shown
    for label in ("In: Drawing", "In: source 1", "In: source 2"):
        assert f"<b>{label}</b>" in shown


def make_inpainted(services: Services, owner: Actor, picture: bytes, masked: Image.Image) -> UUID:
    """An inpaint run of ``picture`` with one dot painted on its left, and the mask it used."""
    image = store_upload(services, "cat.png", picture)
    width_px, height_px = image.width_px or 1, image.height_px or 1
    dot = Stroke(kind=StrokeKind.BRUSH, points=((width_px / 4, height_px / 2),), width_px=height_px)
    painted = Drawing(width_px=width_px, height_px=height_px, strokes=(dot,))
    items = [{"image": image, "drawing": drawings.store_drawing(services, painted)}]
    [job_id] = submit(services, owner, request(InpaintParams(), *items))
    data = BytesIO()
    masked.save(data, "PNG")
    mask = keep(
        services,
        data.getvalue(),
        file_name="mask.png",
        media_type="image/png",
        width_px=width_px,
        height_px=height_px,
    )
    with services.database.write() as session:
        session.add(
            JobOutput(job_id=job_id, role="mask", blob_sha256=mask.sha256, file_name="mask.png")
        )
    return job_id


def left_half_masked() -> Image.Image:
    mask = Image.new("L", (400, 200))
    mask.paste(255, (0, 0, 200, 200))
    return mask


def test_run_of_inpaint_shows_its_mask_and_its_drawing_on_the_picture(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def arrive(*_: object) -> None:
        raise AssertionError("strokes are handed to the web process, which shows pixels")

    run_id = make_inpainted(services, mei, png(1, 400, 200), left_half_masked())
    monkeypatch.setattr(Stroke, "__setstate__", arrive)
    shown = markup(open_page(visit, tmp_path, "RUN", mei, id=run_id))
    assert "Repainted, in red: 50.0 % of the picture" in shown
    pictures = [
        np.asarray(Image.open(BytesIO(b64decode(data)))).astype(float)
        for data in re.findall('data:image/jpeg;base64,([^"]+)', shown)
    ]
    assert [picture.shape for picture in pictures] == [(200, 400, 3)] * 2
    for picture, corner_is_red in zip(pictures, (True, False), strict=True):
        redness = picture[..., 0] - picture[..., 2]
        plain = redness[:, 220:].mean()
        assert redness[90:110, 90:110].mean() > plain + 80
        is_red = redness[:15, :15].mean() > plain + 80
        assert is_red == corner_is_red  # the mask is square, the dot is round


def test_run_whose_picture_is_swept_shows_its_drawing_as_a_file(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    data = png(2, 400, 200)
    run_id = make_inpainted(services, mei, data, left_half_masked())
    services.blobs.delete(sha256(data).hexdigest())
    shown = markup(open_page(visit, tmp_path, "RUN", mei, id=run_id))
    assert "Repainted" not in shown
    assert "data:image" not in shown
    assert '<span class="dr-blank"><span class="dr-icon">draw</span></span>' in shown


def test_run_whose_mask_cannot_be_read_just_now_says_so_and_shows_the_rest(
    services: Services,
    visit: Visit,
    tmp_path: Path,
    mei: Actor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def be_busy(*_args: object, **_options: object) -> None:
        raise BusyError(msg("Too many files are being read."), delay_s=1)

    run_id = make_inpainted(services, mei, png(1, 400, 200), left_half_masked())
    monkeypatch.setattr(mask_figure, "view_pixels", be_busy)
    page = open_page(visit, tmp_path, "RUN", mei, id=run_id)
    assert [each.value for each in page.info] == ["Too many files are being read."]
    assert "Record" in [each.value for each in page.subheader]
