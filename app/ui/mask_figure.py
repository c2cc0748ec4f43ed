"""A mask over the reduced picture that it belongs to."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from html import escape
from io import BytesIO

from PIL import Image

from app.painting.canvas_json import View
from app.painting.drawings import drawing_pixels
from app.painting.mask_preview import preview_mask, tinted
from app.painting.picture_views import data_address, mask_pixels, view_pixels
from app.runs.reading import find_output, main_input, painted_input, stored_file
from app.ui.words import _
from db.models import Job
from studio.errors import StorageError, UserInputError
from studio.imaging.drawing import Drawing
from studio.imaging.picture import Pixels
from studio.params import HOLE_LEVEL, InpaintParams
from studio.tools.registry import TOOLS
from studio.tools.spec import MASK_ROLE
from studio.words import Message, msg
from tasks.files import StoredFile
from tasks.services import Services

_SIDE_PX = 440
_QUALITY = 85


@dataclass(frozen=True, slots=True)
class MaskFigure:
    """What a run repaints, to be shown.

    Attributes:
        address: of the picture with the mask over it, which needs no request.
        part: of the picture's area that is masked, 0 to 1.

    """

    address: str
    part: float

    def markup(self, words: str) -> str:
        """A figure with ``words`` below it."""
        alt = _("The mask over the picture")
        return (
            f'<figure class="dr-preview"><img src="{self.address}" alt="{escape(alt)}">'
            f"<figcaption>{escape(words)}</figcaption></figure>"
        )

    @property
    def share(self) -> Message:
        """How much of the picture is masked."""
        if self.part < 0.001:
            return msg("less than 0.1 % of the picture")
        return msg("{percent:.1f} % of the picture", percent=self.part * 100)


def mask_figure(
    services: Services,
    params: InpaintParams,
    drawing: Drawing,
    given: Pixels | None,
    picture: StoredFile,
    *,
    owner: Hashable = None,
) -> MaskFigure:
    """What ``params``, ``drawing`` and a ``given`` mask, of any size, repaint of ``picture``.

    ``owner`` is who looks.

    Raises:
        StorageError: the stored picture is gone.
        UserInputError: it, or the drawing, cannot be shown within the bounds.
        RetriableError: too many files are being read.

    """
    view = _whole(drawing.width_px, drawing.height_px)
    mask = preview_mask(params, drawing, given, *view.size, owner=owner)
    return _figure(mask, view_pixels(services, picture, view, owner=owner))


def mask_of_run(services: Services, job: Job) -> MaskFigure | None:
    """What a run under a mask repainted; None when it has no mask or its files are gone.

    Raises:
        RetriableError: too many files are being read.

    """
    made = find_output(job, MASK_ROLE) if takes_mask(job) else None
    source = main_input(job)
    if source is None or made is None or made.blob.width_px is None or made.blob.height_px is None:
        return None
    view = _whole(made.blob.width_px, made.blob.height_px)
    try:
        picture = stored_file(source)
        mask = mask_pixels(services, made.blob_sha256, view, owner=job.owner_id)
        shown = view_pixels(services, picture, view, owner=job.owner_id)
    except (StorageError, UserInputError):  # the run's pictures say so
        return None
    return _figure(mask, shown)


def takes_mask(job: Job) -> bool:
    """Whether the run's tool works under a mask, so that its own output of that name shows it."""
    return job.tool in TOOLS and any(role.name == MASK_ROLE for role in TOOLS[job.tool].roles)


def drawing_of_run(services: Services, job: Job) -> MaskFigure | None:
    """What was painted for a run, without its other masks; None when its files are gone.

    Raises:
        RetriableError: too many files are being read.

    """
    source, used = main_input(job), painted_input(job)
    if source is None or used is None:
        return None
    picture = stored_file(source)
    if picture.width_px is None or picture.height_px is None:
        return None
    view = _whole(picture.width_px, picture.height_px)
    try:
        shown = view_pixels(services, picture, view, owner=job.owner_id)
        mask = drawing_pixels(services, stored_file(used), *view.size, owner=job.owner_id)
    except (StorageError, UserInputError):  # the run's pictures say so
        return None
    return _figure(mask, shown)


def _whole(width_px: int, height_px: int) -> View:
    scale = min(_SIDE_PX / max(width_px, height_px), 1)
    reduced = max(round(width_px * scale), 1), max(round(height_px * scale), 1)
    return View(0, 0, width_px, height_px, *reduced)


def _figure(mask: Pixels, picture: Pixels) -> MaskFigure:
    buffer = BytesIO()
    Image.fromarray(tinted(picture, mask)).save(buffer, "JPEG", quality=_QUALITY)
    address = data_address(buffer.getvalue(), "image/jpeg")
    return MaskFigure(address, float((mask >= HOLE_LEVEL).mean()))
