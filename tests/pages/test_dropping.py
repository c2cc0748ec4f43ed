"""What is dropped while a page checks what was dropped before."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetStates
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import RerunData, get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFileRec
from streamlit.testing.v1 import AppTest

from app.people.consent import give_consent
from app.runs.incoming import incoming
from app.runs.page_memory import recall_tray
from app.ui import trays
from app.ui.masks import Start
from db.actor import Actor
from tasks.files import StoredFile
from tasks.services import Services
from tests.pages.harness import Visit
from tests.pages.navigated import drop, markup, open_page
from tests.people import HERE, make_person
from tests.pictures import png

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("weights")]

TAB = "test session id"
"""That in which Streamlit's tests of pages run them."""

DropBoth = Callable[[AppTest, int, str, str], None]


@pytest.fixture
def mei(services: Services) -> Actor:
    actor = make_person(services)
    give_consent(services, actor, "faceswap", HERE)
    return actor


@pytest.fixture
def drop_both(monkeypatch: pytest.MonkeyPatch) -> DropBoth:
    """Drops a picture into a zone of a page, and a second one while the first is checked."""
    store = trays.store_upload

    def drop_both(page: AppTest, zone: int, first: str, late: str) -> None:
        dropped = page.file_uploader[zone]
        told = dropped.upload(first, png(101), "image/png")._widget_state
        late_id, files = str(uuid4()), told.file_uploader_state_value.uploaded_file_info
        if not dropped.accept_multiple_files:
            del files[:]
        files.add(file_id=late_id, name=late)

        def store_and_tell(*args: Any, **kwargs: Any) -> StoredFile:
            monkeypatch.setattr(trays, "store_upload", store)
            context = get_script_run_ctx()
            assert context is not None
            assert context.script_requests is not None
            manager = cast(MemoryUploadedFileManager, context.uploaded_file_mgr)
            record = UploadedFileRec(late_id, late, "image/png", png(102))
            manager.add_file(context.session_id, record)
            context.script_requests.request_rerun(
                RerunData(
                    context.query_string,
                    WidgetStates(widgets=[told]),
                    context.page_script_hash,
                )
            )
            return store(*args, **kwargs)

        monkeypatch.setattr(trays, "store_upload", store_and_tell)
        page.run()
        assert not page.exception

    return drop_both


def names(services: Services, actor: Actor, key: str) -> list[str]:
    return [one.file.file_name for one in recall_tray(services, actor, key).files]


def test_inpaint_picture_dropped_while_the_first_is_checked_is_taken_too(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor, drop_both: DropBoth
) -> None:
    page = open_page(visit, tmp_path, "INPAINT", mei)
    drop_both(page, 0, "cat.png", "dog.png")
    assert names(services, mei, "inpaint") == ["cat.png", "dog.png"]
    assert page.file_uploader[0].proto.id.endswith(".drop.1"), "a zone that holds none of them"


def test_inpaint_mask_dropped_while_another_is_checked_takes_its_place(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor, drop_both: DropBoth
) -> None:
    page = open_page(visit, tmp_path, "INPAINT", mei)
    drop(page, [("cat.png", png(1))])
    [box] = [one for one in page.selectbox if one.label == "Start from"]
    box.set_value(Start.UPLOAD).run()
    drop_both(page, 1, "mask.png", "other mask.png")
    assert names(services, mei, "inpaint.mask") == ["other mask.png"]
    assert "not taken" not in markup(page)
    assert '--dr-drop: "Drop another here in its place";' in markup(page)


def test_faceswap_source_that_no_place_is_left_for_is_named(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor, drop_both: DropBoth
) -> None:
    page = open_page(visit, tmp_path, "FACESWAP", mei)
    sources = [f"face-{number}.png" for number in range(8)]
    drop(page, [(name, png(number)) for number, name in enumerate(sources[:-1])], zone=1)
    drop_both(page, 1, sources[-1], "one too many.png")
    assert names(services, mei, "faceswap.source") == sources
    assert "<strong>one too many.png</strong>" in markup(page)


@pytest.mark.parametrize("tool", ["cutout", "inpaint"])
def test_zone_stays_as_long_as_more_is_on_its_way(
    visit: Visit, tmp_path: Path, mei: Actor, tool: str
) -> None:
    page = open_page(visit, tmp_path, tool.upper(), mei)
    with incoming().arriving(mei.id, "late", 5, tab_id=TAB):
        drop(page, [("cat.png", png(1))])
        [zone] = page.file_uploader
        assert zone.proto.id.endswith(f"{tool}.drop.0"), "in it the browser holds the file to come"
        assert not [one for box in page.expander for one in box.file_uploader], "nor is it moved"
    page.run()
    assert page.file_uploader[0].proto.id.endswith(f"{tool}.drop.1")


@pytest.mark.parametrize("tool", ["cutout", "inpaint"])
def test_zone_is_not_held_by_what_is_on_its_way_in_another_tab_or_to_a_page_that_was_left(
    visit: Visit, tmp_path: Path, mei: Actor, tool: str
) -> None:
    with incoming().arriving(mei.id, "to a page that was left", 5, tab_id=TAB):
        page = open_page(visit, tmp_path, tool.upper(), mei)
        with incoming().arriving(mei.id, "in another tab", 5, tab_id="another tab"):
            drop(page, [("cat.png", png(1))])
            assert page.file_uploader[0].proto.id.endswith(f"{tool}.drop.1")
