"""What was dropped on a page, file by file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from typing import BinaryIO

from streamlit.runtime.uploaded_file_manager import UploadedFile

from app.runs.incoming import incoming
from studio.errors import StudioError, UserInputError
from studio.words import msg

Source = bytes | BinaryIO | StudioError
"""A file, or why it was refused while it arrived."""


def sources(uploads: Sequence[UploadedFile]) -> Iterator[tuple[str, Source]]:
    """Each upload as our own route keeps it, or as Streamlit does where none stands before it.

    All are taken before the first is checked: what no page takes for long is let go of. Each counts
    among what its person has sent until it was checked.
    """
    with ExitStack() as stack:
        arrived = [_taken(one.file_id, stack) for one in uploads]
        for one, file in zip(uploads, arrived, strict=True):
            if file is None or isinstance(file, StudioError):
                yield one.name, file or (one if one.size else _gone())
            else:
                with file:
                    yield one.name, file


def _taken(file_id: str, stack: ExitStack) -> BinaryIO | StudioError | None:
    """What arrived under this id; ``stack`` closes it."""
    file = incoming().take(file_id)
    if file is None or isinstance(file, StudioError):
        return file
    return stack.enter_context(closing(file))


def _gone() -> UserInputError:
    """Of an upload that nothing is left of: an empty file would be here."""
    return UserInputError(
        msg("It waited for too long, and the studio has let go of it"),
        remedy=msg("Drop it again."),
        code="upload.gone",
    )
