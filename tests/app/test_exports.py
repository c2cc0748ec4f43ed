from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from app.exports import MAX_PIXELS, export
from db.models import Blob, JobOutput
from studio.errors import UserInputError
from studio.imaging.encode import encode
from studio.imaging.picture import Picture
from studio.imaging.provenance import Provenance, read_provenance
from studio.params import ImageFormat
from tasks.services import Services

PROVENANCE = Provenance(
    job_id=None,
    tool="upscale",
    tool_version=1,
    studio_version="0.1.0",
    params={"scale": 2},
    inputs={"image": "ab" * 32},
    weights={},
    digital_source_type="compositeWithTrainedAlgorithmicMedia",
)


def make_output(services: Services, alpha: int | None = None) -> JobOutput:
    """A stored red PNG of 40 x 30 pixels, with a uniform alpha or none."""
    red = np.zeros((30, 40, 3), np.uint8)
    red[..., 0] = 200
    cover = None if alpha is None else np.full((30, 40), alpha, np.uint8)
    data = encode(Picture(red, cover), format=ImageFormat.PNG, quality=90, provenance=PROVENANCE)
    blob = Blob(
        sha256=services.blobs.put(data),
        size_bytes=len(data),
        media_type="image/png",
        width_px=40,
        height_px=30,
    )
    return JobOutput(file_name="red.enlarged.png", blob_sha256=blob.sha256, blob=blob)


@pytest.mark.parametrize(
    ("format", "name", "pillow_name"),
    [
        (ImageFormat.WEBP, "red.enlarged.webp", "WEBP"),
        (ImageFormat.JPEG, "red.enlarged.jpg", "JPEG"),
        (ImageFormat.PNG, "red.enlarged.png", "PNG"),
    ],
)
def test_export_writes_the_format_and_keeps_provenance(
    services: Services, format: ImageFormat, name: str, pillow_name: str
) -> None:
    made = export(services, make_output(services), format, 80)
    assert (made.file_name, made.media_type) == (name, f"image/{format}")
    with Image.open(BytesIO(made.data)) as image:
        assert (image.format, image.size) == (pillow_name, (40, 30))
    assert read_provenance(made.data) == PROVENANCE


def test_export_jpeg_shows_transparent_as_white(services: Services) -> None:
    made = export(services, make_output(services, alpha=0), ImageFormat.JPEG, 95)
    with Image.open(BytesIO(made.data)) as image:
        assert min(image.getpixel((20, 15))) > 250


def test_export_of_a_large_result_is_refused(services: Services) -> None:
    output = make_output(services)
    output.blob.width_px, output.blob.height_px = MAX_PIXELS, 2
    with pytest.raises(UserInputError) as refusal:
        export(services, output, ImageFormat.WEBP, 80)
    assert refusal.value.code == "export.too_many_pixels"
