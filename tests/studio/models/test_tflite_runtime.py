from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from studio.errors import ModelUnavailableError
from studio.models.catalogue import load_catalogue
from studio.models.contracts import NetworkContract
from studio.models.tflite_runtime import TfliteRuntime
from studio.models.weights import WeightStore
from studio.settings import Settings
from tests.studio.faces.networks import FACE_NETWORKS
from tests.studio.models.tflite_graphs import LOGISTIC, RELU, write_tflite

CPU = Settings(threads=1)


def graph(folder: Path) -> Path:
    outputs = {"squashed": LOGISTIC, "positive": RELU}
    return write_tflite(folder / "net.tflite", outputs, (1, 2, 4, 3))


def test_run_gives_the_named_outputs_in_the_order_asked_for(tmp_path: Path) -> None:
    runtime = TfliteRuntime(graph(tmp_path), CPU, outputs=["positive", "squashed"])
    values = np.random.default_rng(2).normal(size=(1, 3, 2, 4)).astype(np.float32)

    positive, squashed = runtime.run({"input": values})

    assert np.array_equal(positive, np.maximum(values, 0))
    assert np.allclose(squashed, 1 / (1 + np.exp(-values)), atol=1e-6)


def test_outputs_of_a_run_survive_the_next(tmp_path: Path) -> None:
    runtime = TfliteRuntime(graph(tmp_path), CPU, outputs=["positive"])
    ones = np.ones((1, 3, 2, 4), np.float32)
    (first,) = runtime.run({"input": ones})
    runtime.run({"input": ones * 5})
    assert np.all(first == 1)


def test_run_from_several_threads_mixes_nothing_up(tmp_path: Path) -> None:
    runtime = TfliteRuntime(graph(tmp_path), CPU, outputs=["positive", "squashed"])

    def is_right(value: float) -> bool:
        positive, _ = runtime.run({"input": np.full((1, 3, 2, 4), value, np.float32)})
        return bool(np.all(positive == value))

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(is_right, map(float, range(1, 60))))


def test_a_graph_without_the_named_output_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailableError, match=r"net\.tflite"):
        TfliteRuntime(graph(tmp_path), CPU, outputs=["nonesuch"])


def test_a_file_that_is_no_graph_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "net.tflite"
    path.write_text("not a graph", encoding="utf-8")
    with pytest.raises(ModelUnavailableError, match=r"net\.tflite") as refusal:
        TfliteRuntime(path, CPU, outputs=["points"])
    assert refusal.value.code == "model.unreadable"


@pytest.mark.weights
@pytest.mark.parametrize("model_id", FACE_NETWORKS)
def test_run_of_a_real_file_gives_the_outputs_of_its_entry(model_id: str) -> None:
    spec = load_catalogue().get(model_id)
    try:
        path = WeightStore(CPU.weights_dir, load_catalogue()).path(model_id)
    except ModelUnavailableError as error:
        pytest.skip(str(error))
    assert isinstance(spec.contract, NetworkContract)
    outputs = spec.contract.outputs
    runtime = TfliteRuntime(path, CPU, outputs=[port.name or "" for port in outputs])
    size = spec.contract.inputs[0].shape[1]
    picture = np.random.default_rng(5).random((1, 3, size, size), np.float32)

    found = runtime.run({"input": picture})
    runtime.run({"input": np.zeros_like(picture)})
    again = runtime.run({"input": picture})

    sizes = [int(np.prod(port.shape)) for port in outputs]
    assert [array.size for array in found] == sizes
    assert all(np.array_equal(a, b) for a, b in zip(found, again, strict=True))
