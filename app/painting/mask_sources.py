"""Masks that other runs have made of a picture: the outline of its subject, its faces."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np

from app.runs.preparing import find_prepared, prepare
from app.runs.reading import find_output
from app.runs.renditions import rendition_file
from db.actor import Actor
from db.models import Job, JobOutput
from db.states import JobState
from studio.imaging.picture import Pixels
from studio.tools.registry import TOOLS
from studio.tools.spec import MaskOffer, ToolSpec
from tasks.files import StoredFile
from tasks.renditions import Kind
from tasks.services import Services


def mask_offers() -> Sequence[tuple[ToolSpec, MaskOffer]]:
    """The tools that make masks for others, and what they mask."""
    return [(spec, spec.mask) for spec in TOOLS.values() if spec.mask]


def find_masks(
    services: Services, actor: Actor, picture: StoredFile, spec: ToolSpec
) -> Sequence[Job]:
    """Runs of the tool on this picture, newest first: under way, or with a mask.

    The newest of all is among them where it failed, so that its reason can be told.
    """
    runs = find_prepared(services, actor, spec, [picture]).get(picture.sha256, ())
    return [
        job
        for job in runs
        if not job.state.is_terminal
        or mask_of(job)
        or (job is runs[0] and job.state is JobState.FAILED)
    ]


def mask_of(job: Job) -> JobOutput | None:
    """The mask a run has made; None while it has not, and when its file is gone."""
    offer = TOOLS[job.tool].mask
    return find_output(job, offer.role) if offer and job.state is JobState.SUCCEEDED else None


def request_mask(services: Services, actor: Actor, picture: StoredFile, offer: MaskOffer) -> None:
    """Have the mask made, on the actor's own behalf.

    Raises:
        UserInputError: as ``submit`` does.

    """
    prepare(services, actor, offer.params, picture)


def read_given(services: Services, mask: StoredFile, *, owner: Hashable = None) -> Pixels:
    """A given mask of any size, ``uint8 (H, W)``, 0 or 255; its pixels stay on the disk.

    Raises:
        StorageError: the stored file is gone.
        UserInputError: it cannot be read within the bounds.
        RetriableError: too many files are being read.

    """
    stencil = rendition_file(
        services, mask.sha256, Kind.STENCIL, file_name=mask.file_name, owner=owner
    )
    levels: Pixels = np.load(stencil, mmap_mode="r")
    return levels
