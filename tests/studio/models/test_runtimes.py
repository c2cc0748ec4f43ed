from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from studio.errors import ModelUnavailableError
from studio.models import runtimes
from studio.models.catalogue import load_catalogue
from studio.models.runtimes import has_runtime, kind_of, load_runtime
from studio.settings import Settings
from tests.imports import loaded_by
from tests.studio.models.weight_factories import make_file, make_model


def test_every_served_file_of_the_catalogue_has_a_row_in_the_table() -> None:
    kinds = {kind_of(s, f) for s in load_catalogue() for f in s.served_files if f.part != "blend"}
    assert kinds == set(runtimes._RUNTIMES)


@pytest.mark.parametrize("kind", runtimes._RUNTIMES)
def test_every_row_of_the_table_names_a_loader(kind: str) -> None:
    module, _, function = runtimes._RUNTIMES[kind].loader.partition(":")
    assert callable(getattr(import_module(module), function))


def test_load_runtime_of_a_form_without_a_row_says_so(tmp_path: Path) -> None:
    spec = make_model(make_file(), format="tensorflow-graph")
    with pytest.raises(ModelUnavailableError, match="comes as tensorflow-graph") as refusal:
        load_runtime(tmp_path / "net.pb", spec, spec.files[0], Settings())
    assert refusal.value.code == "model.unsupported"


@pytest.mark.parametrize("form", ["tflite", "ncnn"])
def test_load_runtime_of_a_form_that_lacks_what_it_needs_says_so(tmp_path: Path, form: str) -> None:
    spec = make_model(make_file(), format=form)
    with pytest.raises(ModelUnavailableError) as refusal:
        load_runtime(tmp_path / "net", spec, spec.files[0], Settings())
    assert refusal.value.code == "model.unsupported"


def test_has_runtime_asks_for_the_library_that_may_be_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scripted = make_model(make_file("net.pt", b"bytes"), format="torchscript")
    assert has_runtime(scripted)
    monkeypatch.setattr("studio.models.runtimes.find_spec", lambda name: None)
    assert not has_runtime(scripted)
    assert has_runtime(make_model(make_file()))


def test_the_table_loads_no_library() -> None:
    loaded = loaded_by("studio.models.runtimes", "studio.models.cache")
    assert not loaded & {"onnxruntime", "torch", "ncnn", "cv2"}
