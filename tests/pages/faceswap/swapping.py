"""What tests of face swaps share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from hashlib import sha256

from streamlit.testing.v1 import AppTest

from db.actor import Actor
from db.repositories.blobs import BlobRepository
from db.types import Visibility
from studio.errors import Region
from studio.tools.registry import TOOLS
from tasks.services import Services
from tasks.submit import store_upload
from tests.factories import make_job, make_record
from tests.pages.navigated import drop
from tests.pictures import png

TARGET, SOURCE = png(1), png(2)
FACES = [
    Region(0.1, 0.2, 0.1, 0.2, label="1"),
    Region(0.4, 0.2, 0.2, 0.4, label="2"),
    Region(0.8, 0.2, 0.1, 0.2, label="3"),
]


def add_search(
    services: Services,
    owner: Actor,
    picture: bytes,
    regions: Sequence[Region] = (),
    **columns: object,
) -> None:
    """A search for faces of ``picture`` that has ended."""
    store_upload(services, "target.png", picture)
    notes = [] if regions else ["No face was found: the head fills the frame."]
    marked = [asdict(region) for region in regions]
    version = TOOLS["faces"].version
    record = make_record(tool_version=version) | {"regions": marked, "notes": notes}
    with services.database.write() as session:
        blob = BlobRepository(session).ensure(
            sha256(picture).hexdigest(),
            size_bytes=len(picture),
            media_type="image/png",
            width_px=24,
            height_px=16,
        )
        settled = {"record": record} | columns
        private = {"tool": "faces", "visibility": Visibility.PRIVATE}
        make_job(session, owner, image=blob, file_name="target.png", **private, **settled)


def fill(page: AppTest, *sources: bytes) -> None:
    drop(page, [("target.png", TARGET)])
    drop(page, [(f"face-{n}.png", data) for n, data in enumerate(sources, 1)], zone=1)
    assert not page.exception
