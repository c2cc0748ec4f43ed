from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from studio.errors import ModelUnavailableError, RetriableError
from studio.models.contracts import MattingContract, SuperresContract
from studio.models.matting import network_input, network_size, predict_alpha
from studio.models.onnx_runtime import OnnxRuntime
from studio.settings import Settings
from tests.studio.models.networks import (
    FakeRuntime,
    model_of,
    plain_matting,
    write_mean_of_channels,
)

IMAGENET: dict[str, Any] = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}


def contract_of(**fields: Any) -> MattingContract:
    return plain_matting(**{"size_px": (16, 12), **fields})


def picture(width_px: int = 16, height_px: int = 12) -> np.ndarray[Any, Any]:
    chance = np.random.default_rng(0)
    return chance.integers(20, 201, (height_px, width_px, 3), dtype=np.uint8)


FAMILIES: dict[str, dict[str, Any]] = {
    "isnet": {"divide_by": 256, "mean": (0.5, 0.5, 0.5)},
    "rmbg-1.4": {"mean": (0.5, 0.5, 0.5), "min_max": True},
    "u2net": {"divide_by": "max", **IMAGENET, "min_max": True, "resample": "lanczos"},
    "isnet-anime": {"divide_by": "max", "mean": IMAGENET["mean"], "min_max": True},
    "birefnet": {"divide_by": "max", **IMAGENET, "sigmoid": True, "min_max": True},
    "modnet": {
        "mean": (0.5,) * 3,
        "std": (0.5,) * 3,
        "size_px": None,
        "short_side_px": 12,
        "multiple": 4,
        "resample": "area",
    },
}


def expected_alpha(contract: MattingContract, pixels: np.ndarray[Any, Any]) -> Any:
    """The family's published arithmetic, step by step in float64."""
    values = pixels.astype(np.float64)
    values /= values.max() if contract.divide_by == "max" else contract.divide_by
    matte = ((values - contract.mean) / contract.std).mean(axis=2)
    if contract.sigmoid:
        matte = 1 / (1 + np.exp(-matte))
    if contract.min_max:
        matte = (matte - matte.min()) / (matte.max() - matte.min())
    return np.clip(matte * 255, 0, 255)


@pytest.mark.parametrize("family", FAMILIES)
def test_predict_alpha_keeps_the_contract_of_the_family(tmp_path: Path, family: str) -> None:
    contract = contract_of(**FAMILIES[family], output_index=1)
    path = write_mean_of_channels(tmp_path / "net.onnx", spare_outputs=1)
    model = model_of(OnnxRuntime(path, Settings(device="cpu", threads=1)), contract)
    pixels = picture()
    alpha = predict_alpha(model, pixels)
    assert alpha.dtype == np.uint8
    assert np.abs(alpha - expected_alpha(contract, pixels)).max() <= 0.51


@pytest.mark.parametrize("size", [(7, 9), (64, 48), (1, 200)])
def test_predict_alpha_has_the_size_of_the_picture(size: tuple[int, int]) -> None:
    runtime = FakeRuntime(lambda planes: planes[:, :1])
    alpha = predict_alpha(model_of(runtime, contract_of()), picture(*size))
    assert alpha.shape == size[::-1]
    assert runtime.calls[0].shape == (1, 3, 12, 16)


def test_predict_alpha_of_a_flat_mask_leaves_it_flat() -> None:
    runtime = FakeRuntime(lambda planes: np.full((1, 1, 12, 16), 0.6, np.float32))
    alpha = predict_alpha(model_of(runtime, contract_of(min_max=True)), picture())
    assert np.all(alpha == 153)


def test_predict_alpha_stretches_a_narrow_mask_over_the_whole_range() -> None:
    ramp = np.linspace(0.4, 0.5, 192, dtype=np.float32).reshape(1, 1, 12, 16)
    runtime = FakeRuntime(lambda planes: ramp)
    alpha = predict_alpha(model_of(runtime, contract_of(min_max=True)), picture())
    assert (alpha.min(), alpha.max()) == (0, 255)


def test_predict_alpha_of_extreme_logits_does_not_overflow() -> None:
    logits = np.where(np.arange(192) < 96, -1e4, 1e4).reshape(1, 1, 12, 16)
    runtime = FakeRuntime(lambda planes: logits.astype(np.float32))
    alpha = predict_alpha(model_of(runtime, contract_of(sigmoid=True)), picture())
    assert set(np.unique(alpha)) == {0, 255}


def test_predict_alpha_of_a_black_picture_divides_by_no_zero() -> None:
    planes = network_input(contract_of(divide_by="max"), np.zeros((12, 16, 3), np.uint8))
    assert np.all(planes == 0)


def test_predict_alpha_without_memory_can_be_tried_later() -> None:
    def starve(planes: Any) -> Any:
        raise MemoryError

    with pytest.raises(RetriableError) as error:
        predict_alpha(model_of(FakeRuntime(starve), contract_of()), picture())
    assert error.value.code == "memory.exhausted"


def test_predict_alpha_with_another_kind_of_model_is_a_mistake() -> None:
    with pytest.raises(ModelUnavailableError, match="not described as a matting network"):
        predict_alpha(model_of(FakeRuntime(), SuperresContract(overlap_px=1)), picture())


@pytest.mark.parametrize("sizes", [{"size_px": None}, {"size_px": (8, 8), "short_side_px": 8}])
def test_contract_without_one_size_rule_is_refused(sizes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="either size_px or short_side_px"):
        plain_matting(**sizes)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((600, 500), (600 // 32 * 32, 480)),  # short side at most 512, long side at least: kept
        ((400, 300), (672, 512)),  # wholly smaller: the short side grows to 512
        ((2000, 1000), (1024, 512)),  # wholly larger: the short side shrinks to 512
        ((1000, 3), (992, 32)),  # never less than one multiple
    ],
)
def test_network_size_follows_the_short_side_rule(
    size: tuple[int, int], expected: tuple[int, int]
) -> None:
    contract = contract_of(size_px=None, short_side_px=512, multiple=32)
    assert network_size(contract, *size) == expected


def test_network_input_of_a_large_picture_does_not_alias() -> None:
    stripes = np.zeros((48, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    planes = network_input(contract_of(), stripes)
    assert np.abs(planes - 0.5).max() < 0.1
