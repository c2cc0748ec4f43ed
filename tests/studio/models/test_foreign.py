from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from studio.errors import WeightError
from studio.models import foreign
from studio.models.contracts import OpencvSuperresContract
from studio.models.weights import Installed, Missing
from tests.studio.models.weight_factories import (
    make_digest,
    make_file,
    make_half_net,
    make_model,
    make_net,
    make_store,
    sha256,
)

pytestmark = pytest.mark.slow


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def folding_for_ever(path: Path) -> Path:
    """A graph of a few hundred bytes; opening it multiplies matrices of 8000 x 8000 for hours."""
    side = helper.make_tensor("side", TensorProto.INT64, [2], [8000, 8000])
    products = [helper.make_node("MatMul", [f"m{i}", f"m{i}"], [f"m{i + 1}"]) for i in range(500)]
    nodes = [
        helper.make_node("ConstantOfShape", ["side"], ["m0"]),
        *products,
        helper.make_node("ReduceSum", ["m500"], ["sum"], keepdims=0),
        helper.make_node("Add", ["x", "sum"], ["y"]),
    ]
    return save(path, nodes, side)


def save(path: Path, nodes: list[onnx.NodeProto], constant: onnx.TensorProto) -> Path:
    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, 4, 4]) for name in "xy"]
    graph = helper.make_graph(nodes, "hostile", ports[:1], ports[1:], [constant])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.save(model, path)
    return path


def test_import_of_a_graph_that_folds_for_ever_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(foreign, "OPENING_LIMIT_S", 5.0)
    store = make_store(tmp_path / "weights", make_model(make_file()))
    with pytest.raises(WeightError, match=r"net\.onnx was not installed.*took too long") as refusal:
        store.import_file(folding_for_ever(tmp_path / "net.onnx"))
    assert refusal.value.code == "weight.unusable"
    assert isinstance(store.status("tiny"), Missing)


@pytest.mark.parametrize("data", [b"", b"no network at all", bytes(5000)])
def test_import_of_what_is_no_network_changes_nothing(tmp_path: Path, data: bytes) -> None:
    store = make_store(tmp_path / "weights", make_model(make_file()))
    store.import_file(write(tmp_path / "net.onnx", make_net()))
    with pytest.raises(WeightError, match="no network that can be run here") as refusal:
        store.import_file(write(tmp_path / "net.onnx", data), repin=True)
    assert refusal.value.code == "weight.unusable"
    assert store.digest("tiny") == sha256(make_net())


def test_import_of_a_graph_for_opencv_is_tried_out_by_opencv(tmp_path: Path) -> None:
    contract = OpencvSuperresContract(channels="y", overlap_px=4)
    spec = make_model(make_file("net.pb"), contract=contract, format="tensorflow-graph")
    store = make_store(tmp_path / "weights", spec)
    with pytest.raises(WeightError, match="no network that can be run here"):
        store.import_file(write(tmp_path / "net.pb", b"no network at all"))


def test_files_that_the_catalogue_vouches_for_are_not_opened(tmp_path: Path) -> None:
    data = b"whatever the entry says"
    store = make_store(tmp_path / "weights", make_model(make_file("net.onnx", data)))
    store.import_file(write(tmp_path / "net.onnx", data))
    assert isinstance(store.status("tiny"), Installed)


def test_a_weak_digest_vouches_for_nothing(tmp_path: Path) -> None:
    data = b"no network at all"
    published = make_digest("md5", hashlib.md5(data).hexdigest())
    store = make_store(tmp_path / "weights", make_model(make_file(digests=(published,))))
    with pytest.raises(WeightError, match="no network that can be run here"):
        store.import_file(write(tmp_path / "net.onnx", data))


def test_convert_gives_what_the_converter_writes(tmp_path: Path) -> None:
    out = tmp_path / "out.onnx"
    foreign.convert("half-to-float", [write(tmp_path / "in.onnx", make_half_net())], out)
    (two,) = onnx.load(out).graph.initializer
    assert onnx.numpy_helper.to_array(two).dtype == np.float32


@pytest.mark.parametrize(
    ("conversion", "names"),
    [
        ("half-to-float", ["a.onnx"]),
        ("torch-to-onnx", ["a.pth"]),
        ("tensorflow-to-onnx", ["a.pb"]),
        ("ncnn-to-onnx", ["a.param", "a.bin"]),
    ],
)
@pytest.mark.parametrize(
    "data", [b"", b"7767517\n1 1\nConvolution c 1 1 a b 0=-1 6=-9 1=0\n", bytes(9000), b"\x0a" * 99]
)
def test_convert_of_other_bytes_is_refused_whatever_they_are(
    tmp_path: Path, conversion: foreign.Conversion, names: list[str], data: bytes
) -> None:
    materials = [write(tmp_path / name, data) for name in names]
    with pytest.raises(WeightError) as refusal:
        foreign.convert(conversion, materials, tmp_path / "out.onnx")
    assert refusal.value.code == "weight.conversion"


def test_convert_that_takes_too_long_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(foreign, "_CONVERTING_LIMIT_S", 0.01)
    material = write(tmp_path / "in.onnx", make_half_net())
    with pytest.raises(WeightError, match=r"in\.onnx cannot be converted: reading it took too"):
        foreign.convert("half-to-float", [material], tmp_path / "out.onnx")
