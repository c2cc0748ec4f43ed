"""Every matting network of the field, as the catalogue calls it, on a graph of its signature.

The expected alpha is worked out here by Pillow in double precision, step by step as the
network's own project does it, from numbers written down here and not read from the catalogue.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import helper
from PIL import Image

from studio.imaging.picture import Pixels
from studio.models.catalogue import load_catalogue
from studio.models.matting import predict_alpha
from studio.models.onnx_runtime import OnnxRuntime
from studio.settings import Settings
from tests.studio.models.networks import FakeRuntime, model_of, write_onnx

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
HALF = (0.5, 0.5, 0.5)
ONE = (1.0, 1.0, 1.0)
LANCZOS, BILINEAR = Image.Resampling.LANCZOS, Image.Resampling.BILINEAR
WEIGHTS = (0.5, 0.3, 0.2)
"""Of R, G and B: a channel order or a mean that is wrong shows in the alpha."""


@dataclass(frozen=True)
class Family:
    """What rembg (and, for RMBG-1.4, IOPaint) does around one network."""

    model_id: str
    size_px: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    resample: Image.Resampling = LANCZOS
    by_maximum: bool = True
    sigmoid: bool = False
    input_name: str = "input"
    outputs: int = 1
    precision: str = "fp32"

    def expected_alpha(self, pixels: Pixels) -> Pixels:
        size = (self.size_px, self.size_px)
        small = np.asarray(Image.fromarray(pixels).resize(size, self.resample), np.float64)
        small /= small.max() if self.by_maximum else 255
        answer = ((small - self.mean) / self.std) @ np.array(WEIGHTS)
        if self.sigmoid:
            answer = 1 / (1 + np.exp(-answer))
        answer = (answer - answer.min()) / (answer.max() - answer.min())
        mask = Image.fromarray((answer * 255).astype(np.uint8))
        return np.asarray(mask.resize((pixels.shape[1], pixels.shape[0]), self.resample))


FAMILIES = [
    Family("u2net", 320, IMAGENET_MEAN, IMAGENET_STD, input_name="input.1", outputs=7),
    Family("u2netp", 320, IMAGENET_MEAN, IMAGENET_STD, input_name="input.1", outputs=7),
    Family("u2net-human-seg", 320, IMAGENET_MEAN, IMAGENET_STD, input_name="input.1", outputs=7),
    Family("silueta", 320, IMAGENET_MEAN, IMAGENET_STD, input_name="input.1", outputs=7),
    Family("isnet-general-use", 1024, HALF, ONE, input_name="input_image", outputs=6),
    Family("isnet-anime", 1024, IMAGENET_MEAN, ONE, input_name="img"),
    Family("birefnet-general", 1024, IMAGENET_MEAN, IMAGENET_STD, sigmoid=True),
    Family("birefnet-general-lite", 1024, IMAGENET_MEAN, IMAGENET_STD, sigmoid=True),
    Family("birefnet-portrait", 1024, IMAGENET_MEAN, IMAGENET_STD, sigmoid=True),
    Family("rmbg-2.0", 1024, IMAGENET_MEAN, IMAGENET_STD, input_name="pixel_values"),
    Family("rmbg-1.4", 1024, HALF, ONE, BILINEAR, by_maximum=False),
    Family("rmbg-1.4-fp16", 1024, HALF, ONE, BILINEAR, by_maximum=False, precision="fp16"),
    Family("rmbg-1.4-quantized", 1024, HALF, ONE, BILINEAR, by_maximum=False, precision="int8"),
]


def write_family(path: Path, family: Family) -> Path:
    """Fixed size, the true number of outputs, the mask first; ports are always float32."""
    size = family.size_px
    weights = np.array(WEIGHTS, np.float32).reshape(1, 3, 1, 1)
    constants: dict[str, NDArray[Any]] = {"weight": weights}
    names = [f"d{index}" for index in range(family.outputs)]
    source, result = family.input_name, names[0]
    nodes: list[onnx.NodeProto] = []
    if family.precision == "fp16":
        constants["weight"] = weights.astype(np.float16)
        nodes.append(_cast(source, "half", onnx.TensorProto.FLOAT16))
        source, result = "half", "half_result"
    if family.precision == "int8":
        constants |= {"scale": np.float32(0.5 / 127), "zero": np.int8(0)}
        constants["weight"] = np.rint(weights / constants["scale"]).astype(np.int8)
        nodes.append(helper.make_node("DequantizeLinear", ["weight", "scale", "zero"], ["real"]))
    weight = "real" if family.precision == "int8" else "weight"
    nodes.append(helper.make_node("Conv", [source, weight], [result], kernel_shape=[1, 1]))
    if family.precision == "fp16":
        nodes.append(_cast(result, names[0], onnx.TensorProto.FLOAT))
    nodes += [helper.make_node("Neg", [names[0]], [name]) for name in names[1:]]
    return write_onnx(
        path,
        nodes,
        constants,
        input_name=family.input_name,
        outputs=names,
        shape=(1, 3, size, size),
    )


def _cast(source: str, result: str, kind: int) -> onnx.NodeProto:
    return helper.make_node("Cast", [source], [result], to=kind)


def photo(width_px: int, height_px: int) -> Pixels:
    """Soft shapes in all three channels, none of which reaches 255."""
    chance = np.random.default_rng(3)
    coarse = chance.integers(15, 200, (9, 12, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(coarse, (width_px, height_px), interpolation=cv2.INTER_CUBIC))


def alpha_of(model_id: str, path: Path, pixels: Pixels) -> Pixels:
    contract = load_catalogue().get(model_id).contract
    runtime = OnnxRuntime(path, Settings(device="cpu", threads=1))
    return predict_alpha(model_of(runtime, contract), pixels)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.model_id)
@pytest.mark.parametrize("size", [(210, 160), (1300, 900)])
def test_matting_network_is_called_as_its_project_calls_it(
    tmp_path: Path, family: Family, size: tuple[int, int]
) -> None:
    pixels = photo(*size)
    path = write_family(tmp_path / "net.onnx", family)

    alpha = alpha_of(family.model_id, path, pixels)

    difference = np.abs(alpha.astype(int) - family.expected_alpha(pixels))
    # The projects cut fractions of a level off where the studio rounds, which Lanczos may
    # triple; eight-bit weights move more.
    bound, mean_bound = (4, 2.0) if family.precision == "int8" else (3, 0.75)
    assert difference.max() <= bound
    assert difference.mean() <= mean_bound


def modnet_alpha(pixels: Pixels) -> Pixels:
    """As MODNet's own ONNX demo: short side 512, multiples of 32, area filter both ways."""
    height, width = pixels.shape[:2]
    if max(height, width) < 512 or min(height, width) > 512:
        new_height = 512 if width >= height else int(height / width * 512)
        new_width = int(width / height * 512) if width >= height else 512
    else:
        new_height, new_width = height, width
    size = (new_width - new_width % 32, new_height - new_height % 32)
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    answer = ((small.astype(np.float64) - 127.5) / 127.5) @ np.array(WEIGHTS)
    matte = (np.clip(answer, 0, 1) * 255).astype(np.uint8)
    return np.asarray(cv2.resize(matte, (width, height), interpolation=cv2.INTER_AREA))


@pytest.mark.parametrize("size", [(300, 200), (600, 500), (1500, 700), (700, 1500)])
def test_modnet_is_called_as_its_project_calls_it(tmp_path: Path, size: tuple[int, int]) -> None:
    pixels = photo(*size)
    weights = np.array(WEIGHTS, np.float32).reshape(1, 3, 1, 1)
    nodes = [helper.make_node("Conv", ["input", "weight"], ["output"], kernel_shape=[1, 1])]
    path = write_onnx(tmp_path / "net.onnx", nodes, {"weight": weights})

    alpha = alpha_of("modnet", path, pixels)

    assert np.abs(alpha.astype(int) - modnet_alpha(pixels)).max() <= 2


def test_matting_of_hard_edges_keeps_the_inside_solid() -> None:
    """A filter that overshoots must not widen the span that is stretched to 0 and 255."""
    answer = np.full((1, 1, 320, 320), 0.1, np.float32)
    answer[..., 100:220, 100:220] = 0.9
    runtime = FakeRuntime(lambda _planes: answer)

    contract = load_catalogue().get("u2net").contract
    alpha = predict_alpha(model_of(runtime, contract), photo(640, 640))

    assert alpha[320, 320] == 255
    assert alpha[20, 20] == 0
