from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from studio.errors import ModelUnavailableError
from studio.models.torchscript_check import allowed_operations
from studio.models.torchscript_runtime import TorchscriptRuntime
from studio.settings import Settings
from tests.studio.models.inpainting_networks import write_lama, write_migan

CPU = Settings(device="cpu", threads=1)
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")
MADE_BY_THE_COMPILER = frozenset(
    f"prim::{name}"
    for name in (
        "Constant",
        "DictConstruct",
        "GetAttr",
        "If",
        "ListConstruct",
        "ListUnpack",
        "Loop",
        "TupleConstruct",
        "TupleSlice",
    )
)
WORDS = {
    "mode",
    "padding",
    "norm",
    "equation",
    "rounding_mode",
    "reduce",
    "approximate",
    "indexing",
    "side",
    "ord",
    "msg",
    "cls",
}
"""Arguments that are texts and choose a way to calculate, or are shown when it fails."""
PLAIN = {
    "a",
    "b",
    "s",
    "t",
    "el",
    "l",
    "self",
    "item",
    "key",
    "idx",
    "dict",
    "string",
    "substr",
    "separator",
}
"""Arguments of operations on plain values, such as comparing or joining texts."""


def scripted(module: nn.Module, path: Path) -> Path:
    torch.jit.save(torch.jit.script(module), str(path))
    return path


class Saves(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        torch.save(x, "WRITTEN")
        return x


class Reads(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.from_file("/etc/passwd", False, 16, dtype=torch.uint8)


class ReadsDeepInside(nn.Module):
    """In a method of a part, in one branch."""

    def __init__(self) -> None:
        super().__init__()
        self.part = nn.Sequential(nn.Identity(), Reads())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if bool(x.sum() > 3):
            for _ in range(3):
                x = self.part(x)
        return x


class NeverEnds(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        i = 0
        while i >= 0:
            i += 1
        return x


class EndsAsItsInputSays(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for _ in range(x.shape[0]):
            x = x + 1
        return x


class LoopsInLoops(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for _ in range(9999):
            for _ in range(9999):
                x = x + 1
        return x


class CountsToTwenty(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for index in range(20):
            x = x + index
        return x


class Forks(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.jit.wait(torch.jit.fork(torch.relu, x))


class Prints(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        print(x)  # noqa: T201
        return x


class Gambles(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + torch.rand(1)


class Seeds(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        torch.manual_seed(1)
        return x


class RunsWhileLoaded(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gain = torch.ones(2)

    @torch.jit.export
    def __getstate__(self) -> tuple[torch.Tensor, bool]:  # type: ignore[override]
        return self.gain, self.training

    @torch.jit.export
    def __setstate__(self, state: tuple[torch.Tensor, bool]) -> None:
        torch.save(state[0], "WRITTEN")
        self.gain = state[0]
        self.training = state[1]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.gain


@pytest.mark.parametrize(
    ("module", "words"),
    [
        (Saves(), "the operation aten::save"),
        (Reads(), "the operation aten::from_file"),
        (ReadsDeepInside(), "the operation aten::from_file"),
        (Forks(), "the operation prim::fork"),
        (Prints(), "the operation prim::Print"),
        (Gambles(), "the operation aten::rand"),
        (Seeds(), "the operation aten::manual_seed"),
        (NeverEnds(), "a loop of which nobody can say when it ends"),
        (EndsAsItsInputSays(), "a loop of which nobody can say when it ends"),
        (LoopsInLoops(), "more than 1,000,000 operations"),
        (RunsWhileLoaded(), "a method that runs while the file is loaded"),
    ],
    ids=lambda case: type(case).__name__ if isinstance(case, nn.Module) else "",
)
def test_program_that_does_more_than_arithmetic_is_refused_before_it_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: nn.Module, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    path = scripted(module, tmp_path / "net.pt")
    with pytest.raises(ModelUnavailableError, match=r"net\.pt is refused") as refusal:
        TorchscriptRuntime(path, CPU)
    assert refusal.value.code == "model.unsafe"
    assert words in str(refusal.value)
    assert "Use the network in ONNX form" in str(refusal.value)
    assert not Path("WRITTEN").exists()


@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor:UserWarning")
def test_program_that_brings_a_class_of_another_library_is_refused(tmp_path: Path) -> None:
    """The packed weights of a quantised layer are made by code outside of the file."""
    torch.backends.quantized.engine = torch.backends.quantized.supported_engines[-1]
    layer = torch.ao.nn.quantized.Linear(4, 4)
    path = scripted(nn.Sequential(layer), tmp_path / "net.pt")
    with pytest.raises(ModelUnavailableError) as refusal:
        TorchscriptRuntime(path, CPU)
    assert refusal.value.code == "model.unsafe"


@pytest.mark.parametrize("write", [write_lama, write_migan])
def test_networks_that_calculate_are_taken(tmp_path: Path, write: object) -> None:
    assert callable(write)
    assert TorchscriptRuntime(write(tmp_path / "net.pt"), CPU).input_names


def test_program_with_a_counted_loop_is_taken(tmp_path: Path) -> None:
    runtime = TorchscriptRuntime(scripted(CountsToTwenty(), tmp_path / "net.pt"), CPU)
    (output,) = runtime.run({"x": torch.zeros(1).numpy()})
    assert output == sum(range(20))


def test_every_listed_operation_is_known_to_pytorch() -> None:
    """A name that is misspelt allows nothing, and hides that something else was meant."""
    schemas = {schema.name for schema in torch._C._jit_get_all_schemas()}
    listed = {name for name in allowed_operations() if not name.endswith("_")}
    assert listed - schemas <= MADE_BY_THE_COMPILER


def test_no_listed_operation_takes_a_path() -> None:
    for schema in torch._C._jit_get_all_schemas():
        if schema.name not in allowed_operations():
            continue
        texts = {arg.name for arg in schema.arguments if "str" in str(arg.type)}
        assert texts <= WORDS | PLAIN, schema
