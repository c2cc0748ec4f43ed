"""Runs whose files are looked at in a browser."""

from __future__ import annotations

from io import BytesIO

from PIL import Image

from db.actor import Actor
from db.models import Blob, Job
from tasks.files import keep
from tasks.services import Services
from tests.factories import load_job, make_job


def make_run(
    services: Services,
    owner: Actor,
    data: bytes,
    *,
    file_name: str = "cat.png",
    media_type: str = "image/png",
    **columns: object,
) -> Job:
    """A finished run whose input and result are ``data``."""
    with Image.open(BytesIO(data)) as image:
        width_px, height_px = image.size
    stored = keep(
        services,
        data,
        file_name=file_name,
        media_type=media_type,
        width_px=width_px,
        height_px=height_px,
    )
    with services.database.write() as session:
        blob = session.get_one(Blob, stored.sha256)
        made = {"image": blob, "outputs": {"image": blob}}
        job_id = make_job(session, owner, file_name=file_name, **made, **columns).id
    return load_job(services.database, job_id)
