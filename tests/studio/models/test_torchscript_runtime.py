from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import sleep

import numpy as np
import pytest
import torch
from torch import nn

from studio.errors import JobCancelledError, ModelUnavailableError, StudioError
from studio.models.cache import ModelCache
from studio.models.contracts import InpaintContract
from studio.models.runtime import Device
from studio.models.torchscript_runtime import TorchscriptRuntime
from studio.report import Report
from studio.settings import Settings
from tests.studio.models.inpainting_networks import save_traced, write_lama
from tests.studio.models.weight_factories import make_file, make_model, make_store

CPU = Settings(device="cpu", threads=1)
pytestmark = [pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning"), pytest.mark.slow]


@pytest.fixture(autouse=True)
def same_threads_afterwards() -> Iterator[None]:
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


class Twins(nn.Module):
    """Two answers, in which the inputs are told apart and the whole numbers stay whole."""

    def forward(
        self, picture: torch.Tensor, count: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        return picture - count, count // 2


class Deep(nn.Module):
    """Seconds of work in many layers."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for _ in range(200):
            x = torch.tanh(x @ x / x.shape[0])
        return x


class Filters(nn.Module):
    """Convolutions, a transform and sums: all in which an optimiser could round otherwise."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.layers = nn.Sequential(
            nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 3, 3)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.layers(x)
        return torch.sigmoid(x + torch.fft.rfft2(x).abs().mean() * torch.tanh(x) * 0.1)


class Greedy(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.repeat(1 << 24, 1 << 20)


def test_run_takes_inputs_by_the_names_of_the_arguments_and_keeps_their_types(
    tmp_path: Path,
) -> None:
    example = torch.ones(1, 2), torch.ones(1, 2, dtype=torch.int64)
    runtime = TorchscriptRuntime(save_traced(Twins(), example, tmp_path / "net.pt"), CPU)
    count = np.array([[5, 7]])

    difference, half = runtime.run({"count": count, "picture": np.ones((1, 2), np.float32)})

    assert runtime.input_names == ("picture", "count")
    assert (runtime.name, runtime.device, runtime.precision) == ("torch", "cpu", "fp32")
    assert difference.dtype == np.float32
    assert np.array_equal(difference, [[-4, -6]])
    assert half.dtype == np.int64
    assert np.array_equal(half, [[2, 3]])


def test_run_gives_the_same_bytes_every_time_at_every_size(tmp_path: Path) -> None:
    path = save_traced(Filters(), (torch.ones(1, 3, 20, 20),), tmp_path / "net.pt")
    chance = np.random.default_rng(1)
    pictures = [chance.random((1, 3, side, 40), np.float32) for side in (24, 40, 24, 31)]

    def answers() -> list[bytes]:
        runtime = TorchscriptRuntime(path, CPU)
        (name,) = runtime.input_names
        return [runtime.run({name: picture})[0].tobytes() for picture in pictures * 4]

    first = answers()
    assert first == answers()
    assert first == first[:4] * 4


def test_run_leaves_what_it_was_given_and_what_it_gave(tmp_path: Path) -> None:
    runtime = TorchscriptRuntime(write_lama(tmp_path / "net.pt"), CPU)
    image, mask = np.full((1, 3, 8, 8), 0.5, np.float32), np.zeros((1, 1, 8, 8), np.int64)
    mask[..., :4] = 1
    image.setflags(write=False)
    (first,) = runtime.run({"image": image, "mask": mask})
    kept = first.copy()
    runtime.run({"image": image * 2, "mask": mask})
    assert np.array_equal(first, kept)
    assert np.all(image == 0.5)


def test_interrupt_ends_a_run_between_two_operations_and_spoils_no_later_one(
    tmp_path: Path,
) -> None:
    runtime = TorchscriptRuntime(save_traced(Deep(), (torch.ones(2, 2),), tmp_path / "net.pt"), CPU)
    runtime.interrupt()
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(runtime.run, {"x": np.ones((1500, 1500), np.float32)})
        while not run.done():
            runtime.interrupt()
            sleep(0.01)
        assert isinstance(run.exception(), JobCancelledError)
    (output,) = runtime.run({"x": np.zeros((4, 4), np.float32)})
    assert np.all(output == 0)


def test_run_without_memory_raises_memory_error(tmp_path: Path) -> None:
    """256 TiB, which no machine has."""
    path = tmp_path / "net.pt"
    torch.jit.save(torch.jit.script(Greedy()), str(path))
    with pytest.raises(MemoryError):
        TorchscriptRuntime(path, CPU).run({"x": np.ones((2, 2), np.float32)})


def test_a_wrong_input_is_not_taken_for_lack_of_memory(tmp_path: Path) -> None:
    runtime = TorchscriptRuntime(write_lama(tmp_path / "net.pt"), CPU)
    image, mask = np.ones((1, 3, 8, 8), np.float32), np.zeros((1, 1, 4, 8), np.int64)
    with pytest.raises(RuntimeError, match="must match"):
        runtime.run({"image": image, "mask": mask})


def test_resident_bytes_cover_at_least_the_file(tmp_path: Path) -> None:
    path = write_lama(tmp_path / "net.pt")
    assert TorchscriptRuntime(path, CPU).resident_bytes >= path.stat().st_size


def test_a_file_that_is_no_network_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    path.write_text("not a network", encoding="utf-8")
    with pytest.raises(ModelUnavailableError, match=r"net\.pt") as refusal:
        TorchscriptRuntime(path, CPU)
    assert refusal.value.code == "model.unreadable"


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a device PyTorch can use")
def test_a_device_that_is_not_there_says_the_remedy(tmp_path: Path) -> None:
    path = write_lama(tmp_path / "net.pt")
    with pytest.raises(StudioError, match="unset STUDIO_DEVICE") as error:
        TorchscriptRuntime(path, Settings(device="cuda"))
    assert error.value.code == "device.unavailable"
    assert TorchscriptRuntime(path, Settings(device="")).device is Device.CPU


def test_open_of_a_torchscript_model_records_who_ran_it(tmp_path: Path) -> None:
    data = write_lama(tmp_path / "net.pt").read_bytes()
    contract = InpaintContract(mask_dtype="int64", multiple=8)
    spec = make_model(make_file("net.pt", data), contract=contract, format="torchscript")
    store, report = make_store(tmp_path / "weights", spec), Report()
    store.import_file(tmp_path / "net.pt", "tiny")

    model = ModelCache(store, CPU).open("tiny", report)

    assert model.runtime.input_names == ("image", "mask")
    assert report.weights[0].runtime == "torch"


def test_installed_for_lists_torchscript_models_where_pytorch_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {"scripted": make_file("a.pt", b"a"), "graph": make_file("b.onnx", b"b")}
    models = [
        make_model(file, id=name, tools=("inpaint",), format=form)
        for (name, file), form in zip(files.items(), ("torchscript", "onnx"), strict=True)
    ]
    missing = make_model(make_file("c.onnx", b"c"), id="missing", tools=("inpaint",))
    other = make_model(make_file("d.onnx", b"d"), id="other")
    store = make_store(tmp_path / "weights", *models, missing, other)
    for model_id, name in (("scripted", "a.pt"), ("graph", "b.onnx"), ("other", "d.onnx")):
        (tmp_path / name).write_bytes(name[:1].encode())
        store.import_file(tmp_path / name, model_id)
    cache = ModelCache(store, CPU)

    assert cache.installed_for("inpaint", "super-resolution") == ["scripted", "graph"]
    monkeypatch.setattr("studio.models.runtimes.find_spec", lambda name: None)
    assert cache.installed_for("inpaint", "super-resolution") == ["graph"]


WITHOUT_TORCH = """
import sys
sys.modules["torch"] = None  # as if it were not installed
from pathlib import Path
from studio.errors import ModelUnavailableError
from studio.models.runtimes import load_runtime
from studio.models.catalogue import load_catalogue
from studio.settings import Settings

spec = load_catalogue().get("lama")
for _ in range(2):
    try:
        load_runtime(Path("big-lama.pt"), spec, spec.files[0], Settings(device="cpu"))
    except ModelUnavailableError as error:
        print(error.code, str(error))
"""


def test_without_pytorch_the_refusal_says_how_to_install_it() -> None:
    result = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH], capture_output=True, text=True, check=True
    )
    first, second = result.stdout.splitlines()
    assert first == second
    assert first.startswith("model.unsupported ")
    assert "pip install 'darkroom[torch]'" in first


def test_run_gives_the_same_bytes_whatever_the_setting_of_threads(tmp_path: Path) -> None:
    torch.manual_seed(5)
    wide = nn.Sequential(nn.Conv2d(512, 512, 1), nn.Conv2d(512, 64, 3, padding=4, dilation=4))
    picture = torch.randn(1, 512, 8, 8)
    path = save_traced(wide, (picture,), tmp_path / "net.pt")
    answers = set()
    for threads in (1, 2, 5):
        runtime = TorchscriptRuntime(path, Settings(device="cpu", threads=threads))
        (name,) = runtime.input_names
        answers.add(runtime.run({name: picture.numpy()})[0].tobytes())
    assert len(answers) == 1
