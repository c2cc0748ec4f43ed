from __future__ import annotations

import io
import os
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from studio.errors import WeightError
from studio.models.torch_state import read_state
from tests.imports import loaded_by
from tests.studio.models.weight_factories import encrypted

TENSORS = {
    "plain": torch.arange(12, dtype=torch.float32).reshape(3, 4),
    "turned": torch.arange(12, dtype=torch.float64).reshape(3, 4).T,
    "part": torch.arange(12)[3:9:2],
    "half": torch.ones(2, 2, dtype=torch.float16),
    "scalar": torch.tensor(7, dtype=torch.int64),
    "empty": torch.zeros(0, 3),
    "flag": torch.tensor([True, False]),
}


@pytest.mark.parametrize("key", [None, "params", "params_ema", "state_dict"])
def test_read_state_gives_what_torch_saved(tmp_path: Path, key: str | None) -> None:
    state = OrderedDict(TENSORS)
    torch.save({key: state} if key else state, tmp_path / "net.pth")

    found = read_state(tmp_path / "net.pth")

    assert list(found) == list(TENSORS)
    for name, tensor in TENSORS.items():
        assert np.array_equal(found[name], tensor.numpy())
        assert found[name].dtype == tensor.numpy().dtype


def test_read_state_prefers_the_averaged_weights(tmp_path: Path) -> None:
    both = {"params": {"w": torch.zeros(1)}, "params_ema": {"w": torch.ones(1)}}
    torch.save(both, tmp_path / "net.pth")
    assert read_state(tmp_path / "net.pth")["w"] == 1


def test_read_state_of_parameters_and_shared_storages(tmp_path: Path) -> None:
    module = torch.nn.Linear(2, 2)
    torch.save({"module.w": module.weight, "again": module.weight[0]}, tmp_path / "net.pth")
    found = read_state(tmp_path / "net.pth")
    assert np.array_equal(found["w"][0], found["again"])


class Command:
    """What a hostile file would run."""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str, ...]]:
        return os.system, ("touch pwned",)


def write_archive(path: Path, data: bytes, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("net/data.pkl", data)
        for name, content in members.items():
            archive.writestr(f"net/data/{name}", content)
    return path


def test_read_state_runs_nothing_that_a_file_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = write_archive(tmp_path / "net.pth", pickle.dumps({"w": Command()}))
    with pytest.raises(WeightError, match=r"asks for (posix|nt)\.system") as refusal:
        read_state(path)
    assert refusal.value.code == "weight.conversion"
    assert not Path("pwned").exists()


def test_read_state_of_a_whole_module_is_refused(tmp_path: Path) -> None:
    torch.save(torch.nn.Linear(2, 2), tmp_path / "net.pth")
    with pytest.raises(WeightError, match=r"asks for torch\.nn"):
        read_state(tmp_path / "net.pth")


def reaching(offset: int, size: tuple[int, ...], stride: tuple[int, ...]) -> bytes:
    """A pickle whose only tensor claims a place in a storage of four numbers."""

    class Storage:
        pass

    class Tensor:
        def __reduce__(self) -> tuple[Any, ...]:
            rebuild = torch._utils._rebuild_tensor_v2
            return rebuild, (Storage(), offset, size, stride, False, OrderedDict())

    class Pickler(pickle.Pickler):
        def persistent_id(self, item: Any) -> Any:
            is_storage = isinstance(item, Storage)
            return ("storage", torch.FloatStorage, "0", "cpu", 4) if is_storage else None

    buffer = io.BytesIO()
    Pickler(buffer, protocol=2).dump({"w": Tensor()})
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("offset", "size", "stride"),
    [(2, (3,), (1,)), (0, (2,), (4,)), (-1, (2,), (1,)), (0, (2,), (-1,)), (0, (999, 999), (0, 0))],
)
def test_read_state_of_a_tensor_beyond_its_storage_is_refused(
    tmp_path: Path, offset: int, size: tuple[int, ...], stride: tuple[int, ...]
) -> None:
    data = reaching(offset, size, stride)
    path = write_archive(tmp_path / "net.pth", data, **{"0": bytes(16)})
    with pytest.raises(WeightError, match="within its storage"):
        read_state(path)


@pytest.mark.parametrize("content", [b"", b"not a zip", b"\x80\x02}q\x00."])
def test_read_state_of_another_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "net.pth"
    path.write_bytes(content)
    with pytest.raises(WeightError, match=r"net\.pth is not a PyTorch state dictionary"):
        read_state(path)


def test_read_state_of_a_cut_storage_is_refused(tmp_path: Path) -> None:
    path = write_archive(tmp_path / "net.pth", reaching(0, (4,), (1,)), **{"0": bytes(8)})
    with pytest.raises(WeightError, match="another size than stated"):
        read_state(path)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"}r\xff\xff\xff\x7f.", id="a note that takes 16 GiB"),
        pytest.param(b"]" * 200_000 + b"a" * 199_999 + b".", id="lists 200,000 deep"),
        pytest.param(b"(" * 200_000 + b".", id="marks 200,000 deep"),
        pytest.param(b"\x80\x04\x8d" + b"\xff" * 7 + b"\x3fx.", id="a text of 4 EiB"),
        pytest.param(b"\x80\x04\x95" + b"\xff" * 7 + b"\x3f}.", id="a frame of 4 EiB"),
        pytest.param(b"\x82\x01.", id="an extension"),
        pytest.param(b"(Q.", id="a reference to a mark"),
        pytest.param(b"cos\nsystem\n(S'true'\ntR.", id="a command"),
        pytest.param(pickle.dumps({1: 2}), id="numbers"),
        pytest.param(pickle.dumps([1, 2]), id="a list"),
    ],
)
def test_read_state_of_a_hostile_pickle_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(WeightError, match=r"net\.pth is not a PyTorch state dictionary"):
        read_state(write_archive(tmp_path / "net.pth", data))


def test_read_state_refusal_can_be_shown_whatever_the_file_calls_its_parts(tmp_path: Path) -> None:
    key = pickle.dumps("\ud800" * 5000, protocol=2)[2:-1]
    data = b"\x80\x02(X\x07\0\0\0storagectorch\nFloatStorage\n" + key + b"X\3\0\0\0cpuK\4tQ."
    with pytest.raises(WeightError, match="net") as refusal:
        read_state(write_archive(tmp_path / "net.pth", data))
    assert str(refusal.value).isascii()
    assert len(str(refusal.value)) < 400


def test_read_state_of_encrypted_members_is_refused(tmp_path: Path) -> None:
    path = write_archive(tmp_path / "net.pth", pickle.dumps({}))
    path.write_bytes(encrypted(path.read_bytes()))
    with pytest.raises(WeightError, match="encrypted"):
        read_state(path)


def test_read_state_needs_no_torch() -> None:
    assert "torch" not in loaded_by("studio.models.torch_convert")
