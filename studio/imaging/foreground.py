"""The subject's own colour where a soft edge mixes it with the old background.

A camera pixel at a soft edge is ``alpha * F + (1 - alpha) * B``. Keeping it as it is and
only lowering alpha leaves a fringe of B in every new composite; this module finds F.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from studio.imaging.picture import Pixels
from studio.imaging.spread import spread

_Floats = npt.NDArray[np.floating[Any]]
"""float32 throughout; numpy's annotations lose the width in arithmetic."""
_Sample = TypeVar("_Sample", np.uint8, np.floating[Any])

_THREADS = 2
"""One a layer."""
_REDUCTION = 2
"""Both layers are smooth, so they are estimated this much smaller; detail comes back last."""
_CERTAIN_ALPHA = 0.95
"""From here on a pixel is taken to show one layer only."""
_UNCERTAIN_WEIGHT = 1e-4
"""What mixed pixels count, so that a subject without any certain pixel has a colour too."""


def estimate_foreground(pixels: Pixels, alpha: Pixels) -> Pixels:
    """The subject's colour for every pixel, free of the background it was taken on.

    Opaque pixels are returned unchanged. Where alpha is 0 the nearest subject colours go
    on, so that an edge moved outwards or feathered later finds no old background there.

    Both layers start from the pixels that show only one of them, carried into the soft
    zone by a pyramid of normalised blurs (pull-push, Gortler et al. 1996). What the two
    then leave unexplained in the picture is shared between them by least squares, and
    spread once more. Fine detail comes back last, by the step of Forte (Approximate Fast
    Foreground Colour Estimation, 2021), which forgives an alpha that is a little wrong.

    Args:
        pixels: RGB ``uint8 (H, W, 3)``; not changed.
        alpha: of the subject, ``uint8 (H, W)``, 255 = subject.

    Returns:
        RGB ``uint8 (H, W, 3)``, not premultiplied.

    """
    with ThreadPoolExecutor(_THREADS) as threads:  # numpy and cv2 work outside Python's lock
        foreground, background = _smooth_layers(pixels, alpha, threads)

        def restore(soft: npt.NDArray[np.intp]) -> None:
            foreground.reshape(-1, 3)[soft] = _bytes(
                _with_detail(
                    _take(pixels, soft),
                    alpha.reshape(-1, 1)[soft] / np.float32(255),
                    _take(foreground, soft),
                    _take(background, soft),
                )
            )

        soft = np.flatnonzero((alpha != 0) & (alpha != 255))
        list(threads.map(restore, np.array_split(soft, _THREADS)))
    opaque = (alpha == 255).astype(np.uint8)
    return np.asarray(cv2.copyTo(pixels, opaque, foreground), dtype=np.uint8)


def _smooth_layers(
    pixels: Pixels, alpha: Pixels, threads: ThreadPoolExecutor
) -> tuple[Pixels, Pixels]:
    """Subject and background, each continued over the whole picture, without fine detail."""
    height, width = alpha.shape
    size = (-(-width // _REDUCTION), -(-height // _REDUCTION))
    image: _Floats = _resized(pixels, size, cv2.INTER_AREA).astype(np.float32)
    opacity: _Floats = _resized(alpha, size, cv2.INTER_AREA).astype(np.float32)
    opacity /= np.float32(255)
    emptiness = np.float32(1) - opacity
    layers = threads.map(_certain_layer, (image, image), (opacity, emptiness))
    layers = threads.map(spread, _explain(image, opacity, *layers), (opacity**2, emptiness**2))
    foreground, background = (
        _resized(_bytes(layer), (width, height), cv2.INTER_LINEAR) for layer in layers
    )
    return foreground, background


def _certain_layer(image: _Floats, opacity: _Floats) -> _Floats:
    return spread(image, _certainty(opacity))


def _certainty(opacity: _Floats) -> _Floats:
    certain = np.clip((opacity - _CERTAIN_ALPHA) / (1 - _CERTAIN_ALPHA), 0, 1)
    return np.asarray(certain**2 + _UNCERTAIN_WEIGHT * opacity**4, dtype=np.float32)


def _explain(
    image: _Floats, opacity: _Floats, foreground: _Floats, background: _Floats
) -> tuple[_Floats, _Floats]:
    """The least change to both layers, within 0 to 255, after which they compose ``image``."""
    share = opacity[..., np.newaxis]
    rest = np.float32(1) - share
    unexplained = image - background
    unexplained -= share * (foreground - background)
    unexplained /= share * share + rest * rest
    return (
        np.clip(foreground + share * unexplained, 0, 255),
        np.clip(background + rest * unexplained, 0, 255),
    )


def _with_detail(
    image: _Floats, share: _Floats, foreground: _Floats, background: _Floats
) -> _Floats:
    unexplained = image - share * foreground - (np.float32(1) - share) * background
    detailed: _Floats = foreground + share * unexplained
    return detailed


def _take(pixels: Pixels, positions: npt.NDArray[np.intp]) -> _Floats:
    return pixels.reshape(-1, 3)[positions].astype(np.float32)


def _resized(values: npt.NDArray[_Sample], size: tuple[int, int], how: int) -> npt.NDArray[_Sample]:
    return np.asarray(cv2.resize(values, size, interpolation=how), dtype=values.dtype)


def _bytes(values: _Floats) -> Pixels:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
