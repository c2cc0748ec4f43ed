"""The portrait in every look: ``python -m tests.studio.tools.golden_cartoons`` draws it anew.

With the argument "digest" it prints the sum of a contact sheet's bytes instead.
"""

from __future__ import annotations

import sys
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from app.sample import sample_picture
from studio.imaging.picture import Picture, Pixels
from studio.imaging.resample import resample
from studio.models.cache import ModelCache
from studio.models.catalogue import load_catalogue
from studio.models.weights import WeightStore
from studio.params import ALL_LOOKS, CartoonParams, Look
from studio.report import Report
from studio.settings import Settings
from studio.tools.cartoon import run
from studio.tools.spec import ToolInputs

FOLDER = Path(__file__).parents[2] / "golden" / "cartoon"
SIDE_PX = 384
_QUALITY = 90


def portrait(side_px: int = SIDE_PX) -> Pixels:
    """A person in a space suit, square."""
    _, data = sample_picture()
    return resample(np.asarray(Image.open(BytesIO(data)).convert("RGB")), side_px, side_px)


def in_full_strength(pixels: Pixels, models: ModelCache, **params: object) -> Pixels:
    values = CartoonParams.model_validate({"strength": 1, "long_side_px": None, **params})
    inputs = ToolInputs({"image": [Picture(pixels)]})
    image, *_ = run(inputs, values, models, Report())
    return image.picture.pixels


def golden_path(look: Look) -> Path:
    return FOLDER / f"{look}.webp"


def main() -> None:
    settings = Settings()
    models = ModelCache(WeightStore(settings.weights_dir, load_catalogue()), settings)
    if sys.argv[1:] == ["digest"]:
        sheet = in_full_strength(portrait(), models, look=ALL_LOOKS, seed=3)
        sys.stdout.write(sha256(sheet.tobytes()).hexdigest())
        return
    for look in Look:
        picture = in_full_strength(portrait(), models, look=look)
        Image.fromarray(picture).save(golden_path(look), "WEBP", quality=_QUALITY, method=6)


if __name__ == "__main__":
    main()
