"""Holding an enlarged picture to the levels and the patterns of what it was made from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from studio.imaging.picture import Pixels

_Floats = npt.NDArray[np.floating[Any]]
_Number = TypeVar("_Number", np.uint8, np.floating[Any])

_REACH_PX = 2
"""Half a window of the fit, in source pixels; also how far around flat pixels must be alike."""
_MARGIN_PX = 2 * _REACH_PX + 2
"""What lies this near a pixel decides its correction: two windows, and cubic interpolation."""
_DOUBT_LEVELS, _LOST_LEVELS = 30.0, 45.0
"""How far off, root mean square, an enlargement may be before its patterns are doubted, and from
where on they are lost. On photographs the networks of the catalogue stay below 40 anywhere and
below 28 nearly everywhere; on a checker they reach 100 to 200."""
_NOISE_LEVELS = 32.0
"""Contrast that is not worth being given back; of a full checker this leaves 94 per cent."""
_STRIP_AREA_PX = 1 << 20
"""Most pixels of the larger picture that are worked on at once."""


def hold_to_source(enlarged: Pixels, source: Pixels) -> float:
    """Correct, in place, where ``enlarged`` reduced again would not be ``source``.

    Networks lift and lower flat areas by up to 17 levels, and make fine checkers white or grey.
    The mean of their error around each pixel is taken out. Where the error is so large that a
    pattern is lost, it is fitted by a line of the source's level (the guided filter of He et al.,
    2010), which brings the pattern back as interpolation shows it; all else, outlines and weak
    textures, is left to the network. What is quite flat in the source gets its very level.

    Args:
        enlarged: ``uint8 (H * scale, W * scale, 3)``, changed.
        source: ``uint8 (H, W, 3)``.

    Returns:
        The share of the picture, 0 to 1, whose pattern was lost before.

    """
    height, width = source.shape[:2]
    scale = enlarged.shape[0] // height
    # Taken before any strip is corrected, for each reads beyond its borders.
    reduced = np.asarray(
        cv2.resize(enlarged, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8
    )
    lost_px = 0
    for start, stop in _strips(height, width * scale * scale):
        first, last = max(start - _MARGIN_PX, 0), min(stop + _MARGIN_PX, height)
        error = np.subtract(source[first:last], reduced[first:last], dtype=np.float32)
        off = _levels_off(error)
        lost_px += int((off[start - first : stop - first] > _LOST_LEVELS).sum())
        _correct(
            enlarged[start * scale : stop * scale],
            source[first:last],
            error,
            off,
            slice((start - first) * scale, (stop - first) * scale),
        )
    return float(lost_px / (height * width))


def _strips(height: int, row_area_px: int) -> Iterator[tuple[int, int]]:
    """First row and the row after the last of pieces of the source."""
    rows = max(_STRIP_AREA_PX // row_area_px, 2 * _MARGIN_PX)
    for start in range(0, height, rows):
        yield start, min(start + rows, height)


def _levels_off(error: _Floats) -> _Floats:
    """Root mean square of the error around each pixel, in the worst channel, ``(H, W)``."""
    return np.asarray(np.sqrt(_averaged(error * error).max(axis=2)))


def _correct(part: Pixels, source: Pixels, error: _Floats, off: _Floats, rows: slice) -> None:
    """Correct ``part`` in place: those ``rows`` of ``source`` enlarged."""
    levels = source.astype(np.float32)
    mean, mean_error = _averaged(levels), _averaged(error)
    variance = _averaged(levels * levels) - mean * mean
    slope = (_averaged(levels * error) - mean * mean_error) / (variance + _NOISE_LEVELS**2)
    doubt = np.clip((off - _DOUBT_LEVELS) / (_LOST_LEVELS - _DOUBT_LEVELS), 0, 1)
    slope *= doubt[..., np.newaxis]
    offset = _averaged(mean_error - slope * mean)
    size = (part.shape[1], source.shape[0] * part.shape[1] // source.shape[1])
    result = _resized(levels, size, cv2.INTER_CUBIC)[rows]
    result *= _resized(_averaged(slope), size, cv2.INTER_LINEAR)[rows]
    result += _resized(offset, size, cv2.INTER_LINEAR)[rows]
    result += part
    np.clip(np.rint(result, out=result), 0, 255, out=result)
    np.copyto(part, result, casting="unsafe")
    if (is_flat := _is_flat(source)).any():
        large = _resized(is_flat.astype(np.uint8), size, cv2.INTER_NEAREST)[rows]
        flat = _resized(source, size, cv2.INTER_NEAREST)[rows]
        np.copyto(part, flat, where=large[..., np.newaxis] > 0)


def _resized(
    values: npt.NDArray[_Number], size: tuple[int, int], filter_: int
) -> npt.NDArray[_Number]:
    return np.asarray(cv2.resize(values, size, interpolation=filter_), dtype=values.dtype)


def _is_flat(source: Pixels) -> npt.NDArray[np.bool_]:
    """``bool (H, W)``: whether all around within ``_REACH_PX`` is of the very same colour."""
    window = np.ones((2 * _REACH_PX + 1,) * 2, np.uint8)
    return np.asarray((cv2.dilate(source, window) == cv2.erode(source, window)).all(axis=2))


def _averaged(values: _Floats) -> _Floats:
    """The mean of the window around each pixel."""
    side = (2 * _REACH_PX + 1,) * 2
    return np.asarray(cv2.boxFilter(values, -1, side, borderType=cv2.BORDER_REFLECT), np.float32)
