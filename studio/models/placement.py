"""Putting files where they belong so that no reader ever sees half of one."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def staged(final: Path) -> Iterator[Path]:
    """A path beside ``final`` to write to; gone afterwards unless ``commit`` moved it."""
    handle, name = tempfile.mkstemp(dir=final.parent, prefix=f".{final.name}.", suffix=".tmp")
    os.close(handle)
    path = Path(name)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def commit(temporary: Path, final: Path) -> None:
    """Make ``temporary`` durable and rename it to ``final``, on the same file system."""
    # mkstemp makes files private; other processes of the studio may run as other users.
    temporary.chmod(0o644)
    with temporary.open("rb") as stream:
        os.fsync(stream.fileno())
    temporary.replace(final)
    _sync_folder(final.parent)


def write_atomically(path: Path, data: bytes) -> None:
    """Replace ``path`` with ``data``."""
    with staged(path) as temporary:
        temporary.write_bytes(data)
        commit(temporary, path)


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # Windows cannot open folders
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
