"""Masks that other runs have made of a picture: the outline of its subject, its faces."""

from __future__ import annotations

from collections.abc import Sequence

from app.faces import SEARCH, find_search, start_search
from app.mask_preview import decode_mask, hardened
from app.runs import find_output
from db.actor import Actor
from db.models import Job, JobOutput
from db.repositories.jobs import JobRepository
from db.states import JobState
from db.types import Visibility
from studio.imaging.picture import Pixels
from studio.params import CutoutOutput, CutoutParams
from tasks.files import StoredFile
from tasks.services import Services
from tasks.submit import submit

CUTOUT = "cutout"
_RECENT = 20
_ROLES = {CUTOUT: "alpha", SEARCH: "mask"}


def find_cutouts(services: Services, actor: Actor, picture: StoredFile) -> Sequence[Job]:
    """The newest cutouts of this picture that the actor sees, of any model."""
    with services.database.read() as session:
        return JobRepository(session).find_runs(actor, CUTOUT, picture.sha256, limit=_RECENT)


def find_masks(services: Services, actor: Actor, picture: StoredFile, tool: str) -> Sequence[Job]:
    """Runs of ``tool`` on this picture: those under way, and those that made a mask."""
    if tool == SEARCH:
        search = find_search(services, actor, picture)
        return [search] if search else []
    return [
        job
        for job in find_cutouts(services, actor, picture)
        if not job.state.is_terminal or mask_of(job)
    ]


def mask_of(job: Job) -> JobOutput | None:
    """The mask a run has made; None while it has not, and when its file is gone."""
    return find_output(job, _ROLES[job.tool]) if job.state is JobState.SUCCEEDED else None


def start_mask(services: Services, actor: Actor, picture: StoredFile, tool: str) -> None:
    """Have the subject cut out, or the faces found, on the actor's own behalf.

    Raises:
        UserInputError: as ``submit`` does.

    """
    if tool == SEARCH:
        start_search(services, actor, picture)
        return
    params = CutoutParams(output=CutoutOutput.MASK)
    submit(services, actor, CUTOUT, params, [{"image": picture}], visibility=Visibility.PRIVATE)


def read_given(services: Services, mask: StoredFile) -> Pixels:
    """A given mask of any size, ``uint8 (H, W)``, 0 or 255.

    Raises:
        StorageError: the stored file is gone.

    """
    data = services.blobs.read(mask.sha256)
    return hardened(decode_mask(data, max_pixels=services.settings.max_pixels))
