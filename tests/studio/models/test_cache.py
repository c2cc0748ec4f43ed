from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from time import sleep
from typing import Any

import pytest

from studio.errors import ModelUnavailableError, RetriableError
from studio.models.cache import ModelCache
from studio.models.catalogue import Catalogue, Licence, ModelSpec, WeightFile
from studio.models.runtime import Device
from studio.models.runtimes import load_runtime
from studio.models.weights import WeightStore
from studio.report import Report
from studio.settings import Settings
from tests.studio.models.networks import (
    FakeRuntime,
    plain_matting,
    write_mean_of_channels,
    write_ncnn,
)
from tests.studio.models.weight_factories import make_file, make_model
from tests.words import said

MATTING = plain_matting()


class CountingLoader:
    """Loads fakes that each hold 100 bytes, and counts what it loaded."""

    def __init__(self, *failures: type[Exception] | None) -> None:
        self.loads: Counter[str] = Counter()
        self._failures = iter(failures)

    def __call__(
        self, path: Path, spec: ModelSpec, file: WeightFile, settings: Settings
    ) -> FakeRuntime:
        sleep(0.01)  # long enough for another thread to arrive meanwhile
        self.loads[file.name] += 1
        if failure := next(self._failures, None):
            raise failure
        return FakeRuntime(resident_bytes=100)


def make_store(folder: Path, *names: str) -> WeightStore:
    """One installed model a name, each with bytes of its own."""
    specs = [make_model(make_file(f"{name}.onnx", name.encode()), id=name) for name in names]
    store = WeightStore(folder / "weights", Catalogue(tuple(specs)))
    for name in names:
        source = folder / f"{name}.onnx"
        source.write_bytes(name.encode())
        store.import_file(source, name)
    return store


def make_cache(
    store: WeightStore, loader: CountingLoader | None = None, budget_bytes: int = 1000
) -> ModelCache:
    settings = Settings(model_cache_bytes=budget_bytes)
    return ModelCache(store, settings, load=loader or CountingLoader())


def test_open_twice_loads_once_and_says_cold_then_warm(tmp_path: Path) -> None:
    loader, cold, warm = CountingLoader(), Report(), Report()
    cache = make_cache(make_store(tmp_path, "a"), loader)
    first, second = cache.open("a", cold), cache.open("a", warm)
    assert first.runtime is second.runtime
    assert loader.loads == {"a.onnx": 1}
    assert [cold.weights[0].was_warm, warm.weights[0].was_warm] == [False, True]
    assert "load" in cold.seconds
    assert "load" not in warm.seconds


def test_open_tells_the_report_once_which_weights_a_run_used(tmp_path: Path) -> None:
    store, report = make_store(tmp_path, "a"), Report()
    cache = make_cache(store)
    cache.open("a", report)
    cache.open("a", report)
    (use,) = report.weights
    assert use.model_dump() == {
        "id": "a",
        "sha256": store.digest("a"),
        "graph_sha256": None,
        "runtime": "fake",
        "device": "cpu",
        "precision": "fp32",
        "was_warm": False,
    }


def test_open_over_budget_releases_the_least_recently_used(tmp_path: Path) -> None:
    loader = CountingLoader()
    cache = make_cache(make_store(tmp_path, "a", "b", "c"), loader, budget_bytes=250)
    for name in ("a", "b", "a", "c", "a", "b"):
        cache.open(name, Report())
    assert loader.loads == {"a.onnx": 1, "b.onnx": 2, "c.onnx": 1}
    assert cache.resident_bytes == 200


def test_open_from_many_threads_loads_once(tmp_path: Path) -> None:
    loader = CountingLoader()
    cache = make_cache(make_store(tmp_path, "a"), loader)
    with ThreadPoolExecutor(8) as pool:
        runtimes = {
            id(model.runtime) for model in pool.map(lambda _: cache.open("a", Report()), range(32))
        }
    assert len(runtimes) == 1
    assert loader.loads == {"a.onnx": 1}


def test_interrupt_reaches_every_resident_network(tmp_path: Path) -> None:
    cache = make_cache(make_store(tmp_path, "a", "b"))
    runtimes = [cache.open(name, Report()).runtime for name in ("a", "b")]
    cache.interrupt()
    assert [runtime.interrupts for runtime in runtimes] == [1, 1]  # type: ignore[attr-defined]  # FakeRuntime


def test_interrupt_reaches_a_network_that_is_in_use_and_no_longer_resident(tmp_path: Path) -> None:
    cache = make_cache(make_store(tmp_path, "a", "b"), budget_bytes=100)
    runtimes = [cache.open(name, Report()).runtime for name in ("a", "b")]
    assert cache.resident_bytes == 100
    cache.interrupt()
    assert [runtime.interrupts for runtime in runtimes] == [1, 1]  # type: ignore[attr-defined]  # FakeRuntime


def test_open_without_memory_releases_the_others_and_tries_again(tmp_path: Path) -> None:
    loader = CountingLoader(None, MemoryError)
    cache = make_cache(make_store(tmp_path, "a", "b"), loader)
    cache.open("a", Report())
    cache.open("b", Report())
    assert loader.loads == {"a.onnx": 1, "b.onnx": 2}
    assert cache.resident_bytes == 100


def test_open_that_never_fits_can_be_tried_later(tmp_path: Path) -> None:
    loader = CountingLoader(MemoryError, MemoryError)
    with pytest.raises(RetriableError) as error:
        make_cache(make_store(tmp_path, "a"), loader).open("a", Report())
    assert error.value.code == "memory.exhausted"


def test_open_picks_the_file_of_a_scale(tmp_path: Path) -> None:
    files = [
        make_file(f"x{scale}.onnx", bytes([scale])).model_copy(update={"scale": scale})
        for scale in (2, 3)
    ]
    store = WeightStore(tmp_path / "weights", Catalogue((make_model(*files),)))
    for scale in (2, 3):
        (tmp_path / f"x{scale}.onnx").write_bytes(bytes([scale]))
        store.import_file(tmp_path / f"x{scale}.onnx")
    assert make_cache(store).open("tiny", Report(), scale=3).file.name == "x3.onnx"
    assert make_cache(store).open("tiny", Report()).file.name == "x2.onnx"


def test_open_of_a_model_that_is_not_installed_refuses(tmp_path: Path) -> None:
    store = WeightStore(tmp_path, Catalogue((make_model(make_file(), id="absent"),)))
    with pytest.raises(ModelUnavailableError, match="studio weights pull absent"):
        make_cache(store).open("absent", Report())


def test_require_refuses_what_open_would_refuse_and_loads_nothing(tmp_path: Path) -> None:
    store, loader = make_store(tmp_path, "a"), CountingLoader()
    cache = make_cache(store, loader)
    cache.require("a")
    (tmp_path / "weights" / "a" / "a.onnx").write_bytes(b"other")
    with pytest.raises(ModelUnavailableError) as damaged:
        cache.require("a")
    store.delete("a")
    with pytest.raises(ModelUnavailableError) as missing:
        cache.require("a")
    with pytest.raises(ModelUnavailableError) as unknown:
        cache.require("nonsense")
    codes = [refusal.value.code for refusal in (damaged, missing, unknown)]
    assert codes == ["model.damaged", "model.missing", "model.unknown"]
    assert not loader.loads


@pytest.mark.parametrize(
    ("commercial", "notes"),
    [("yes", []), ("ask", []), ("no", ["Tiny net: no commercial use (For research)."])],
)
def test_open_of_a_model_that_must_not_be_sold_notes_it_once(
    tmp_path: Path, commercial: Any, notes: list[str]
) -> None:
    licence = Licence(name="For research", commercial=commercial, words="For research, no more.")
    spec = make_model(make_file("net.onnx", b"net"), licence=licence)
    store = WeightStore(tmp_path / "weights", Catalogue((spec,)))
    (tmp_path / "net.onnx").write_bytes(b"net")
    store.import_file(tmp_path / "net.onnx")
    cache, report = make_cache(store), Report()
    cache.open("tiny", report)
    cache.open("tiny", report)
    assert said(report.notes) == notes


def install_two_forms(folder: Path) -> WeightStore:
    """A model served as it came on the CPU, and converted on CUDA."""
    param, weights = write_ncnn(folder)
    served: dict[str, Any] = {"format": "ncnn", "devices": (Device.CPU,), "weights": "net.bin"}
    made = WeightFile(
        name="net.onnx",
        scale=2,
        devices=(Device.CUDA,),
        conversion="ncnn-to-onnx",
        made_from=("net.param", "net.bin"),
    )
    graph = make_file("net.param", param.read_bytes()).model_copy(update=served)
    spec = make_model(made, graph, make_file("net.bin", weights.read_bytes()))
    store = WeightStore(folder / "weights", Catalogue((spec,)))
    for path in (param, weights):
        store.import_file(path)
    return store


def test_open_takes_the_file_its_device_is_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = install_two_forms(tmp_path)
    opened = {}
    for device in Device:
        monkeypatch.setattr("studio.models.onnx_runtime.usable_device", lambda _, d=device: d)
        opened[device] = make_cache(store).open("tiny", Report(), scale=2).file.name
    assert opened == {Device.CPU: "net.param", Device.CUDA: "net.onnx"}


def test_open_of_a_graph_beside_its_weights_records_both(tmp_path: Path) -> None:
    store, report = install_two_forms(tmp_path), Report()
    cache = ModelCache(store, Settings(device="cpu", threads=1))
    model = cache.open("tiny", report, scale=2)
    assert cache.open("tiny", report, scale=2).runtime is model.runtime
    (use,) = report.weights
    assert (use.runtime, use.device) == ("ncnn", "cpu")
    assert use.sha256 == store.digest("tiny", "net.bin")
    assert use.graph_sha256 == store.digest("tiny", "net.param")


def test_open_of_graphs_that_share_weights_tells_them_apart(tmp_path: Path) -> None:
    files = [
        make_file(f"x{scale}.param", bytes([scale])).model_copy(
            update={"scale": scale, "weights": "net.bin"}
        )
        for scale in (2, 3)
    ]
    spec = make_model(*files, make_file("net.bin", b"numbers"))
    store, loader = WeightStore(tmp_path / "weights", Catalogue((spec,))), CountingLoader()
    for name, content in (("x2.param", b"\2"), ("x3.param", b"\3"), ("net.bin", b"numbers")):
        (tmp_path / name).write_bytes(content)
        store.import_file(tmp_path / name)
    cache = make_cache(store, loader)
    for scale in (2, 3, 2):
        cache.open("tiny", Report(), scale=scale)
    assert loader.loads == {"x2.param": 1, "x3.param": 1}


def test_open_without_the_weights_of_a_graph_says_how_to_mend_it(tmp_path: Path) -> None:
    store = install_two_forms(tmp_path)
    (tmp_path / "weights" / "tiny" / "net.bin").unlink()
    with pytest.raises(ModelUnavailableError, match="studio weights pull tiny"):
        make_cache(store).open("tiny", Report(), scale=2)


def test_load_runtime_of_a_graph_gives_one_that_runs(tmp_path: Path) -> None:
    path = write_mean_of_channels(tmp_path / "net.onnx")
    file = make_file()
    runtime = load_runtime(path, make_model(file, contract=MATTING), file, Settings(threads=1))
    assert runtime.name == "onnxruntime"
    assert runtime.input_names == ("input",)


def test_load_runtime_of_a_format_nothing_executes_refuses(tmp_path: Path) -> None:
    file = make_file()
    spec = make_model(file, contract=MATTING, format="tensorflow-graph")
    with pytest.raises(ModelUnavailableError) as refusal:
        load_runtime(tmp_path / "net.pt", spec, file, Settings())
    assert refusal.value.code == "model.unsupported"


def test_interrupt_does_not_wait_for_a_network_that_is_being_loaded(tmp_path: Path) -> None:
    """Whoever hears of a cancel calls it, and has a lease to keep meanwhile."""
    is_loading, may_end = Event(), Event()

    class Slow(CountingLoader):
        def __call__(self, *args: Any) -> FakeRuntime:
            is_loading.set()
            may_end.wait(60)
            return super().__call__(*args)

    cache = make_cache(make_store(tmp_path, "a"), Slow())
    with ThreadPoolExecutor(2) as pool:
        opening = pool.submit(cache.open, "a", Report())
        try:
            assert is_loading.wait(60)
            pool.submit(cache.interrupt).result(30)
            assert not opening.done()
        finally:
            may_end.set()
        assert opening.result(60).runtime is cache.open("a", Report()).runtime
