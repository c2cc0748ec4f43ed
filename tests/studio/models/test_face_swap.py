"""Every face swap family on a tiny graph of its signature, by its own catalogue entry."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studio.errors import ModelUnavailableError
from studio.models.contracts import FaceSwapContract
from studio.models.embedding import unit
from studio.models.face_swap import boosted_size_px, swap_crop
from studio.models.inswapper import read_matrix
from tests.studio.models.face_networks import (
    FLOAT,
    HALF,
    catalogue_contract,
    load,
    write_restorer,
    write_swapper,
)

SHIFT = np.array([0.1, -0.2, 0.3])


def embedding() -> Any:
    values = np.zeros(512, np.float32)
    values[:3] = SHIFT
    return values


def contract_of(model_id: str) -> FaceSwapContract:
    contract = catalogue_contract(model_id)
    assert isinstance(contract, FaceSwapContract)
    return contract


def grey_crop(size_px: int, level: int = 128) -> Any:
    return np.full((size_px, size_px, 3), level, np.uint8)


@pytest.mark.parametrize(
    "model_id",
    [
        "inswapper-128",
        "inswapper-128-fp16",
        "inswapper-128-fp16-deep-live-cam",
    ],
)
@pytest.mark.parametrize(("kind", "matrix_dtype"), [(FLOAT, np.float32), (HALF, np.float16)])
def test_inswapper_maps_the_embedding_by_the_matrix_its_graph_does_not_use(
    tmp_path: Path, model_id: str, kind: int, matrix_dtype: Any
) -> None:
    # Swaps the first two numbers and doubles everything: the length must not matter.
    matrix = 2 * np.eye(512)
    matrix[[0, 1]] = matrix[[1, 0]]
    path = write_swapper(
        tmp_path / "swap.onnx", size_px=128, matrix=matrix.astype(matrix_dtype), kind=kind
    )
    source = embedding()

    model = load(path, contract_of(model_id))
    swapped = swap_crop(model, grey_crop(128), unit(source))

    length = np.linalg.norm(source)
    expected = 128 + 255 * source[[1, 0, 2]] / length
    assert np.abs(swapped.pixels[5, 7] - np.clip(expected, 0, 255)).max() <= 1
    assert swapped.changed is None


def test_inswapper_matrix_without_its_name_is_the_last_initializer(tmp_path: Path) -> None:
    matrix = np.arange(512 * 512, dtype=np.float32).reshape(512, 512)
    path = write_swapper(
        tmp_path / "swap.onnx", size_px=128, matrix=matrix, matrix_name="initializer_7"
    )

    assert np.array_equal(read_matrix(path, "buff2fs"), matrix)


def test_inswapper_without_its_matrix_is_refused(tmp_path: Path) -> None:
    path = write_swapper(tmp_path / "optimised.onnx", size_px=128)

    with pytest.raises(ModelUnavailableError, match="lacks the matrix") as refusal:
        load(path, contract_of("inswapper-128"))
    assert refusal.value.code == "model.unreadable"


@pytest.mark.parametrize("model_id", ["hyperswap-1a-256", "hyperswap-1b-256", "hyperswap-1c-256"])
def test_hyperswap_gives_a_face_and_where_it_changed(tmp_path: Path, model_id: str) -> None:
    path = write_swapper(tmp_path / "swap.onnx", size_px=256, has_mask=True)

    swapped = swap_crop(load(path, contract_of(model_id)), grey_crop(256), embedding())

    # Between -1 and 1 a shift is worth half of 255.
    assert np.abs(swapped.pixels[0, 0] - (128 + 127.5 * SHIFT)).max() <= 1
    assert swapped.changed is not None
    assert swapped.changed.shape == (256, 256)
    assert np.all(swapped.changed == 0.5)


@pytest.mark.parametrize("model_id", ["ghost-1-256", "ghost-2-256", "ghost-3-256"])
def test_ghost_denormalises_its_output(tmp_path: Path, model_id: str) -> None:
    path = write_swapper(tmp_path / "swap.onnx", size_px=256)

    swapped = swap_crop(load(path, contract_of(model_id)), grey_crop(256), embedding())

    assert np.abs(swapped.pixels[0, 0] - (128 + 127.5 * SHIFT)).max() <= 1
    contract = contract_of(model_id)
    assert (contract.bridge, contract.is_unit) == ("crossface-ghost", False)


@pytest.mark.parametrize(
    ("model_id", "size_px", "mean", "std"),
    [
        ("simswap-256", 256, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        ("simswap-unofficial-512", 512, (0, 0, 0), (1, 1, 1)),
    ],
)
def test_simswap_normalises_its_input_and_not_its_output(
    tmp_path: Path, model_id: str, size_px: int, mean: Any, std: Any
) -> None:
    path = write_swapper(tmp_path / "swap.onnx", size_px=size_px)

    swapped = swap_crop(load(path, contract_of(model_id)), grey_crop(size_px), embedding())

    expected = 255 * ((128 / 255 - np.array(mean)) / np.array(std) + SHIFT)
    assert np.abs(swapped.pixels[0, 0] - np.clip(expected, 0, 255)).max() <= 1


def test_swap_crop_with_pixel_boost_keeps_every_pixel_in_place(tmp_path: Path) -> None:
    path = write_swapper(tmp_path / "swap.onnx", size_px=256)
    crop = np.random.default_rng(3).integers(0, 256, (512, 512, 3)).astype(np.uint8)

    swapped = swap_crop(load(path, contract_of("ghost-1-256")), crop, np.zeros(512, np.float32))

    assert np.array_equal(swapped.pixels, crop)


@pytest.mark.parametrize(
    ("own_px", "asked_px", "used_px"), [(128, 384, 384), (256, 384, 512), (512, 128, 512)]
)
def test_boosted_size_is_a_multiple_of_the_networks_own(
    own_px: int, asked_px: int, used_px: int
) -> None:
    contract = contract_of("simswap-256").model_copy(update={"size_px": own_px})

    assert boosted_size_px(contract, asked_px) == used_px


def test_swap_crop_of_another_size_is_an_error(tmp_path: Path) -> None:
    model = load(write_swapper(tmp_path / "swap.onnx", size_px=256), contract_of("ghost-1-256"))

    with pytest.raises(ValueError, match="multiple of 256"):
        swap_crop(model, grey_crop(200), embedding())


def test_swap_crop_by_another_kind_of_network_is_an_error(tmp_path: Path) -> None:
    model = load(write_restorer(tmp_path / "net.onnx"), catalogue_contract("gfpgan-1.4"))

    with pytest.raises(ModelUnavailableError, match="not described as a face swap network"):
        swap_crop(model, grey_crop(512), embedding())
