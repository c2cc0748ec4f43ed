"""What tests of masks share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

from streamlit.testing.v1 import AppTest

from db.actor import Actor
from db.models import Blob, Job, JobInput
from studio.imaging.drawing import Drawing, Stroke, StrokeKind
from tasks.files import StoredFile
from tasks.services import Services
from tests.factories import make_job
from tests.pages.harness import Visit
from tests.pages.navigated import drop, open_page
from tests.pictures import png

STROKE = Stroke(kind=StrokeKind.BRUSH, points=((5, 5), (50, 30)), width_px=12)


def drawing(*strokes: Stroke) -> Drawing:
    return Drawing(width_px=60, height_px=40, strokes=strokes)


def open_picture(visit: Visit, folder: Path, actor: Actor) -> AppTest:
    page = open_page(visit, folder, "INPAINT", actor)
    drop(page, [("cat.png", png(1, 60, 40))])
    assert not page.exception
    return page


def start_from(page: AppTest, start: str) -> None:
    [box] = [one for one in page.selectbox if one.label == "Start from"]
    box.set_value(start).run()
    assert not page.exception


def run_button(page: AppTest) -> bool:
    """Whether there is anything to run."""
    return not page.button(key="inpaint.run").disabled


def refuse(error: Exception) -> Callable[..., None]:
    def fail(*_args: object, **_options: object) -> None:
        raise error

    return fail


def given(job: Job, role: str) -> JobInput:
    [file] = [file for file in job.inputs if file.role == role]
    return file


def finish(
    services: Services,
    actor: Actor,
    tool: str,
    picture: StoredFile,
    made: dict[str, StoredFile],
    params: dict[str, Any] | None = None,
    painted: StoredFile | None = None,
) -> UUID:
    """A finished run of ``picture`` that made these files."""
    with services.database.write() as session:
        outputs = {role: session.get_one(Blob, file.sha256) for role, file in made.items()}
        image = session.get_one(Blob, picture.sha256)
        job = make_job(session, actor, tool=tool, params=params, image=image, outputs=outputs)
        if painted is not None:
            session.add(
                JobInput(
                    job_id=job.id,
                    role="drawing",
                    blob_sha256=painted.sha256,
                    file_name=painted.file_name,
                )
            )
        return job.id
