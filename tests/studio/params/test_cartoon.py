from __future__ import annotations

import pytest

from studio.errors import UserInputError
from studio.params import CartoonParams
from studio.tools.registry import parse_params


@pytest.mark.parametrize("value", [700, "large", 512.5])
def test_long_side_of_no_choice_is_refused_with_every_choice_null_included(value: object) -> None:
    with pytest.raises(UserInputError) as refusal:
        parse_params("cartoon", {"long_side_px": value})
    assert str(refusal.value.reason) == (
        "long_side_px: choose 512, 1024 or 2048, or null for the photograph's size"
    )


@pytest.mark.parametrize("value", [512, 1024, 2048, None])
def test_long_side_takes_what_the_refusal_names(value: int | None) -> None:
    params = parse_params("cartoon", {"long_side_px": value})
    assert isinstance(params, CartoonParams)
    assert params.long_side_px == value


def test_long_side_is_described_to_clients_with_every_choice() -> None:
    described = CartoonParams.model_json_schema()["properties"]["long_side_px"]
    assert described["anyOf"] == [
        {"enum": [512, 1024, 2048], "type": "integer"},
        {"type": "null"},
    ]
