"""Disks without room, in storage and beside it."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from studio.errors import DiskFullError


def is_disk_full(error: BaseException) -> bool:
    """Whether ``error`` says that a disk, or this user's share of it, has no room."""
    return isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}


@contextmanager
def translating_full_disk() -> Iterator[None]:
    """Turn what a full disk raises into a ``DiskFullError``; for what is written beside storage."""
    try:
        yield
    except OSError as error:
        if not is_disk_full(error):
            raise
        raise DiskFullError from error
