"""Where other forms of stored pictures lie in the data folder, and when they go.

They go with the file they show; the pixels for canvases and what was converted to another format
go also when they take too much room.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from enum import Enum
from itertools import islice
from os import stat_result, utime
from pathlib import Path

from db.repositories.blobs import BlobRepository
from studio.settings import Settings
from tasks.services import Services

PARTIAL_SUFFIX = ".partial"
WORKING_COPIES_BYTES = 2_000_000_000
"""Room for pixels of pictures that people paint on, of 80 megapixels eight, and for exports."""
_BATCH = 500
_PARTIAL_S = 3600.0


class Kind(Enum):
    """A form of a picture: its folder and what its files' names end in."""

    THUMBNAIL = ("thumbnails", ".jpg")
    """A small JPEG; alpha is shown over a checkerboard."""
    DISPLAY = ("pictures", ".webp")
    """WebP of at most ``DISPLAY_SIDE_PX`` a side, with its alpha."""
    FULL = ("full-pictures", ".webp")
    """WebP at the picture's own size, with its alpha."""
    PIXELS = ("pixels", ".npy")
    """The pixels on white, ``uint8 (H, W, 3)``, for ``numpy.load``."""
    MASK = ("mask-levels", ".npy")
    """What the picture says as a mask, ``uint8 (H, W)``, for ``numpy.load``."""
    STENCIL = ("stencils", ".npy")
    """As ``MASK``, without half-tones: 0 or 255."""
    EXPORT = ("exports", "")
    """A result in another file format."""


WORKING_COPIES = frozenset({Kind.PIXELS, Kind.MASK, Kind.STENCIL, Kind.EXPORT})
"""Large and quickly made anew: the longest unused go first."""


def rendition_path(settings: Settings, kind: Kind, sha256: str, manner: str = "") -> Path:
    """Where this form of the picture lies, or would.

    ``manner`` tells apart what is made of one picture in one form; it begins with a dot.
    """
    folder, suffix = kind.value
    return settings.data_dir / folder / sha256[:2] / f"{sha256}{manner}{suffix}"


def note_use(settings: Settings, used: Path) -> None:
    """Count ``used`` as the last used working copy, and drop the first when they are too many."""
    utime(used)
    copies = [
        (found.st_mtime, found.st_size, path)
        for kind in WORKING_COPIES
        for path in _files(settings, kind)
        if (found := _stat(path)) is not None
    ]
    excess = sum(size for _, size, _ in copies) - WORKING_COPIES_BYTES
    for _, size, path in sorted(copies):
        if excess <= 0 or path == used:
            return
        path.unlink(missing_ok=True)
        excess -= size


def drop_renditions(services: Services) -> int:
    """Delete every form of pictures that are gone, and what was never finished; how many."""
    dropped = 0
    for kind in Kind:
        files = _files(services.settings, kind)
        while batch := list(islice(files, _BATCH)):
            digests = {path.name.partition(".")[0] for path in batch}
            with services.database.read() as session:
                known = BlobRepository(session).known(digests)
            for path in batch:
                if path.name.partition(".")[0] not in known and not _may_be_written(path):
                    path.unlink(missing_ok=True)
                    dropped += 1
    return dropped


def _files(settings: Settings, kind: Kind) -> Iterator[Path]:
    return (settings.data_dir / kind.value[0]).glob("*/*")


def _may_be_written(path: Path) -> bool:
    found = _stat(path)
    is_young = found is not None and time.time() - found.st_mtime < _PARTIAL_S
    return path.suffix == PARTIAL_SUFFIX and is_young


def _stat(path: Path) -> stat_result | None:
    """None when somebody else has deleted it meanwhile."""
    try:
        return path.stat()
    except FileNotFoundError:
        return None
