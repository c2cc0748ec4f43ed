from __future__ import annotations

import numpy as np
import pytest

from studio.models.contracts import InpaintContract, StyleContract
from studio.models.levels import to_levels, to_pixels

EVERY_LEVEL = np.stack([np.arange(256), np.arange(256)[::-1], np.full(256, 7)], 1).astype(np.uint8)
PIXELS = EVERY_LEVEL.reshape(16, 16, 3)
NUMBERS = [
    {},
    {"colour": "bgr"},
    {"divide_by": 255, "mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)},
]


@pytest.mark.parametrize("contract", [InpaintContract, StyleContract])
@pytest.mark.parametrize("numbers", NUMBERS)
def test_to_pixels_takes_back_what_to_levels_did(
    contract: type[InpaintContract | StyleContract], numbers: dict[str, object]
) -> None:
    described = contract.model_validate({"layout": "nchw", **numbers})

    levels = to_levels(described, PIXELS)

    assert levels.dtype == np.float32
    assert np.array_equal(to_pixels(described, levels), PIXELS)


def test_to_levels_is_what_the_contract_says() -> None:
    contract = InpaintContract(colour="bgr", divide_by=255, mean=(0.5, 0, 0), std=(0.25, 1, 2))
    levels = to_levels(contract, np.array([[[255, 51, 0]]], np.uint8))
    assert levels[0, 0] == pytest.approx([-2, 0.2, 0.5])


def test_to_pixels_reads_an_answer_in_its_own_numbers_clipped() -> None:
    contract = InpaintContract(output_divide_by=1, output_mean=(0, 0, 10), output_std=(1, 2, 1))
    answer = np.array([[[-3.0, 70.4, 250.0]]], np.float32)
    assert to_pixels(contract, answer)[0, 0].tolist() == [0, 141, 255]
