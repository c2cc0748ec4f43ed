"""The one in-memory form of a picture."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from studio.words import Message

Pixels = npt.NDArray[np.uint8]
"""``uint8`` array: RGB ``(H, W, 3)`` for colour, ``(H, W)`` for an alpha or mask."""


@dataclass(frozen=True, slots=True)
class Picture:
    """Decoded pixels, upright, in sRGB.

    Attributes:
        pixels: ``uint8 (H, W, 3)`` RGB. Not premultiplied.
        alpha: ``uint8 (H, W)``, 255 = opaque; None when the picture is fully opaque.
        notes: what decoding changed, in plain words (profile converted, first frame taken).

    """

    pixels: Pixels
    alpha: Pixels | None = None
    notes: tuple[Message, ...] = field(default=())

    @property
    def width(self) -> int:
        """Columns."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Rows."""
        return int(self.pixels.shape[0])

    @property
    def megapixels(self) -> float:
        """Millions of pixels."""
        return self.width * self.height / 1e6

    def with_pixels(self, pixels: Pixels, alpha: Pixels | None = None) -> Picture:
        """The same provenance with other pixels."""
        return replace(self, pixels=pixels, alpha=alpha)
