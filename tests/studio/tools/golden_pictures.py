"""What every look and tool makes of the sample portrait, kept as pictures.

``python -m tests.studio.tools.golden_pictures [NAME ...]`` makes all, or those named, anew.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from studio.imaging.decode import Limits, decode
from studio.imaging.picture import Pixels
from studio.params import Look
from studio.settings import Settings
from tests.studio.tools.sample_runs import SampleRun, head, portrait

_FOLDER = Path(__file__).parents[2] / "golden"
_SIDE_PX = 256
_PAINT = (255, 0, 255)


@dataclass(frozen=True, slots=True)
class Golden:
    """One run, and the index of the pixels of its result that are the tool's own work.

    What a tool only hands through would hide its faults.
    """

    run: SampleRun
    part: Any = ...

    @property
    def photo(self) -> Pixels:
        """The main input, RGB ``uint8 (H, W, 3)``."""
        return np.asarray(self.run.pictures["image"])

    def make(self) -> Pixels:
        """The result, RGB ``uint8 (H, W, 3)``."""
        image, *_ = self.run.run().outputs
        limits = Limits.from_settings(Settings())
        return decode(image.file.getvalue(), file_name=image.file_name, limits=limits).pixels


def _cartoon(look: Look) -> Golden:
    values = {"look": look, "strength": 1, "long_side_px": None}
    return Golden(SampleRun("cartoon", {"image": Image.fromarray(head())}, values))


def _cutout() -> Golden:
    values = {"output": "colour", "colour": "#2a9d8f", "outline_px": 3}
    photo = Image.fromarray(portrait(_SIDE_PX))
    return Golden(SampleRun("cutout", {"image": photo}, values))


def _upscale() -> Golden:
    face = Image.fromarray(portrait(_SIDE_PX)).crop((64, 0, 192, 128))
    return Golden(SampleRun("upscale", {"image": face}, {"scale": 2}))


def _inpaint() -> Golden:
    """A hole in the suit, one on the wall and a scratch, all painted over."""
    rows, columns = np.mgrid[:_SIDE_PX, :_SIDE_PX]
    mask = np.hypot(rows - 175, columns - 45) < 22
    mask[50:90, 158:172] = True
    diagonal = np.arange(110, 230)
    for offset in range(3):
        mask[diagonal, diagonal // 2 + offset] = True
    painted = np.where(mask[..., np.newaxis], np.uint8(_PAINT), portrait(_SIDE_PX))
    pictures = {"image": Image.fromarray(painted), "mask": Image.fromarray(mask)}
    return Golden(SampleRun("inpaint", pictures, {"seed": 1}), part=mask)


def _faceswap() -> Golden:
    """Onto the same person in other light, mirrored: every feature lies elsewhere."""
    mirrored = (head()[:, ::-1] * np.array([0.75, 0.65, 0.6]) + 10).astype(np.uint8)
    pictures = {"image": Image.fromarray(mirrored), "source": Image.fromarray(head())}
    return Golden(SampleRun("faceswap", pictures, {}), part=np.s_[60:160, 86:170])


GOLDENS = {
    **{f"cartoon/{look}": _cartoon(look) for look in Look},
    "cutout/portrait": _cutout(),
    "faceswap/portrait": _faceswap(),
    "inpaint/portrait": _inpaint(),
    "upscale/portrait": _upscale(),
}


def read_golden(name: str) -> Pixels:
    """The kept picture, RGB ``uint8 (H, W, 3)``."""
    with Image.open(_path(name)) as golden:
        return np.asarray(golden.convert("RGB"))


def _path(name: str) -> Path:
    return _FOLDER / f"{name}.webp"


def main() -> None:
    for name in sys.argv[1:] or GOLDENS:
        Image.fromarray(GOLDENS[name].make()).save(
            _path(name), "WEBP", lossless=True, quality=100, method=6
        )


if __name__ == "__main__":
    main()
