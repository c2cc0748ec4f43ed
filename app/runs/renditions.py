"""Other forms of stored pictures, for screens: made once, kept in the data folder.

Each is made in a child process that can be ended, and once, however many ask for it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import partial
from pathlib import Path
from uuid import uuid4

from app.runs.single_flight import SingleFlight
from studio.imaging import reduced
from studio.imaging.confined import read_confined
from studio.imaging.decode import Limits
from tasks.reading import reading_pool
from tasks.renditions import PARTIAL_SUFFIX, WORKING_COPIES, Kind, note_use, rendition_path
from tasks.services import Services

Write = Callable[[Path, str, Limits, Path], None]
"""One of the functions of ``studio.imaging.reduced``."""

_flights = SingleFlight()


def thumbnail_file(services: Services, sha256: str, *, owner: Hashable = None) -> Path:
    """A small JPEG; alpha is shown over a checkerboard.

    Args:
        services: the studio.
        sha256: names the stored picture.
        owner: who asks; what one person asks for does not hold up another.

    Raises:
        StorageError: the stored file is gone.
        UserInputError: it cannot be read within the bounds.
        RetriableError: too many files are being read.

    """
    return make_once(services, sha256, owner, Kind.THUMBNAIL, reduced.write_thumbnail)


def display_file(services: Services, sha256: str, *, owner: Hashable = None) -> Path:
    """WebP of at most ``DISPLAY_SIDE_PX`` a side, with its alpha; else as the thumbnail."""
    return make_once(services, sha256, owner, Kind.DISPLAY, reduced.write_display)


def full_file(services: Services, sha256: str, *, owner: Hashable = None) -> Path:
    """WebP at the picture's own size, with its alpha; else as the thumbnail."""
    return make_once(services, sha256, owner, Kind.FULL, reduced.write_full)


def pixels_file(services: Services, sha256: str, *, owner: Hashable = None) -> Path:
    """The pixels on white, ``uint8 (H, W, 3)``, for ``numpy.load``; else as the thumbnail."""
    return make_once(services, sha256, owner, Kind.PIXELS, reduced.write_opaque)


def mask_file(services: Services, sha256: str, *, owner: Hashable = None) -> Path:
    """What it says as a mask, ``uint8 (H, W)``, for ``numpy.load``; else as the thumbnail."""
    return make_once(services, sha256, owner, Kind.MASK, reduced.write_mask_levels)


def stencil_file(services: Services, sha256: str, *, owner: Hashable = None) -> Path:
    """As :func:`mask_file`, without half-tones: 0 or 255."""
    return make_once(services, sha256, owner, Kind.STENCIL, reduced.write_stencil)


def make_once(
    services: Services,
    sha256: str,
    owner: Hashable,
    kind: Kind,
    write: Write,
    *,
    manner: str = "",
) -> Path:
    """What ``write`` makes of the picture, for good or as long as there is room; as the above.

    ``manner`` names how ``write`` does it, where there are several ways; it begins with a dot.
    """
    path = rendition_path(services.settings, kind, sha256, manner)
    if not path.is_file():
        with _flights.alone_with(path):
            if not path.is_file():
                _make(services, sha256, owner, write, path)
    if kind in WORKING_COPIES:
        note_use(services.settings, path)
    return path


def _make(services: Services, sha256: str, owner: Hashable, write: Write, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    target = path.with_name(f"{uuid4().hex}{PARTIAL_SUFFIX}")
    try:
        with services.blobs.as_file(sha256) as file:
            # The limits on uploads do not bind results, which may be larger.
            limits = Limits(file.stat().st_size, services.settings.max_pixels)
            call = partial(write, file, sha256, limits, target)
            read_confined(reading_pool(), call, file, file_name=sha256, limits=limits, owner=owner)
        target.replace(path)
    finally:
        target.unlink(missing_ok=True)  # a child that was ended leaves a part of it
