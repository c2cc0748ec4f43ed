from __future__ import annotations

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

CPU = Settings(threads=1)


def test_a_file_that_is_no_graph_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "net.tflite"
    path.write_text("not a graph")
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
        pytest.skip(error.message)
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
    with pytest.raises(ModelUnavailableError):
        TfliteRuntime(path, CPU, outputs=["nonesuch"])
