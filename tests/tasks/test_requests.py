from __future__ import annotations

from uuid import uuid4

import pytest

from db.models import Job, JobInput, JobOutput
from db.types import RESULT_ROLE as RECORDED
from studio.errors import UserInputError
from studio.params import (
    CartoonParams,
    CutoutParams,
    FaceswapParams,
    ImageFormat,
    ToolParams,
    UpscaleParams,
)
from studio.tools.registry import MAX_NAME_CHARS, MAX_ROLE_CHARS
from studio.tools.spec import RESULT_ROLE
from tasks.files import StoredFile
from tasks.requests import ResultOf, RunItem, RunRequest, require_well_formed
from tests.requests import Files, request

MAX_PIXELS = 1_000_000


def stored(name: str, width_px: int = 1000, height_px: int = 1000) -> StoredFile:
    return StoredFile("0" * 64, name, "image/png", width_px, height_px)


def check(asked: RunRequest) -> None:
    require_well_formed(asked, max_items=3, max_pixels=MAX_PIXELS)


def refusal(params: ToolParams, *items: Files) -> UserInputError:
    with pytest.raises(UserInputError) as refused:
        check(request(params, *items))
    return refused.value


def test_result_has_one_name_in_the_core_and_in_the_record() -> None:
    assert RECORDED == RESULT_ROLE


def test_names_of_tools_and_roles_are_as_long_as_rows_hold() -> None:
    assert Job.__table__.c.tool.type.length == MAX_NAME_CHARS
    for table in (JobInput.__table__, JobOutput.__table__):
        assert table.c.role.type.length == MAX_ROLE_CHARS


def test_require_well_formed_result_that_is_too_large_names_its_file() -> None:
    small, large = stored("small.png", 100, 100), stored("large.png")
    refused = refusal(UpscaleParams(scale=8), {"image": small}, {"image": large})
    assert refused.code == "output.too_many_pixels"
    assert str(refused).startswith("large.png: The result would be 8,000 × 8,000 px")


def test_require_well_formed_judges_the_result_by_the_items_own_parameters() -> None:
    wide = {"image": [stored("wide.png", 9_000, 2)]}
    shared = UpscaleParams(format=ImageFormat.WEBP)
    check(RunRequest(shared, [RunItem(wide, {"format": "png"})]))
    with pytest.raises(UserInputError, match=r"^wide\.png: .* WEBP files end") as refused:
        check(RunRequest(shared, [RunItem(wide)]))
    assert refused.value.code == "format.too_small"


def test_require_well_formed_knows_no_size_of_what_is_yet_to_be_made() -> None:
    check(request(UpscaleParams(scale=8), {"image": ResultOf(uuid4())}))


def test_require_well_formed_pictures_too_large_together_name_the_first_beyond() -> None:
    sources = [stored(f"{number}.png") for number in range(1, 5)]
    refused = refusal(FaceswapParams(), {"image": stored("0.png"), "source": sources})
    assert refused.code == "inputs.too_many_pixels"
    assert refused.file_name == "4.png"
    check(request(FaceswapParams(), {"image": stored("0.png"), "source": sources[:3]}))


def test_require_well_formed_takes_as_many_sources_as_the_tool_says() -> None:
    sources = [stored(f"{number}.png", 10, 10) for number in range(17)]
    refused = refusal(FaceswapParams(), {"image": stored("a.png"), "source": sources})
    assert refused.code == "submit.role"
    assert "takes up to 16 files as “source”, and 17 were given" in str(refused)
    check(request(FaceswapParams(), {"image": stored("a.png"), "source": sources[:16]}))


def test_require_well_formed_alpha_of_another_size_names_it_and_both_sizes() -> None:
    item = {"image": stored("a.png", 40, 30), "alpha": stored("mask.png", 30, 40)}
    for params in (CutoutParams(), CartoonParams()):
        refused = refusal(params, item)
        assert (refused.code, refused.file_name) == (f"{params.tool}.alpha_size", "mask.png")
        assert "30 × 40 px and the picture 40 × 30" in str(refused)
    check(request(CutoutParams(), item | {"alpha": stored("mask.png", 40, 30)}))
    check(request(CutoutParams(), item | {"alpha": ResultOf(uuid4())}))


def test_require_well_formed_role_without_a_file_is_refused() -> None:
    refused = refusal(CutoutParams(), {"image": stored("a.png"), "background": []})
    assert str(refused.reason) == "Cutout has no file as background"


@pytest.mark.parametrize(
    ("params", "code"),
    [
        (CutoutParams(output="picture"), "cutout.background_missing"),
        (FaceswapParams(choice="likeness"), "faceswap.reference_missing"),
    ],
)
def test_require_well_formed_asks_the_tool_what_is_lacking(params: ToolParams, code: str) -> None:
    files = {"image": stored("a.png")}
    if isinstance(params, FaceswapParams):
        files["source"] = stored("b.png")
    refused = refusal(params, files)
    assert (refused.code, refused.file_name) == (code, "a.png")
