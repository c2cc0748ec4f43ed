"""A team's own networks, beside the catalogue that ships."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import helper

from studio.errors import WeightError
from studio.models.cache import ModelCache
from studio.models.catalogue import load_catalogue
from studio.models.weights import Installed, Missing, WeightStore
from studio.report import Report
from studio.settings import get_settings
from studio.tools.cartoon.styling.stylise import stylise
from studio.words.language import language
from tests.pseudo import PSEUDO, forget, teach
from tests.studio.models.networks import write_onnx
from tests.studio.models.weight_factories import QUICK

ENTRY = """
[licences.house]
name = "House style"
commercial = "yes"
words = "Trained by our own studio on our own pictures; use it as you please."

[[model]]
id = "house-style"
title = "House style"
task = "cartoon"
tools = ["cartoon"]
family = "house"
format = "onnx"
contract_evidence = "run"
licence = "house"
[model.contract]
kind = "style"
layout = "nchw"
multiple = 8
[[model.files]]
name = "house-style.onnx"
sources = [{ kind = "import" }]
"""


@pytest.fixture
def weights_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty weights folder that the settings name."""
    folder = tmp_path / "weights"
    folder.mkdir()
    monkeypatch.setenv("STUDIO_WEIGHTS_DIR", str(folder))
    return folder


@pytest.fixture(autouse=True)
def _read_afresh() -> None:
    get_settings.cache_clear()
    load_catalogue.cache_clear()
    yield  # type: ignore[misc]
    forget()
    get_settings.cache_clear()
    load_catalogue.cache_clear()


def test_catalogue_without_a_local_file_is_the_one_that_ships(weights_dir: Path) -> None:
    assert "house-style" not in load_catalogue()
    assert "isnet" in load_catalogue()


def test_local_model_is_offered_imported_and_drawn_with(weights_dir: Path, tmp_path: Path) -> None:
    (weights_dir / "catalogue.local.toml").write_text(ENTRY, encoding="utf-8")
    node = helper.make_node("Neg", ["input"], ["output"])
    net = write_onnx(tmp_path / "house-style.onnx", [node], {})
    catalogue = load_catalogue()
    store = WeightStore(weights_dir, catalogue, retries=QUICK)
    assert catalogue.for_tool("cartoon")[-1].id == "house-style"
    assert store.status("house-style") == Missing(("house-style.onnx",))

    [taken] = store.import_file(net)

    assert (taken.model_id, taken.was_pinned) == ("house-style", True)
    assert isinstance(store.status("house-style"), Installed)
    pixels = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
    cache = ModelCache(store, get_settings())
    drawn = stylise(pixels, "house-style", None, cache, Report())
    assert np.array_equal(drawn, 255 - pixels)


def test_local_model_without_an_address_cannot_be_pulled(weights_dir: Path) -> None:
    (weights_dir / "catalogue.local.toml").write_text(ENTRY, encoding="utf-8")
    store = WeightStore(weights_dir, load_catalogue(), retries=QUICK)
    with pytest.raises(WeightError, match="studio weights import FILE") as refusal:
        store.pull("house-style")
    assert refusal.value.code == "weight.fetch"


def test_local_model_may_name_a_licence_that_ships(weights_dir: Path) -> None:
    entry = ENTRY.partition("[[model]]")[2].replace('"house"\n[model', '"realesrgan"\n[model')
    (weights_dir / "catalogue.local.toml").write_text(f"[[model]]{entry}", encoding="utf-8")
    assert load_catalogue().get("house-style").licence.name == "BSD-3-Clause"


def test_local_model_is_spoken_of_in_the_words_of_its_own_file(
    weights_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = ENTRY.replace('licence = "house"', 'licence = "house"\nnote = "For {us}: 100 % ours."')
    (weights_dir / "catalogue.local.toml").write_text(entry, encoding="utf-8")
    teach(tmp_path / "locales", monkeypatch)
    pseudo, house = language(PSEUDO), load_catalogue().get("house-style")
    assert pseudo.say(house.advice) == "For {us}: 100 % ours."
    assert pseudo.say(house.licence.meaning).startswith("Trained by our own studio")
    ships = load_catalogue().get("isnet").licence
    assert pseudo.say(ships.meaning) == f"⟦{ships.words}⟧"


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (('id = "house-style"', 'id = "isnet"'), "lists isnet twice"),
        (('layout = "nchw"', 'layout = "chw"'), r"catalogue\.local\.toml cannot be used"),
        (('licence = "house"', 'licence = "none"'), r"catalogue\.local\.toml cannot be used"),
        (("[[model]]", "[model]"), r"catalogue\.local\.toml cannot be used: it lists no models"),
    ],
)
def test_local_catalogue_at_fault_is_refused_with_the_fault(
    weights_dir: Path, change: tuple[str, str], fault: str
) -> None:
    text = ENTRY.replace(*change)
    (weights_dir / "catalogue.local.toml").write_text(text, encoding="utf-8")
    with pytest.raises(WeightError, match=fault) as refusal:
        load_catalogue()
    assert refusal.value.code == "weight.catalogue"
