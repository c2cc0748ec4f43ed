from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper
from skimage import data

from studio.errors import ModelUnavailableError, RetriableError
from studio.models.cache import Model
from studio.models.contracts import StyleContract, SuperresContract
from studio.models.guard import require_contract
from studio.models.onnx_runtime import OnnxRuntime
from studio.models.style import draw, working_size
from studio.models.tensorflow_convert import tensorflow_to_onnx
from studio.models.torch_convert import torch_to_onnx
from studio.report import Report
from studio.settings import Settings
from tests.studio.models import torch_networks as nets
from tests.studio.models.networks import FakeRuntime, model_of, write_onnx
from tests.studio.models.tensorflow_graphs import DctNet
from tests.words import said

CPU = Settings(device="cpu", threads=1)
ANIMEGAN2 = {"layout": "nchw", "multiple": 32, "least_side_px": 256}
ANIMEGAN3 = {"layout": "nhwc", "multiple": 8, "least_side_px": 256}
DCT_NET = {
    "layout": "hwc",
    "colour": "bgr",
    "divide_by": 1.0,
    "mean": (0, 0, 0),
    "multiple": 16,
    "padding": "white",
}
SIZES = [(1, 1), (2, 9), (100, 60), (256, 256), (257, 300), (3000, 17), (17, 3000)]
"""Width and height."""


def photo(width_px: int, height_px: int) -> np.ndarray[Any, Any]:
    whole = np.tile(data.astronaut(), (6, 6, 1))
    return np.ascontiguousarray(whole[:height_px, :width_px])


def fake(answer: Any = lambda fed: fed, **contract: Any) -> Model:
    return model_of(FakeRuntime(answer), StyleContract(**contract))


def fed_by(model: Model) -> np.ndarray[Any, Any]:
    assert isinstance(model.runtime, FakeRuntime)
    return model.runtime.calls[0]


@pytest.mark.parametrize("contract", [ANIMEGAN2, ANIMEGAN3, DCT_NET], ids=["v2", "v3", "dct"])
@pytest.mark.parametrize("size", SIZES)
def test_draw_gives_back_the_picture_that_the_network_repeats(
    contract: dict[str, Any], size: tuple[int, int]
) -> None:
    """The identity in the network's own numbers is the identity in pixels, at every size."""
    model, pixels = fake(**contract), photo(*size)

    drawn = draw(model, pixels, Report())

    assert np.array_equal(drawn, pixels)
    height, width = {"nchw": (2, 3), "nhwc": (1, 2), "hwc": (0, 1)}[contract["layout"]]
    for axis in (height, width):
        side_px = fed_by(model).shape[axis]
        assert side_px % contract["multiple"] == 0
        assert side_px >= contract.get("least_side_px", 1)
    assert fed_by(model).dtype == np.float32


@settings(max_examples=40, deadline=None)
@given(
    width=st.integers(1, 70),
    height=st.integers(1, 70),
    multiple=st.sampled_from([1, 8, 32]),
    colour=st.sampled_from(["rgb", "bgr"]),
    layout=st.sampled_from(["nchw", "nhwc", "hwc"]),
    padding=st.sampled_from(["reflect", "white"]),
)
def test_draw_keeps_size_and_type_for_every_contract(
    width: int, height: int, **contract: Any
) -> None:
    pixels = photo(width, height)
    drawn = draw(fake(overlap_px=None, **contract), pixels, Report())
    assert drawn.dtype == np.uint8
    assert np.array_equal(drawn, pixels)


@pytest.mark.parametrize(
    ("contract", "fed"),
    [
        ({"layout": "nchw"}, (-1.0, 0.0, 1.0)),
        ({"layout": "nchw", "colour": "bgr"}, (1.0, 0.0, -1.0)),
        ({"layout": "nchw", "divide_by": 255, "mean": (0, 0, 0)}, (0.0, 0.5, 1.0)),
        ({"layout": "nchw", "divide_by": 255, "mean": (0.5,) * 3, "std": (0.25,) * 3}, (-2, 0, 2)),
    ],
)
def test_draw_feeds_what_the_contract_says(
    contract: dict[str, Any], fed: tuple[float, float, float]
) -> None:
    model = fake(**contract)
    draw(model, np.array([[[0, 127, 255]]], np.uint8), Report())
    assert fed_by(model)[0, :, 0, 0] == pytest.approx(fed, abs=0.02)


def test_draw_reads_an_answer_in_other_numbers_than_the_input() -> None:
    answers = {"output_divide_by": 1.0, "output_mean": (0, 0, 0), "output_std": (1, 1, 1)}
    model = fake(lambda fed: np.full_like(fed, 300.2), layout="nhwc", output_index=0, **answers)
    assert draw(model, photo(4, 4), Report()).max() == 255
    model = fake(lambda fed: np.full_like(fed, 99.6), layout="nhwc", **answers)
    assert np.all(draw(model, photo(4, 4), Report()) == 100)


def test_draw_of_a_white_padded_network_never_sees_a_mirrored_border() -> None:
    model = fake(**DCT_NET)
    draw(model, np.zeros((10, 20, 3), np.uint8), Report())
    assert fed_by(model).shape == (16, 32, 3)
    assert np.all(fed_by(model)[10:] == 255)
    assert np.all(fed_by(model)[:10, 20:] == 255)


def test_draw_of_a_local_network_in_tiles_is_what_it_draws_at_once(tmp_path: Path) -> None:
    kernel = np.full((3, 3, 5, 5), 1 / 75, np.float32)
    node = helper.make_node("Conv", ["input", "kernel"], ["output"], pads=[2] * 4)
    runtime = OnnxRuntime(write_onnx(tmp_path / "net.onnx", [node], {"kernel": kernel}), CPU)
    pixels = photo(700, 500)
    whole = draw(model_of(runtime, StyleContract(layout="nchw")), pixels, Report())
    # 1.75 GiB over this many bytes a pixel leaves tiles of 300 px.
    contract = StyleContract(layout="nchw", overlap_px=8, bytes_per_px=20_000)
    told: list[float] = []
    tiled = draw(
        model_of(runtime, contract), pixels, Report(lambda fraction, stage: told.append(fraction))
    )
    assert len(told) > 3
    assert np.abs(whole.astype(int) - tiled).max() <= 1


def test_draw_in_tiles_takes_smaller_ones_when_memory_runs_out() -> None:
    def starve_above_100_px(fed: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        if fed.shape[2] * fed.shape[3] > 100 * 100:
            raise MemoryError
        return fed

    report, pixels = Report(), photo(200, 150)
    drawn = draw(fake(starve_above_100_px, layout="nchw", overlap_px=8), pixels, report)
    assert np.array_equal(drawn, pixels)
    assert "smaller tiles were used" in said(report.notes)[0]


def test_draw_where_no_tile_fits_can_be_tried_later() -> None:
    def starve(fed: Any) -> Any:
        raise MemoryError

    with pytest.raises(RetriableError) as error:
        draw(fake(starve, layout="nchw", overlap_px=8), photo(200, 150), Report())
    assert error.value.code == "memory.exhausted"


@pytest.mark.parametrize(
    ("contract", "size", "expected"),
    [
        ({"short_side_px": 720}, (2048, 1536), (960, 720)),
        ({"short_side_px": 720}, (600, 700), (600, 700)),
        ({"short_side_px": 10}, (3000, 1), (3000, 1)),
        ({"bytes_per_px": 1 << 21}, (400, 100), (60, 15)),
        ({"bytes_per_px": 1 << 21, "overlap_px": 4}, (400, 100), (400, 100)),
        ({}, (1, 1), (1, 1)),
    ],
)
def test_working_size_is_what_the_network_and_memory_ask_for(
    contract: dict[str, Any], size: tuple[int, int], expected: tuple[int, int]
) -> None:
    assert working_size(StyleContract(layout="nchw", **contract), *size) == expected


def test_style_contract_of_another_kind_of_model_is_refused() -> None:
    spec = model_of(FakeRuntime(), SuperresContract(overlap_px=1)).spec
    with pytest.raises(ModelUnavailableError, match="not described as an image-to-image") as error:
        require_contract(spec, StyleContract)
    assert error.value.code == "model.unsupported"


def test_draw_by_the_true_signature_of_animegan2(tmp_path: Path) -> None:
    module = nets.spread(nets.AnimeGAN2())
    torch_to_onnx(nets.save(module, tmp_path / "net.pt"), tmp_path / "net.onnx")
    model = model_of(OnnxRuntime(tmp_path / "net.onnx", CPU), StyleContract(**ANIMEGAN2))
    pixels = photo(288, 256)
    fed = pixels.transpose(2, 0, 1)[None].astype(np.float32) / 127.5 - 1
    expected = (nets.answer(module, fed)[0].transpose(1, 2, 0) + 1) * 127.5

    drawn = draw(model, pixels, Report())

    assert np.abs(drawn - expected).max() < 0.52


def test_draw_by_the_true_signature_of_animegan3(tmp_path: Path) -> None:
    """NHWC in and out, as TensorFlow's exporter writes it: turned, filtered, turned back."""
    nodes = [
        helper.make_node("Transpose", ["AnimeGANv3_input:0"], ["first"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["first", "kernel"], ["filtered"], pads=[1] * 4),
        helper.make_node("Tanh", ["filtered"], ["bent"]),
        helper.make_node("Transpose", ["bent"], ["output"], perm=[0, 2, 3, 1]),
    ]
    kernel = np.zeros((3, 3, 3, 3), np.float32)
    kernel[0, 1, 1, 1] = kernel[1, 2, 1, 1] = kernel[2, 0, 1, 1] = 1
    path = write_onnx(
        tmp_path / "net.onnx",
        nodes,
        {"kernel": kernel},
        input_name="AnimeGANv3_input:0",
        shape=(1, None, None, 3),
    )
    pixels = photo(300, 260)

    drawn = draw(model_of(OnnxRuntime(path, CPU), StyleContract(**ANIMEGAN3)), pixels, Report())

    expected = (np.tanh(pixels / 127.5 - 1) + 1) * 127.5
    assert np.abs(drawn - expected[..., [1, 2, 0]]).max() < 0.52


def test_draw_by_the_true_signature_of_dct_net(tmp_path: Path) -> None:
    tensorflow_to_onnx(DctNet().write(tmp_path / "net.pb"), tmp_path / "net.onnx")
    runtime = OnnxRuntime(tmp_path / "net.onnx", CPU)
    pixels = photo(100, 70)
    padded = np.full((80, 112, 3), 255, np.float32)
    padded[:70, :100] = pixels[..., ::-1]
    (answer,) = runtime.run({"input_image": padded})

    drawn = draw(model_of(runtime, StyleContract(**DCT_NET)), pixels, Report())

    assert np.array_equal(drawn, answer[:70, :100, ::-1])
    assert drawn.std() > 10
