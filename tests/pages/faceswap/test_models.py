from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from db.actor import Actor
from studio.models.catalogue import load_catalogue
from studio.models.weights import Installed, Missing, WeightStore
from tests.pages.faceswap.swapping import SOURCE, fill
from tests.pages.harness import Visit, model_links
from tests.pages.navigated import markup, open_page

pytestmark = pytest.mark.slow


def test_faceswap_without_its_models_leads_to_them(
    visit: Visit, tmp_path: Path, mei: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(WeightStore, "status", lambda *_: Missing(()))
    page = open_page(visit, tmp_path, "FACESWAP", mei)
    assert model_links(page) == ["tool=faceswap"]
    page.selectbox(key="faceswap.new.model").set_value("inswapper-128").run()
    assert model_links(page) == ["tool=faceswap", "tool=faceswap"]


def have(patch: pytest.MonkeyPatch, *model_ids: str) -> None:
    """The search for faces and these models are installed, no others."""
    installed = {spec.id for spec in load_catalogue().for_tool("faces")} | set(model_ids)
    patch.setattr(
        WeightStore,
        "status",
        lambda _, model_id: Installed(1) if model_id in installed else Missing(()),
    )


def commands(page: AppTest) -> list[str]:
    """What the page says to install what is missing."""
    return [each.value for each in page.code]


def swap_by_likeness(page: AppTest) -> None:
    fill(page, SOURCE)
    [ways] = [each for each in page.segmented_control if each.label == "Which faces"]
    ways.set_value("likeness").run()


def test_faceswap_by_a_network_names_all_that_it_needs(
    visit: Visit, tmp_path: Path, mei: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    have(monkeypatch, "ghost-1-256")
    page = open_page(visit, tmp_path, "FACESWAP", mei)
    page.selectbox(key="faceswap.new.model").set_value("ghost-1-256").run()
    assert commands(page) == ["studio weights pull arcface-w600k-r50 crossface-ghost"]
    assert ">No commercial use<" in markup(page)
    have(monkeypatch, "ghost-1-256", "crossface-ghost", "w600k-r50")
    page.run()
    assert not page.code


def test_faceswap_by_likeness_with_a_network_names_what_both_need_once(
    visit: Visit, tmp_path: Path, mei: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    have(monkeypatch, "ghost-1-256", "crossface-ghost")
    page = open_page(visit, tmp_path, "FACESWAP", mei)
    swap_by_likeness(page)
    page.selectbox(key="faceswap.new.model").set_value("ghost-1-256").run()
    assert not page.exception
    assert commands(page) == ["studio weights pull arcface-w600k-r50"]
    assert page.button(key="faceswap.run").disabled


def test_faceswap_by_likeness_is_not_content_with_a_bridge(
    visit: Visit, tmp_path: Path, mei: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    have(monkeypatch, "crossface-ghost")
    page = open_page(visit, tmp_path, "FACESWAP", mei)
    swap_by_likeness(page)
    assert commands(page) == ["studio weights pull arcface-w600k-r50"]
    have(monkeypatch, "w600k-r50")
    page.run()
    assert not page.code
    assert len(page.file_uploader) == 3
