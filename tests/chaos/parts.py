"""Parts of a studio's surroundings that are taken away; servers are behind ``tests.proxy``."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Protocol

from db.session import Database

DISK_BYTES = 4 * 2**30
"""More than the pictures of any run take; the file system is a sparse file."""


class Part(Protocol):
    """Something of the surroundings that can be taken away and brought back."""

    def close(self) -> None:
        """End it as a server ends."""

    def freeze(self) -> None:
        """Let it answer nothing more; the same where there is nobody to answer."""

    def restore(self) -> None:
        """Bring it back."""


class LockedDatabase:
    """A SQLite file that somebody else writes to, for too long."""

    def __init__(self, url: str) -> None:
        self._database = Database(url)
        self._held = ExitStack()

    def close(self) -> None:
        self._held.enter_context(self._database.write())

    freeze = close

    def restore(self) -> None:
        self._held.close()


class MissingFolder:
    """A folder of files that is not mounted; what is written there meanwhile is hidden later."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._aside = folder.with_name(f"unmounted-{folder.name}")

    def close(self) -> None:
        self._folder.rename(self._aside)

    freeze = close

    def restore(self) -> None:
        while True:
            shutil.rmtree(self._folder, ignore_errors=True)
            try:
                self._aside.rename(self._folder)
            except OSError as error:
                if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                    raise
                continue  # somebody wrote there in between
            return


class BlockedFolder(MissingFolder):
    """A folder that nobody can read, nor make anew."""

    def close(self) -> None:
        super().close()
        self._folder.touch()

    freeze = close

    def restore(self) -> None:
        self._folder.unlink()
        super().restore()


class FullDisk:
    """The disk of a studio's data, filled to the brim with a file of somebody else's."""

    def __init__(self, folder: Path) -> None:
        self._filler = folder / "filler"

    def close(self) -> None:
        size_bytes = shutil.disk_usage(self._filler.parent).free
        with self._filler.open("wb") as file:
            while size_bytes:
                try:
                    end = file.seek(0, os.SEEK_END)
                    os.posix_fallocate(file.fileno(), end, size_bytes)
                except OSError:
                    size_bytes //= 2

    freeze = close

    def restore(self) -> None:
        self._filler.unlink()


class NotMountedError(Exception):
    """No disk can be mounted here; says why."""


@contextmanager
def own_disk(folder: Path) -> Iterator[Path]:
    """A small disk mounted beneath ``folder``.

    Raises:
        NotMountedError: this user may not mount one, or the programs for it are not there.

    """
    image, mounted = folder / "disk.img", folder / "disk"
    mounted.mkdir()
    with image.open("wb") as file:
        file.truncate(DISK_BYTES)
    try:
        for command in (
            ["mkfs.ext4", "-q", "-m", "0", str(image)],
            ["mount", "-o", "loop", str(image), str(mounted)],
        ):
            subprocess.run(command, check=True, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise NotMountedError(f"no {error.filename} on this machine") from error
    except subprocess.CalledProcessError as error:
        why = " ".join(error.stderr.split())
        raise NotMountedError(f"this user may not mount a disk: {why}") from error
    try:
        yield mounted
    finally:
        subprocess.run(["umount", "--lazy", str(mounted)], check=True)
        image.unlink()
