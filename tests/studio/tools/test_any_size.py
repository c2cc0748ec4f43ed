"""Every tool, its default networks included, on the thinnest pictures and every kind of file."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageDraw

from studio.errors import UserInputError
from studio.tools.pipeline import EncodedOutput
from studio.tools.registry import TOOLS, parse_params
from tests.studio.tools.sample_runs import SampleRun, head, needs_weights

pytestmark = [pytest.mark.usefixtures("need_weights"), pytest.mark.slow]

PICTURES = (
    (1, 1, "RGB"),
    (1, 1, "LA"),
    (1, 3000, "L"),
    (3000, 1, "RGBA"),
    (3000, 17, "LA"),
    (17, 3000, "RGBA"),
    (17, 3000, "L"),
)
"""Width, height and mode of the file."""

VALUES = {"cartoon": {"long_side_px": None}}


def refusals(tool: str, width: int, height: int) -> set[str]:
    """What a tool may say of a ball before a wall that holds nothing for it."""
    match tool:
        case "faceswap":
            return {"faceswap.no_face"}
        case "cutout" if min(width, height) == 1:
            return {"cutout.nothing_found"}
        case "inpaint" if width == height == 1:
            return {"inpaint.nothing_to_copy"}
    return set()


def in_mode(image: Image.Image, mode: str) -> Image.Image:
    """``image`` in grey or colour; its transparency, if any, rises from the top."""
    converted = image.convert(mode)
    if mode.endswith("A"):
        converted.putalpha(Image.linear_gradient("L").resize(image.size))
    return converted


def inputs(tool: str, width: int, height: int, mode: str) -> dict[str, Image.Image]:
    ball = Image.new("RGB", (width, height), (225, 225, 220))
    box = (width * 0.25, height * 0.25, width * 0.75, height * 0.75)
    ImageDraw.Draw(ball).ellipse(box, fill=(200, 60, 20))
    pictures = {"image": in_mode(ball, mode)}
    if tool == "inpaint":
        mask = np.zeros((height, width), bool)
        mask[height // 3 :, width // 3 :][:40, :40] = True
        pictures["mask"] = Image.fromarray(mask)
    if tool == "faceswap":
        pictures["source"] = Image.fromarray(head())
    return pictures


def opened(output: EncodedOutput) -> Image.Image:
    image = Image.open(BytesIO(output.file.getvalue()))
    assert image.get_format_mimetype() == output.media_type
    assert image.size == (output.width_px, output.height_px)
    return image


@pytest.mark.parametrize(("width", "height", "mode"), PICTURES)
@pytest.mark.parametrize("tool", [pytest.param(tool, marks=needs_weights(tool)) for tool in TOOLS])
def test_tool_on_any_file_answers_at_the_size_it_promised(
    tool: str, width: int, height: int, mode: str
) -> None:
    values = VALUES.get(tool, {})
    try:
        result = SampleRun(tool, inputs(tool, width, height, mode), values).run()
    except UserInputError as refusal:
        assert refusal.code in refusals(tool, width, height)  # noqa: PT017
        return

    image, *others = map(opened, result.outputs)
    assert image.size == parse_params(tool, values).output_size(width, height)
    assert image.mode == ("RGBA" if tool == "cutout" or mode.endswith("A") else "RGB")
    assert {other.size for other in others} <= {(width, height)}


@pytest.mark.parametrize(
    ("width", "height", "mode"),
    [(3000, 300, "RGB"), (300, 3000, "L"), (3000, 300, "LA"), (300, 3000, "RGBA")],
)
@pytest.mark.parametrize(
    "tool",
    [pytest.param(tool, marks=needs_weights(tool)) for tool in ("faces", "faceswap")],
)
def test_tool_for_faces_finds_the_one_in_a_tall_or_wide_picture(
    tool: str, width: int, height: int, mode: str
) -> None:
    wall = Image.new("RGB", (width, height), (150, 140, 130))
    wall.paste(Image.fromarray(head()), (width - 280, height - 280))
    pictures = {"image": in_mode(wall, mode)}
    if tool == "faceswap":
        pictures["source"] = in_mode(Image.fromarray(head()[:, ::-1]), mode)

    result = SampleRun(tool, pictures, {}).run()

    [region] = result.record.regions
    assert not region.is_fault
    image = opened(result.outputs[0])
    assert image.size == (width, height)
    changed = np.abs(np.int16(image.convert("RGB")) - np.int16(wall.convert(mode).convert("RGB")))
    rows, columns = changed.max(axis=2).nonzero()
    assert width - 280 <= columns.min() < columns.max() < width - 24
    assert height - 280 <= rows.min() < rows.max() < height - 24
