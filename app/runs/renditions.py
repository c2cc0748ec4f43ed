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
from studio.storage import translating_full_disk
from tasks.reading import reading_pool
from tasks.renditions import PARTIAL_SUFFIX, WORKING_COPIES, Kind, note_use, rendition_path
from tasks.services import Services

Write = Callable[[Path, str, Limits, Path], None]
"""One of the functions of ``studio.imaging.reduced``."""

_WRITERS: dict[Kind, Write] = {
    Kind.THUMBNAIL: reduced.write_thumbnail,
    Kind.DISPLAY: reduced.write_display,
    Kind.FULL: reduced.write_full,
    Kind.PIXELS: reduced.write_opaque,
    Kind.MASK: reduced.write_mask_levels,
    Kind.STENCIL: reduced.write_stencil,
}
_flights = SingleFlight()


def rendition_file(
    services: Services, sha256: str, kind: Kind, *, file_name: str = "", owner: Hashable = None
) -> Path:
    """A stored picture in one of its forms; exports, which differ by format, are made apart.

    Args:
        services: the studio.
        sha256: names the stored picture.
        kind: which form.
        file_name: what it is called in refusals; without one, they speak of no file.
        owner: who asks; what one person asks for does not hold up another.

    Raises:
        StorageError: the stored file is gone.
        DiskFullError: there is no room for what is made.
        UserInputError: it cannot be read within the bounds.
        RetriableError: too many files are being read.

    """
    return make_once(services, sha256, kind, _WRITERS[kind], file_name=file_name, owner=owner)


def make_once(
    services: Services,
    sha256: str,
    kind: Kind,
    write: Write,
    *,
    file_name: str,
    owner: Hashable,
    manner: str = "",
) -> Path:
    """What ``write`` makes of the picture, for good or as long as there is room; as above.

    ``manner`` names how ``write`` does it, where there are several ways; it begins with a dot.
    """
    path = rendition_path(services.settings, kind, sha256, manner)
    if not path.is_file():
        with _flights.alone_with(path):
            if not path.is_file():
                _make(services, sha256, write, path, file_name=file_name, owner=owner)
    if kind in WORKING_COPIES:
        note_use(services.settings, path)
    return path


def _make(
    services: Services, sha256: str, write: Write, path: Path, *, file_name: str, owner: Hashable
) -> None:
    target = path.with_name(f"{uuid4().hex}{PARTIAL_SUFFIX}")
    with translating_full_disk(), services.blobs.as_file(sha256) as file:
        path.parent.mkdir(parents=True, exist_ok=True)
        # The limits on uploads do not bind results, which may be larger.
        limits = Limits(file.stat().st_size, services.settings.max_pixels)
        call = partial(write, file, file_name, limits, target)
        try:
            read_confined(
                reading_pool(), call, file, file_name=file_name, limits=limits, owner=owner
            )
            target.replace(path)
        finally:
            target.unlink(missing_ok=True)  # a child that was ended leaves a part of it
