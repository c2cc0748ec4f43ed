from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from app.runs.exports import MAX_PIXELS, exported_file
from db.models import Blob, JobOutput
from studio.errors import UserInputError
from studio.imaging.picture import Picture
from studio.imaging.provenance import Provenance, read_provenance
from studio.params import ImageFormat
from tasks.renditions import drop_renditions
from tasks.services import Services
from tests.pictures import encoded

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
    data = encoded(Picture(red, cover), ImageFormat.PNG, provenance=PROVENANCE)
    blob = Blob(
        sha256=services.blobs.put(data),
        size_bytes=len(data),
        media_type="image/png",
        width_px=40,
        height_px=30,
    )
    return JobOutput(file_name="red.enlarged.png", blob_sha256=blob.sha256, blob=blob)


@pytest.mark.parametrize(
    ("format", "pillow_name"),
    [(ImageFormat.WEBP, "WEBP"), (ImageFormat.JPEG, "JPEG"), (ImageFormat.PNG, "PNG")],
)
def test_exported_file_has_the_format_and_keeps_provenance(
    services: Services, format: ImageFormat, pillow_name: str
) -> None:
    made = exported_file(services, make_output(services), format, 80)
    with Image.open(made) as image:
        assert (image.format, image.size) == (pillow_name, (40, 30))
    assert read_provenance(made.read_bytes()) == PROVENANCE


def test_exported_file_jpeg_shows_transparent_as_white(services: Services) -> None:
    made = exported_file(services, make_output(services, alpha=0), ImageFormat.JPEG, 95)
    with Image.open(made) as image:
        assert min(image.getpixel((20, 15))) > 250


def test_exported_file_is_made_once_for_each_format_and_quality(services: Services) -> None:
    output = make_output(services)
    ways = [(ImageFormat.JPEG, 95), (ImageFormat.JPEG, 20), (ImageFormat.WEBP, 20)]
    made = [exported_file(services, output, *way) for way in ways]
    assert len({file.read_bytes() for file in made}) == 3
    made[0].write_bytes(b"as it was")
    assert exported_file(services, output, *ways[0]).read_bytes() == b"as it was"


def test_exported_file_goes_with_the_result(services: Services) -> None:
    made = exported_file(services, make_output(services), ImageFormat.JPEG, 95)
    assert drop_renditions(services) == 1
    assert not made.exists()


def test_exported_file_of_a_large_result_is_refused(services: Services) -> None:
    output = make_output(services)
    output.blob.width_px, output.blob.height_px = MAX_PIXELS, 2
    with pytest.raises(UserInputError) as refusal:
        exported_file(services, output, ImageFormat.WEBP, 80)
    assert refusal.value.code == "export.too_many_pixels"
