from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from studio.errors import ModelUnavailableError
from studio.models.cache import ModelCache
from studio.models.catalogue import Catalogue, WeightFile
from studio.models.contracts import SuperresContract
from studio.models.mixing import mix_weights
from studio.models.torch_convert import torch_to_onnx
from studio.models.weights import WeightStore
from studio.report import Report
from studio.settings import Settings
from tests.studio.models import torch_networks as nets
from tests.studio.models.weight_factories import make_file, make_model

CPU = Settings(device="cpu", threads=1)
GENERAL, WEAK = "general.pth", "weak.pth"


def networks() -> tuple[torch.nn.Module, torch.nn.Module]:
    strong, weak = nets.spread(nets.SRVGG()), nets.spread(nets.SRVGG())
    for parameter in weak.parameters():
        parameter.data = parameter.data.roll(1) * 0.9
    return strong, weak


def between(share: float) -> torch.nn.Module:
    """The reference: every number interpolated, run by PyTorch."""
    strong, weak = networks()
    state = weak.state_dict()
    mixed = nets.SRVGG()
    mixed.load_state_dict(
        {name: share * v + (1 - share) * state[name] for name, v in strong.state_dict().items()}
    )
    return mixed.eval()


@pytest.fixture
def cache(tmp_path: Path) -> ModelCache:
    """One model as the catalogue describes realesr-general-x4v3, installed from two .pth files."""
    materials = []
    for module, name in zip(networks(), (GENERAL, WEAK), strict=True):
        path = nets.save(module, tmp_path / name, key="params")
        materials.append(make_file(name, path.read_bytes()))
    made = [
        WeightFile(
            name=file.name.replace(".pth", ".onnx"),
            scale=4,
            conversion="torch-to-onnx",
            made_from=(file.name,),
            mixes_with="weak.onnx" if file.name == GENERAL else None,
        )
        for file in materials
    ]
    spec = make_model(*made, *materials, contract=SuperresContract(overlap_px=8))
    store = WeightStore(tmp_path / "weights", Catalogue((spec,)))
    for file in materials:
        store.import_file(tmp_path / file.name)
    return ModelCache(store, CPU)


def planes() -> np.ndarray[Any, Any]:
    return np.random.default_rng(1).random((1, 3, 20, 24), np.float32)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 1.0])
def test_open_with_a_share_runs_the_network_between(cache: ModelCache, share: float) -> None:
    report = Report()

    model = cache.open("tiny", report, scale=4, share=share)

    (found,) = model.runtime.run({"input": planes()})
    assert np.abs(found - nets.answer(between(share), planes())).max() < 1e-4
    used = {0.0: [WEAK], 1.0: [GENERAL]}.get(share, [GENERAL, WEAK])
    store = cache._store
    digests = [store.digest("tiny", name.replace(".pth", ".onnx")) for name in used]
    assert [use.sha256 for use in report.weights] == digests


def test_open_keeps_networks_of_other_shares_apart(cache: ModelCache) -> None:
    one = cache.open("tiny", Report(), share=0.3)
    other = cache.open("tiny", Report(), share=0.4)
    report = Report()
    again = cache.open("tiny", report, share=0.3)
    assert one.runtime is again.runtime is not other.runtime
    assert [use.was_warm for use in report.weights] == [True, True]


def test_mix_of_networks_that_differ_in_form_is_refused(tmp_path: Path) -> None:
    for layers, name in ((2, "a"), (3, "b")):
        path = nets.save(nets.spread(nets.SRVGG(layers=layers)), tmp_path / f"{name}.pth")
        torch_to_onnx(path, tmp_path / f"{name}.onnx")
    with pytest.raises(ModelUnavailableError, match="not of one graph") as refusal:
        mix_weights(tmp_path / "a.onnx", tmp_path / "b.onnx", 0.5)
    assert refusal.value.code == "model.unreadable"


def test_mix_of_a_damaged_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    path.write_bytes(b"\xff\xff not a graph")
    with pytest.raises(ModelUnavailableError, match="cannot be mixed"):
        mix_weights(path, path, 0.5)
