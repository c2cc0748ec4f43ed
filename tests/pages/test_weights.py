from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from unittest.mock import Mock

import pytest
from streamlit.testing.v1 import AppTest

from app.weights import management as weights
from app.weights.background import WorkFolder, WorkState
from db.actor import Actor
from db.types import Role
from studio.models.catalogue import load_catalogue
from studio.models.weights import Installed
from tasks.services import Services
from tests.pages.harness import Visit, button
from tests.pages.navigated import markup, open_page
from tests.people import make_person
from tests.servers import wait_until
from tests.studio.models.weight_factories import (
    FileServer,
    Served,
    file_server,
    matting_toml,
    write_catalogue,
)

pytestmark = pytest.mark.slow

DATA = b"weights" * 60_000
PART_BYTES = 300_000


@pytest.fixture
def server() -> Iterator[FileServer]:
    with file_server() as running:
        running.files["/alpha.onnx"] = Served(DATA)
        yield running


@pytest.fixture(autouse=True)
def weights_dir(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """A catalogue of three models, for the page and for the processes that it starts."""
    folder = tmp_path / "weights"
    folder.mkdir()
    catalogue = write_catalogue(
        folder,
        matting_toml("alpha", DATA, server.url("/alpha.onnx"), tools=("cutout", "cartoon")),
        matting_toml("beta", b"beta", tools=("faceswap",), licence="research"),
        matting_toml("gamma", b"gamma", tools=("faceswap", "upscale")),
    )
    monkeypatch.setenv("STUDIO_CATALOGUE_PATH", str(catalogue))
    monkeypatch.setenv("STUDIO_WEIGHTS_DIR", str(folder))
    load_catalogue.cache_clear()
    yield folder
    load_catalogue.cache_clear()


@pytest.fixture
def boss(weights_dir: Path, services: Services) -> Actor:
    return make_person(services, "boss", Role.ADMIN)


def install(services: Services, folder: Path) -> None:
    """Have alpha, without the network."""
    file = folder / "dropped.onnx"
    file.write_bytes(DATA)
    weights.open_store(services.settings).import_file(file, "alpha")


def titles(page: AppTest) -> list[str]:
    """The models shown, by the first letter of their names."""
    return [name for name in ("Alpha", "Beta", "Gamma") if f"<b>{name} net</b>" in markup(page)]


def entry(page: AppTest, title: str) -> str:
    """The markup of one model."""
    [found] = [each.proto.body for each in page.get("html") if f"<b>{title}</b>" in each.proto.body]
    return str(found)


def test_models_lists_each_with_state_terms_and_digest(
    services: Services, visit: Visit, tmp_path: Path, boss: Actor, weights_dir: Path
) -> None:
    install(services, weights_dir)
    page = open_page(visit, tmp_path, "WEIGHTS", boss)
    assert "3 models, 1 of 3 installed, 420 kB" in markup(page)
    alpha, beta = entry(page, "Alpha net"), entry(page, "Beta net")
    assert ">Installed<" in alpha
    assert "Matting, used by Cutout and Cartoon<br>alpha · 420 kB · MIT" in alpha
    assert ">Commercial use allowed<" in alpha
    assert ">Not installed<" in beta
    assert '<span class="dr-pill dr-failed">No commercial use</span>' in beta
    assert "The publisher allows research and nothing else." in beta
    [file] = load_catalogue().get("beta").files
    assert file.digests[0].value in beta
    [alpha_menu] = page.menu_button
    assert alpha_menu.options == ["Verify", "Delete"]
    assert [each.key for each in page.button if each.label == "Install"] == [
        "pull-beta",
        "pull-gamma",
    ]


def test_models_that_are_here_come_before_those_that_are_not(
    services: Services, visit: Visit, tmp_path: Path, boss: Actor, weights_dir: Path
) -> None:
    file = weights_dir / "dropped.onnx"
    file.write_bytes(b"gamma")
    weights.open_store(services.settings).import_file(file, "gamma")
    shown = markup(open_page(visit, tmp_path, "WEIGHTS", boss))
    places = [shown.index(f"<b>{name} net</b>") for name in ("Gamma", "Alpha", "Beta")]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ({"tool": "faceswap"}, ["Beta", "Gamma"]),
        ({"tool": "upscale"}, ["Gamma"]),
        ({"tool": "cartoon"}, ["Alpha"]),
        ({"tool": "nonesuch"}, ["Alpha", "Beta", "Gamma"]),
        ({"show": "missing"}, ["Beta", "Gamma"]),
        ({"show": "installed"}, ["Alpha"]),
        ({"show": "commercial"}, ["Alpha", "Gamma"]),
        ({"tool": "faceswap", "show": "commercial"}, ["Gamma"]),
    ],
)
def test_models_address_filters(
    services: Services,
    visit: Visit,
    tmp_path: Path,
    boss: Actor,
    weights_dir: Path,
    query: dict[str, str],
    shown: list[str],
) -> None:
    install(services, weights_dir)
    assert titles(open_page(visit, tmp_path, "WEIGHTS", boss, **query)) == shown


def test_models_filter_by_hand_and_nothing_that_matches(
    visit: Visit, tmp_path: Path, boss: Actor
) -> None:
    page = open_page(visit, tmp_path, "WEIGHTS", boss)
    page.selectbox(key="tool").set_value("cutout").run()
    assert titles(page) == ["Alpha"]
    assert page.query_params == {"tool": "cutout"}
    page.text_input(key="text").set_value("gamma").run()
    assert titles(page) == []
    assert "No model fits these filters." in markup(page)
    page.text_input(key="text").set_value("").run()
    page.selectbox(key="tool").set_value(None).run()
    assert titles(page) == ["Alpha", "Beta", "Gamma"]
    assert page.query_params == {}


@pytest.mark.parametrize("role", [Role.MEMBER, Role.VIEWER])
def test_models_others_than_admins_look_and_change_nothing(
    services: Services, visit: Visit, tmp_path: Path, weights_dir: Path, role: Role
) -> None:
    install(services, weights_dir)
    work = WorkFolder(services.settings)
    page = open_page(visit, tmp_path, "WEIGHTS", make_person(services, role=role))
    assert titles(page) == ["Alpha", "Beta", "Gamma"]
    assert "The publisher allows research and nothing else." in entry(page, "Beta net")
    assert not page.menu_button
    assert not page.button
    assert not page.expander
    assert work.all() == []


def test_models_delete_asks_first_and_names_the_tools_that_will_miss_it(
    services: Services, visit: Visit, tmp_path: Path, boss: Actor, weights_dir: Path
) -> None:
    install(services, weights_dir)
    store = weights.open_store(services.settings)
    page = open_page(visit, tmp_path, "WEIGHTS", boss)
    page.menu_button[0].click("delete").run()
    assert isinstance(store.status("alpha"), Installed)
    assert button(page, "Delete")
    asked = (
        "**Alpha net** is used by Cutout and Cartoon, and missing there until it is installed or "
        "imported again."
    )
    assert any(asked in each.value for each in page.markdown)


def test_models_stop_ends_a_pull_and_the_next_goes_on_from_there(
    services: Services,
    visit: Visit,
    tmp_path: Path,
    boss: Actor,
    server: FileServer,
    weights_dir: Path,
) -> None:
    server.files["/alpha.onnx"].stall_after = PART_BYTES
    work = WorkFolder(services.settings)
    page = open_page(visit, tmp_path, "WEIGHTS", boss)
    page.button(key="pull-alpha").click().run()
    wait_until(lambda: kept_bytes(weights_dir) > 0, what="the first bytes")
    page.run()
    assert ">Installing<" in markup(page)
    button(page, "Stop").click().run()
    wait_until(lambda: work.all()[0].state is WorkState.FAILED, what="the end of the pull")
    page.run()
    assert "This was interrupted. Install it again: it goes on from where it was." in markup(page)
    assert "Stop" not in {each.label for each in page.button}

    server.released.set()
    page.button(key="pull-alpha").click().run()
    wait_until(lambda: work.all()[0].state.is_over, what="the second pull")
    page.run()
    assert "Alpha net is installed." in markup(page)
    first, second = server.ranges_asked
    assert first is None
    assert second is not None


def kept_bytes(folder: Path) -> int:
    """How much of what is being fetched lies on disk."""
    return sum(path.stat().st_size for path in folder.rglob("*.part"))


def test_models_pull_that_has_not_begun_offers_no_stop(
    services: Services,
    visit: Visit,
    tmp_path: Path,
    boss: Actor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.weights.background.subprocess.Popen", Mock())
    page = open_page(visit, tmp_path, "WEIGHTS", boss)
    page.button(key="pull-alpha").click().run()
    assert ">Starting<" in markup(page)
    assert "Stop" not in {each.label for each in page.button}


def test_models_are_turned_in_pages(
    services: Services,
    visit: Visit,
    tmp_path: Path,
    boss: Actor,
    weights_dir: Path,
) -> None:
    names = [f"net{number:02}" for number in range(21)]
    write_catalogue(weights_dir, *(matting_toml(name, name.encode()) for name in names))
    load_catalogue.cache_clear()
    first = open_page(visit, tmp_path, "WEIGHTS", boss)
    assert "1 to 20 of 21 models, 0 of 21 installed" in markup(first)
    assert "<b>Net19 net</b>" in markup(first)
    assert "<b>Net20 net</b>" not in markup(first)
    assert 'href="?page=2"' in markup(first)
    second = open_page(visit, tmp_path, "WEIGHTS", boss, page="2")
    assert ">Model 21 of 21, 0 of 21 installed" in markup(second)
    assert "<b>Net20 net</b>" in markup(second)
    assert "<b>Net19 net</b>" not in markup(second)
