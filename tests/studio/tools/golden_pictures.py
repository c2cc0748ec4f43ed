"""One picture of each tool without looks: ``python -m tests.studio.tools.golden_pictures`` makes
them anew."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from studio.imaging.picture import Picture, Pixels
from studio.models.cache import ModelCache
from studio.models.catalogue import load_catalogue
from studio.models.weights import WeightStore
from studio.params import parse_params
from studio.report import Report
from studio.settings import Settings
from studio.tools.spec import ToolInputs, get_tool
from tests.studio.tools.golden_cartoons import portrait

FOLDER = Path(__file__).parents[2] / "golden"
TOOLS = ("cutout", "upscale", "inpaint")
_SIDE_PX = 256
_QUALITY = 90


def make(tool: str) -> Pixels:
    """What ``tool`` makes of the portrait, RGB ``uint8 (H, W, 3)``."""
    settings = Settings()
    models = ModelCache(WeightStore(settings.weights_dir, load_catalogue()), settings)
    photo = portrait(_SIDE_PX)
    pictures = {"image": [Picture(photo)]}
    match tool:
        case "cutout":
            values = {"output": "colour", "colour": "#2a9d8f", "outline_px": 3}
        case "upscale":
            values = {"scale": 2}
            pictures = {"image": [Picture(np.ascontiguousarray(photo[:128, 64:192]))]}
        case _:
            values = {"model": "auto", "seed": 1}
            pictures["mask"] = [Picture(_damage(photo))]
    spec = get_tool(tool)
    params = parse_params(tool, values)
    image, *_ = spec.load()(ToolInputs(pictures), params, models, Report())
    return image.picture.pixels


def golden_path(tool: str) -> Path:
    return FOLDER / tool / "portrait.webp"


def _damage(photo: Pixels) -> Pixels:
    """A hole on the wall and a scratch across the suit, white on black."""
    mask = np.zeros_like(photo)
    mask[50:90, 158:172] = 255
    diagonal = np.arange(110, 230)
    for offset in range(3):
        mask[diagonal, diagonal // 2 + offset] = 255
    return mask


def main() -> None:
    for tool in TOOLS:
        path = golden_path(tool)
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(make(tool)).save(path, "WEBP", quality=_QUALITY, method=6)


if __name__ == "__main__":
    main()
