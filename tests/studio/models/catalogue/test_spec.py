from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from studio.errors import WeightError
from studio.models.catalogue import WeightFile, load_catalogue
from studio.models.runtime import Device
from tests.studio.models.weight_factories import make_digest, make_file, make_model


def test_model_serves_what_nothing_else_is_made_from() -> None:
    made = WeightFile(name="a.onnx", scale=4, conversion="half-to-float", made_from=("h.onnx",))
    spec = make_model(make_file("h.onnx"), made)
    assert [file.name for file in spec.served_files] == ["a.onnx"]
    assert spec.file_for(Device.CPU, 4) == made
    with pytest.raises(WeightError, match=r"does not enlarge x3. It knows: x4"):
        spec.file_for(Device.CPU, 3)


def served_as_it_came(**fields: Any) -> WeightFile:
    update = {"format": "ncnn", "weights": "h.bin", "devices": (Device.CPU,), **fields}
    return make_file("h.param").model_copy(update=update)


def test_model_serves_material_that_says_how_and_keeps_its_weights() -> None:
    made = WeightFile(
        name="a.onnx", scale=2, conversion="ncnn-to-onnx", made_from=("h.param", "h.bin")
    )
    spec = make_model(made, served_as_it_came(), make_file("h.bin"), make_file("h.txt"))
    assert [file.name for file in spec.served_files] == ["a.onnx", "h.param", "h.txt"]
    assert [file.name for file in spec.kept_files] == ["a.onnx", "h.param", "h.bin", "h.txt"]


def test_model_picks_the_file_of_a_device() -> None:
    made = WeightFile(
        name="a.onnx",
        scale=2,
        devices=(Device.CUDA,),
        conversion="ncnn-to-onnx",
        made_from=("h.param", "h.bin"),
    )
    spec = make_model(made, served_as_it_came(), make_file("h.bin"))
    assert spec.file_for(Device.CPU).name == spec.file_for(Device.CPU, 2).name == "h.param"
    assert spec.file_for(Device.CUDA, 2).name == "a.onnx"


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"weights": "other.bin"}, "names unknown weights other.bin"),
        ({}, "no file serves scale 2 on cuda"),
    ],
)
def test_model_that_could_not_be_opened_is_refused(fields: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValidationError, match=fault):
        make_model(served_as_it_came(**fields), make_file("h.bin"))


def test_model_of_several_networks_opens_each_by_its_part() -> None:
    parts = [
        make_file(f"{part}.onnx").model_copy(update={"part": part})
        for part in ("background", "head")
    ]
    spec = make_model(*parts)
    assert spec.file_for(Device.CPU).name == "background.onnx"
    assert spec.file_for(Device.CPU, part="head").name == "head.onnx"
    with pytest.raises(WeightError, match="has no part “blend”"):
        spec.file_for(Device.CPU, part="blend")


def test_model_of_fixed_size_costs_the_same_for_every_picture() -> None:
    fixed = load_catalogue().get("isnet")
    assert fixed.gmacs(10, 10) == fixed.gmacs(4000, 3000) == pytest.approx(159.7, rel=0.01)
    tiled = load_catalogue().get("realesr-animevideov3")
    assert tiled.gmacs(1000, 1000) == tiled.gmac_per_megapixel


def test_torchscript_without_a_sha256_is_refused_and_says_why() -> None:
    published = make_digest("md5", "0" * 32)
    with pytest.raises(ValidationError, match=r"net\.pt is a TorchScript program"):
        make_model(make_file("net.pt", digests=(published,)), format="torchscript")
    assert make_model(make_file("net.pt", b"bytes"), format="torchscript").format == "torchscript"
