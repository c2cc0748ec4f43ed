"""Why a file is refused, in sentences that name it and say what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image

from studio.errors import UserInputError
from studio.imaging import sniff
from studio.words import Message, msg

READABLE = msg("JPEG, PNG, WebP, TIFF, BMP, GIF, AVIF or HEIC")
"""What may be uploaded, for sentences."""

MAX_PNG_TEXT_BYTES = 4_000_000
"""Of one text or profile in a PNG, unpacked."""
_UNPACKS_TOO_FAR = "Decompressed data too large"
"""What Pillow says of a longer one."""

SAVE_AGAIN = msg("Open it in another program and save it again, or make it smaller.")


@contextmanager
def refusing(file_name: str) -> Iterator[None]:
    """Name the file in every refusal, and turn whatever a reader raises into one.

    The bytes come from anyone, and Pillow's readers meet broken ones with exceptions of
    every kind; so everything is caught here, once, and nothing is hidden: the cause stays.
    """
    try:
        yield
    except UserInputError as refusal:
        raise refusal.naming(file_name) from refusal.__cause__
    except Exception as error:
        raise _meaning(error).naming(file_name) from error


def foreign(data: bytes) -> UserInputError:
    """A file of a kind that the studio does not read."""
    kind = sniff.foreign_kind(data)
    if kind:
        return unsupported(msg("This is {kind}", kind=Message(kind)))
    return UserInputError(
        msg("This is not a picture"),
        remedy=msg("Choose a {readable} file.", readable=READABLE),
        code="image.not_an_image",
    )


def unsupported(reason: Message) -> UserInputError:
    """A sound file that the studio does not read."""
    return UserInputError(
        reason,
        remedy=msg("Save it as {readable} and try again.", readable=READABLE),
        code="image.unsupported",
    )


def too_many_bytes(size_bytes: int, most_bytes: int) -> UserInputError:
    """A file larger than the operator lets in."""
    return UserInputError(
        msg(
            "The file has {size} MB and the limit is {most} MB",
            size=_megabytes(size_bytes),
            most=_megabytes(most_bytes),
        ),
        remedy=msg("Save it as JPEG or make it smaller."),
        code="image.too_many_bytes",
    )


def over(most_bytes: int) -> UserInputError:
    """A file larger than the operator lets in, of which nobody waited for the end."""
    return UserInputError(
        msg("The file has more than the limit of {most} MB", most=_megabytes(most_bytes)),
        remedy=msg("Save it as JPEG or make it smaller."),
        code="image.too_many_bytes",
    )


def truncated() -> UserInputError:
    """A file that is not whole."""
    return UserInputError(
        msg("The file is damaged or was cut off"),
        remedy=msg("Upload it again, or open and save it in another program first."),
        code="image.truncated",
    )


def bomb() -> UserInputError:
    """A file that takes more memory than one of its kind should."""
    return UserInputError(
        msg("Unpacked, this file would fill the memory"), remedy=SAVE_AGAIN, code="image.bomb"
    )


def too_slow(time_limit_s: float) -> UserInputError:
    """A file whose reading had to be stopped."""
    return UserInputError(
        msg("Reading this file takes longer than {limit} s", limit=time_limit_s),
        remedy=SAVE_AGAIN,
        code="image.too_slow",
    )


def crashes() -> UserInputError:
    """A file that ended the process which read it."""
    return UserInputError(
        msg("The program that reads this kind of file crashed on it"),
        remedy=SAVE_AGAIN,
        code="image.crashes",
    )


def _meaning(error: Exception) -> UserInputError:
    """What an exception of a reader says of the file."""
    if isinstance(
        error, (Image.DecompressionBombError, Image.DecompressionBombWarning, MemoryError)
    ):
        return bomb()
    if _UNPACKS_TOO_FAR in str(error):
        return UserInputError(
            msg(
                "Its colour profile, or a text in it, has more than {most:.0f} MB",
                most=MAX_PNG_TEXT_BYTES / 1e6,
            ),
            remedy=msg("Save it without one and try again."),
            code="image.bomb",
        )
    return truncated()


def _megabytes(count: int) -> float:
    return round(count / 1e6, 1)
