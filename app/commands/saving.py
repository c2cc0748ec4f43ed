"""Results in a folder of somebody's: nothing that lies there is overwritten."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from studio.errors import UserInputError
from studio.words import msg


def save_new(folder: Path, file_name: str, pieces: Iterable[bytes | memoryview]) -> Path:
    """Write a file under its name, or that name with the first free number; returns where.

    One that cannot be written whole is not left there.

    Raises:
        OSError: the folder takes no files, or no more of this one.

    """
    wanted = path = folder / file_name
    number = 1
    while True:
        try:
            handle = path.open("xb")
        except FileExistsError:
            number += 1
            path = wanted.with_stem(f"{wanted.stem}-{number}")
        else:
            break
    try:
        with handle:
            handle.writelines(pieces)
    except BaseException:
        path.unlink()
        raise
    return path


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """A folder that takes no files is a refusal, not a traceback."""
    try:
        yield
    except OSError as error:
        raise UserInputError(
            msg(
                "Results cannot be written to {folder} ({fault})",
                folder=str(folder),
                fault=str(error.strerror),
            ),
            remedy=msg("Choose another folder with --out, or make room there."),
            code="out.unwritable",
        ) from error
