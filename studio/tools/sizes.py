"""Inputs that belong to the main picture pixel by pixel, and how one that does not is refused."""

from __future__ import annotations

from studio.errors import UserInputError
from studio.tools.spec import ToolSpec
from studio.words import msg


def require_size_of_main(
    spec: ToolSpec, role: str, size_px: tuple[int, int], main_px: tuple[int, int]
) -> None:
    """Refuse a file as ``role`` whose width and height are not those of the main picture.

    Raises:
        UserInputError: ``<tool>.<role>_size``.

    """
    if size_px != main_px:
        raise UserInputError(
            msg(
                "“{role}” is {width} × {height} px and the picture {wide} × {high}",
                role=spec.role_title(role),
                width=size_px[0],
                height=size_px[1],
                wide=main_px[0],
                high=main_px[1],
            ),
            remedy=msg("Keep the size of the picture."),
            code=f"{spec.name}.{role}_size",
        )
