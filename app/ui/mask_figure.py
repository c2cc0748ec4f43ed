"""A mask over the reduced picture that it belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO

from PIL import Image

from app.fabric import View
from app.mask_preview import decode_mask, preview_mask, tinted
from app.picture_views import data_address, view_pixels
from app.runs import drawing_of, find_output, main_input, stored_file
from db.models import Job
from studio.errors import StorageError, UserInputError
from studio.imaging.drawing import Drawing
from studio.imaging.picture import Pixels
from studio.imaging.resample import resample
from studio.params import HOLE_LEVEL, InpaintParams
from tasks.files import StoredFile
from tasks.services import Services

_SIDE_PX = 440
_QUALITY = 85
_STROKES_ALONE = InpaintParams(grow_px=0, feather_px=0)


@dataclass(frozen=True, slots=True)
class MaskFigure:
    """What a run repaints, to be shown.

    Attributes:
        address: of the picture with the mask over it, which needs no request.
        part: of the picture's area that is masked, 0 to 1.
        is_empty: whether nothing is masked, not even softly.

    """

    address: str
    part: float
    is_empty: bool

    def markup(self, words: str) -> str:
        """A figure with ``words`` below it."""
        return (
            f'<figure class="dr-preview"><img src="{self.address}" alt="The mask over the picture">'
            f"<figcaption>{words}</figcaption></figure>"
        )

    @property
    def share(self) -> str:
        """How much of the picture is masked, in words."""
        if self.part < 0.001:
            return "less than 0.1 % of the picture"
        return f"{self.part * 100:.1f} % of the picture"


def mask_figure(
    params: InpaintParams, drawing: Drawing, given: Pixels | None, picture: StoredFile
) -> MaskFigure:
    """What ``params``, ``drawing`` and a ``given`` mask, of any size, repaint of ``picture``.

    Raises:
        StorageError: the stored picture is gone.

    """
    view = _whole(drawing.width_px, drawing.height_px)
    return _figure(preview_mask(params, drawing, given, *view.size), view, picture)


def mask_of_run(services: Services, job: Job) -> MaskFigure | None:
    """What an inpaint run repainted; None when it has no mask or its files are gone."""
    made = find_output(job, "mask") if job.tool == "inpaint" else None
    if made is None or made.blob.width_px is None or made.blob.height_px is None:
        return None
    view = _whole(made.blob.width_px, made.blob.height_px)
    try:
        data = services.blobs.read(made.blob_sha256)
        mask = decode_mask(data, max_pixels=services.settings.max_pixels)
        return _figure(resample(mask, *view.size), view, stored_file(main_input(job)))
    except StorageError:
        return None


def drawing_of_run(services: Services, job: Job) -> MaskFigure | None:
    """What was painted for a run, without its other masks; None when it cannot be shown."""
    picture = stored_file(main_input(job))
    try:
        return mask_figure(_STROKES_ALONE, drawing_of(services, job, picture), None, picture)
    except (StorageError, UserInputError):  # swept, or refused as unreadable: the run says so
        return None


def _whole(width_px: int, height_px: int) -> View:
    scale = min(_SIDE_PX / max(width_px, height_px), 1)
    reduced = max(round(width_px * scale), 1), max(round(height_px * scale), 1)
    return View(0, 0, width_px, height_px, *reduced)


def _figure(mask: Pixels, view: View, picture: StoredFile) -> MaskFigure:
    buffer = BytesIO()
    shown = Image.fromarray(tinted(view_pixels(picture, view), mask))
    shown.save(buffer, "JPEG", quality=_QUALITY)
    address = data_address(buffer.getvalue(), "image/jpeg")
    return MaskFigure(address, float((mask >= HOLE_LEVEL).mean()), not mask.any())
