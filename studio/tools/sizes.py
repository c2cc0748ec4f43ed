"""Inputs that belong to the main picture pixel by pixel, and how one that does not is refused."""

from __future__ import annotations

from studio.errors import UserInputError
from studio.words import msg


def require_size_of_main(
    role: str, size_px: tuple[int, int], main_px: tuple[int, int], *, tool: str
) -> None:
    """Refuse a file as ``role`` whose width and height are not those of the main picture.

    Raises:
        UserInputError: ``<tool>.<role>_size``.

    """
    if size_px != main_px:
        raise UserInputError(
            msg(
                "The {role} is {width} × {height} px and the picture {wide} × {high}",
                role=role,
                width=size_px[0],
                height=size_px[1],
                wide=main_px[0],
                high=main_px[1],
            ),
            remedy=msg("Give the {role} that was made from this very picture.", role=role),
            code=f"{tool}.{role}_size",
        )
