"""What the studio stores is for the user it runs as, and for nobody else on the machine."""

from __future__ import annotations

import logging
import os
import stat
from pathlib import Path

from studio.errors import SettingsError
from studio.words import msg

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_log = logging.getLogger(__name__)


def keep_private(folder: Path) -> None:
    """Make ``folder`` if need be, and what lies in it, readable by this user alone.

    All that this process and those it starts write from now on is private too. Deeper folders
    are left as they are: nobody gets past those on the way.

    Raises:
        SettingsError: ``folder`` cannot be made or looked into.

    """
    os.umask(_OTHERS)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        inside = list(folder.iterdir())
    except OSError as error:
        raise SettingsError(
            msg(
                "The folder {folder} cannot be used ({fault}). Give this user the right to read "
                "and write there, or set STUDIO_DATA_DIR to another.",
                folder=str(folder),
                fault=str(error.strerror),
            )
        ) from error
    for path in (folder, *inside):
        _tighten(path)


def _tighten(path: Path) -> None:
    try:
        mode = stat.S_IMODE(path.lstat().st_mode)
        if mode & _OTHERS and not path.is_symlink():
            path.chmod(mode & ~_OTHERS)
    except FileNotFoundError:
        pass  # a temporary file of another process
    except PermissionError:
        _log.warning("%s belongs to another user and stays as open as it is", path)
