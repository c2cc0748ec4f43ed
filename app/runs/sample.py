"""The portrait that ships with a dependency: for a first run, without a picture at hand."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from studio.errors import UserInputError
from studio.words import msg


def sample_picture() -> tuple[str, bytes]:
    """File name and PNG, under 1 MB, of the portrait in scikit-image, which is not imported.

    Raises:
        UserInputError: ``sample.missing``.

    """
    package = find_spec("skimage")
    if package is None or package.origin is None:
        raise UserInputError(
            msg("The sample picture is not installed"),
            remedy=msg("Use one of your own."),
            code="sample.missing",
        )
    path = Path(package.origin).parent / "data" / "astronaut.png"
    return path.name, path.read_bytes()
