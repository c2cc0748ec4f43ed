"""Pages in a language that nobody speaks: what they say went through the catalogue."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from babel.dates import get_month_names
from streamlit.runtime.context import ContextProxy
from streamlit.testing.v1 import AppTest

from app.people.consent import give_consent
from db.actor import Actor
from db.states import JobState
from db.types import Role
from studio.models.catalogue import HttpsSource, load_catalogue
from studio.tools.registry import TOOLS
from studio.words import msg
from studio.words.language import language, locales
from tasks.services import Services
from tests.app.test_language import pseudo  # noqa: F401  a fixture
from tests.factories import make_blob, make_job
from tests.pages.harness import Visit
from tests.pages.navigated import drop, links, navigated
from tests.people import HERE, make_person
from tests.pictures import png
from tests.pseudo import PSEUDO, unbracketed

pytestmark = pytest.mark.slow

_HIDDEN = re.compile(r"<style>.*?</style>|<[^>]*>|&\w+;|:material/\w+:|!\[\]\([^)]*\)", re.DOTALL)
_NAMES = ("photo_library", "cat.png", "PNG", "JPEG", "WebP", "px", "wall", "li")
_WORD = re.compile(r"[^\W\d_]{2,}")


def shown(page: AppTest) -> Iterator[str]:
    """Every text of a page's widgets and of what stands between them."""
    for element in page.main:
        proto: Any = getattr(element, "proto", None)
        for name in ("label", "help", "body", "placeholder"):
            text = getattr(proto, name, "")
            if isinstance(text, str):
                yield text
        for option in getattr(proto, "options", ()):
            yield str(getattr(option, "content", option))


def outside_words() -> set[str]:
    """Names of models, files and licences, and addresses, are not ours to translate."""
    texts = set(_NAMES)
    for spec in load_catalogue():
        texts |= {spec.id, spec.title, spec.licence.name, spec.licence.url or ""}
        for file in spec.files:
            addresses = {one.url for one in file.sources if isinstance(one, HttpsSource)}
            texts |= {file.name, *addresses, *(digest.value for digest in file.digests)}
    return texts - {""}


@pytest.mark.usefixtures("pseudo")
@pytest.mark.parametrize(
    ("tool", "is_agreed"),
    [
        ("cutout", False),
        ("cartoon", False),
        ("inpaint", False),
        ("upscale", False),
        ("faceswap", False),
        ("faceswap", True),
    ],
)
def test_tool_page_says_nothing_past_the_catalogue(
    services: Services,
    visit: Visit,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    tool: str,
    is_agreed: bool,
) -> None:
    monkeypatch.setattr(ContextProxy, "locale", property(lambda _context: PSEUDO))
    actor: Actor = make_person(services)
    if is_agreed:
        give_consent(services, actor, tool, HERE)
    page = visit(navigated(tmp_path, tool.upper()), actor)
    if page.file_uploader:
        drop(page, [("cat.png", png(1, 60, 40))])
    assert not page.exception
    assert not left_over(page)


@pytest.mark.usefixtures("pseudo")
@pytest.mark.parametrize("tool", ["inpaint", "faceswap"])
def test_page_that_waits_for_a_result_says_nothing_past_the_catalogue(
    services: Services, visit: Visit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tool: str
) -> None:
    monkeypatch.setattr(ContextProxy, "locale", property(lambda _context: PSEUDO))
    mei = make_person(services)
    give_consent(services, mei, tool, HERE)
    with services.database.write() as session:
        coming = make_job(session, mei, file_name="cat.png", state=JobState.QUEUED)
    page = visit(navigated(tmp_path, tool.upper()), mei)
    page.query_params["use"] = str(coming.id)
    page.run()
    assert not page.exception
    assert not left_over(page)


@pytest.mark.usefixtures("pseudo")
@pytest.mark.parametrize("tool", ["cutout", "cartoon", "inpaint", "upscale", "faceswap"])
def test_page_built_from_facts_says_nothing_past_the_catalogue(
    services: Services, visit: Visit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tool: str
) -> None:
    monkeypatch.setattr(ContextProxy, "locale", property(lambda _context: PSEUDO))
    monkeypatch.setitem(TOOLS, tool, replace(TOOLS[tool], page=""))
    mei = make_person(services)
    give_consent(services, mei, tool, HERE)
    page = visit(navigated(tmp_path, tool.upper()), mei)
    drop(page, [("cat.png", png(1, 60, 40))])
    assert not page.exception
    assert not left_over(page)


@pytest.mark.usefixtures("pseudo")
@pytest.mark.parametrize("name", ["account", "members", "studio", "history"])
def test_page_says_nothing_past_the_catalogue(
    services: Services, visit: Visit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(ContextProxy, "locale", property(lambda _context: PSEUDO))
    script = navigated(tmp_path, "HISTORY") if name == "history" else f"pages/{name}.py"
    page = visit(script, make_person(services, "li", Role.ADMIN))
    assert not page.exception
    languages = (language(locale).name for locale in locales())
    assert not left_over(page, *languages)


@pytest.mark.usefixtures("pseudo")
@pytest.mark.parametrize("role", [Role.ADMIN, Role.VIEWER])
def test_models_page_says_nothing_past_the_catalogue(
    services: Services, visit: Visit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, role: Role
) -> None:
    monkeypatch.setattr(ContextProxy, "locale", property(lambda _context: PSEUDO))
    page = visit(navigated(tmp_path, "WEIGHTS"), make_person(services, "li", role))
    assert not page.exception
    assert not left_over(page)


@pytest.mark.usefixtures("pseudo")
@pytest.mark.parametrize("state", [JobState.SUCCEEDED, JobState.FAILED, JobState.QUEUED])
def test_run_page_says_nothing_past_the_catalogue(
    services: Services,
    visit: Visit,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    state: JobState,
) -> None:
    monkeypatch.setattr(ContextProxy, "locale", property(lambda _context: PSEUDO))
    mei = make_person(services)
    with services.database.write() as session:
        is_done = state is JobState.SUCCEEDED
        outputs = {"image": make_blob(session), "alpha": make_blob(session)} if is_done else {}
        params = {"tool": "cutout", "model": "isnet", "feather_px": 2.5}
        reason = msg("The disk is full. An admin must free some space on it.")
        job = make_job(
            session,
            mei,
            file_name="cat.png",
            state=state,
            params=params,
            outputs=outputs,
            error_message=reason if state is JobState.FAILED else None,
        )
    page = visit(navigated(tmp_path, "RUN"), mei)
    page.query_params["id"] = str(job.id)
    page.run()
    assert not page.exception
    months = get_month_names("wide", locale=PSEUDO).values()
    files = ("image.png", "alpha.png")
    libraries = ("numpy", "onnxruntime", "pillow", "cpu")
    assert not left_over(
        page, str(job.id), job.error_code or "", "#ffffff", *months, "UTC", *files, *libraries
    )


@pytest.mark.usefixtures("pseudo")
def test_offer_to_run_a_tool_is_one_whole_sentence(
    visit: Visit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mei: Actor
) -> None:
    """A verb that was translated by itself fits into no sentence of most languages."""
    monkeypatch.setattr(ContextProxy, "locale", property(lambda _context: PSEUDO))
    assert links(visit(navigated(tmp_path, "HISTORY"), mei)) == ["⟦Cut out a picture⟧"]
    page = visit(navigated(tmp_path, "UPSCALE"), mei)
    drop(page, [("a.png", png(1)), ("b.png", png(2))])
    assert "⟦Enlarge 2 pictures⟧" in [button.label for button in page.button]


@pytest.mark.usefixtures("pseudo")
def test_history_address_leads_to_the_same_list_in_every_language(
    services: Services, visit: Visit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mei = make_person(services)
    with services.database.write() as session:
        make_job(session, mei, file_name="dusk.png", state=JobState.FAILED)
        make_job(session, mei, file_name="dawn.png")
        make_job(session, mei, file_name="noon.png", tool="upscale", params={"model": "x"})
    filters = {"tool": "cutout", "state": "failed", "person": str(mei.id), "show": "all"}
    found = []
    for locale in ("en", PSEUDO):
        monkeypatch.setattr(
            ContextProxy, "locale", property(lambda _context, locale=locale: locale)
        )
        page = visit(navigated(tmp_path, "HISTORY"), mei)
        for name, value in filters.items():
            page.query_params[name] = value
        page.run()
        assert not page.exception
        found.append(links(page))

    assert found == [["dusk.png"]] * 2


def left_over(page: AppTest, *names: str) -> set[str]:
    """What the page says in no language's words, ``names`` apart."""
    known = sorted({*outside_words(), *names} - {""}, key=len, reverse=True)
    left = set()
    for text in shown(page):
        rest = unbracketed(unescape(_HIDDEN.sub(" ", text)))
        for words in known:
            rest = rest.replace(words, " ")
        if _WORD.search(rest):
            left.add(rest)
    return left
