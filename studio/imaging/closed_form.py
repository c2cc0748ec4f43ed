"""Closed-form alpha matting: the band between subject and background, solved from colour.

Levin, Lischinski and Weiss, A Closed-Form Solution to Natural Image Matting (2008), by
PyMatting's Laplacian, preconditioner and solver.
"""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from studio.imaging.guided import guided_upsample
from studio.imaging.picture import Pixels
from studio.imaging.trimap import FOREGROUND, UNKNOWN, shrink_trimap
from studio.words import Message, msg

logger = logging.getLogger(__name__)

SOLVED_PIXELS = 1_000_000
"""The Laplacian takes 400 bytes a pixel, so larger parts are solved reduced to this many."""

_REGULARISATION = 1e-5
"""A hundred times PyMatting's own: grain and JPEG blocks leave no marks, hair stays as sharp."""
_TOLERANCE = 1e-6
_MAX_STEPS = 500
_CONTEXT_PX = 8
"""Certain pixels kept round the band; two would do for the windows of the Laplacian."""
_GUIDE_RADIUS_PX = 2
"""In reduced pixels; the colour line of the matting windows, carried to full size."""
_GUIDE_EPSILON = 2.0
"""In squared levels, about the grain of a good photograph; below it colours count as flat."""

_UNSETTLED = msg("the solver did not settle on an alpha")

_Floats = npt.NDArray[np.floating[Any]]
_Box = tuple[slice, slice]


class UnsolvedMatteError(Exception):
    """The solver did not settle; ``reason`` says so as the end of a sentence."""

    def __init__(self, reason: Message) -> None:
        super().__init__(reason)
        self.reason = reason


def solve_matte(pixels: Pixels, trimap: Pixels, tell: Callable[[float], None]) -> Pixels:
    """The alpha that explains the colours of the unknown band by those on either side of it.

    Only the part of the picture that holds the band is looked at. Where that part is larger
    than ``SOLVED_PIXELS`` it is solved reduced, and brought to full size by a guided filter,
    which keeps alpha a straight function of colour in each small window, as closed-form
    matting itself assumes.

    Args:
        pixels: RGB ``uint8 (H, W, 3)``.
        trimap: ``uint8 (H, W)``, as ``make_trimap`` gives it.
        tell: called often with the fraction done; may raise to stop.

    Returns:
        ``uint8 (H, W)``: 255 and 0 where the trimap is certain.

    Raises:
        UnsolvedMatteError: no certain subject or background to start from, or no solution.

    """
    if not (trimap == UNKNOWN).any():
        return trimap
    if not (trimap == FOREGROUND).any() or not (trimap == 0).any():
        raise UnsolvedMatteError(msg("the thresholds leave no certain subject and background"))
    box = _box_of(trimap == UNKNOWN)
    solved = _solve_part(pixels[box], trimap[box], tell)
    matte = trimap.copy()
    matte[box] = np.where(trimap[box] == UNKNOWN, solved, trimap[box])
    return matte


def _solve_part(pixels: Pixels, trimap: Pixels, tell: Callable[[float], None]) -> Pixels:
    height, width = trimap.shape
    factor = (height * width / SOLVED_PIXELS) ** 0.5
    if factor <= 1:
        return _bytes(_solve(pixels, trimap, tell) * 255)
    size = (max(int(width / factor), 1), max(int(height / factor), 1))
    reduced = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    matte = _solve(reduced, shrink_trimap(trimap, *size), tell)
    return _bytes(
        guided_upsample(
            matte * 255, reduced, pixels, radius_px=_GUIDE_RADIUS_PX, epsilon=_GUIDE_EPSILON
        )
    )


def _solve(pixels: Pixels, trimap: Pixels, tell: Callable[[float], None]) -> _Floats:
    """Alpha, ``float64 (h, w)`` from 0 to 1."""
    unknown = (trimap == UNKNOWN).ravel()
    known = ~unknown
    alpha = (trimap == FOREGROUND).ravel().astype(np.float64)
    tell(0.0)
    laplacian = _pymatting("laplacian.cf_laplacian").cf_laplacian(
        pixels / 255.0, epsilon=_REGULARISATION, is_known=known
    )
    tell(0.2)
    rows = laplacian[unknown]
    system, given = rows[:, unknown], -rows[:, known].dot(alpha[known])
    precondition = _pymatting("preconditioner.ichol").ichol(system)
    tell(0.6)
    alpha[unknown] = _settle(system, given, precondition, tell)
    clipped: _Floats = np.clip(alpha, 0, 1).reshape(trimap.shape)
    return clipped


def _settle(
    system: Any,  # noqa: ANN401 — scipy ships no types
    given: _Floats,
    precondition: Callable[[_Floats], _Floats],
    tell: Callable[[float], None],
) -> _Floats:
    steps = 0

    def step(*_: object) -> None:
        nonlocal steps
        steps += 1
        tell(1 - 0.4 * 0.9**steps)

    try:
        # Pixels that no window reaches, as in a picture two pixels high, have no solution.
        with np.errstate(divide="ignore", invalid="ignore"):
            solution: _Floats = _pymatting("solver.cg").cg(
                system, given, M=precondition, rtol=_TOLERANCE, maxiter=_MAX_STEPS, callback=step
            )
    except ValueError as error:
        raise UnsolvedMatteError(_UNSETTLED) from error
    return solution


@lru_cache
def _pymatting(name: str) -> ModuleType:
    """One module of PyMatting by itself.

    The package's own ``__init__`` compiles all of its methods on first use, which takes the
    better part of a minute; the three modules that are needed take a few seconds. Numba keeps
    what it compiled, so later processes load them at once.

    What a module prints is logged instead: the preconditioner prints that it failed each time
    it goes on to a larger shift of the diagonal. That costs steps, not accuracy, since the
    solver stops by what is left over.
    """
    package = importlib.util.find_spec("pymatting")
    if package is None or not package.submodule_search_locations:
        raise ModuleNotFoundError("PyMatting is not installed")
    path = Path(package.submodule_search_locations[0], *name.split(".")).with_suffix(".py")
    spec = importlib.util.spec_from_file_location(f"pymatting.{name}", path)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(f"PyMatting has no module {name}")
    module = importlib.util.module_from_spec(spec)
    vars(module)["print"] = logger.debug
    spec.loader.exec_module(module)
    return module


def _box_of(band: npt.NDArray[np.bool_]) -> _Box:
    x, y, width, height = cv2.boundingRect(band.view(np.uint8))
    return (
        slice(max(y - _CONTEXT_PX, 0), y + height + _CONTEXT_PX),
        slice(max(x - _CONTEXT_PX, 0), x + width + _CONTEXT_PX),
    )


def _bytes(values: _Floats) -> Pixels:
    if not np.isfinite(values).all():
        raise UnsolvedMatteError(_UNSETTLED)
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
