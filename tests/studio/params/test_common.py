from __future__ import annotations

import pytest

from studio.errors import UserInputError
from studio.params import CutoutParams, parse_params


@pytest.mark.parametrize(
    "value", ["123", 123, "red", "#12345", "#1234567", "#12345g", "#ffffff\n", "", None]
)
@pytest.mark.parametrize("field", ["colour", "shadow_colour", "outline_colour"])
def test_colour_that_is_none_is_refused_with_how_to_write_one(field: str, value: object) -> None:
    with pytest.raises(UserInputError) as refusal:
        parse_params("cutout", {field: value})
    assert refusal.value.reason == f"{field}: Write a colour as #rrggbb, such as #2a9d8f"


def test_colour_of_either_case_is_kept_as_written() -> None:
    assert parse_params("cutout", {"colour": "#2A9d8f"}).model_dump()["colour"] == "#2A9d8f"


def test_colour_is_described_to_clients_with_its_pattern() -> None:
    described = CutoutParams.model_json_schema()["properties"]["colour"]
    assert described["pattern"] == "^#[0-9a-fA-F]{6}$"
    assert described["type"] == "string"


def test_parse_params_counts_the_items_of_a_list_from_one() -> None:
    with pytest.raises(UserInputError, match=r"^faces, item 2: .* greater than or equal to 1"):
        parse_params("faceswap", {"faces": [1, 0]})
