"""What pages remember of their person: options, pictures, who shall see a run."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from db.actor import Actor
from db.models import Blob, PageMemory, TrayFile
from db.repositories.accounts import AccountRepository
from db.types import utc_now
from tasks.maintenance import drop_unused_files, empty_old_trays
from tasks.services import Services
from tests.pages.harness import Visit
from tests.pages.navigated import drop, markup, navigated
from tests.people import make_person
from tests.pictures import png

pytestmark = pytest.mark.usefixtures("weights")


def test_memory_options_and_pictures_are_there_in_another_tab_for_their_person_alone(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    script = navigated(tmp_path, "CUTOUT")
    page = visit(script, mei)
    drop(page, [("a.png", png(1)), ("b.png", png(2))])
    page.slider(key="cutout.new.feather_px").set_value(3.0)
    page.checkbox(key="cutout.private").check().run()

    again = visit(script, mei)
    assert again.slider(key="cutout.new.feather_px").value == 3
    assert again.checkbox(key="cutout.private").value
    assert "a.png" in markup(again)
    assert "b.png" in markup(again)

    other = visit(script, make_person(services, "li"))
    assert other.slider(key="cutout.new.feather_px").value == 0
    assert "a.png" not in markup(other)


def test_memory_tray_of_a_tab_whose_person_signed_in_anew_is_kept(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    script = navigated(tmp_path, "CUTOUT")
    page = visit(script, mei)
    drop(page, [("a.png", png(1))])
    with services.database.write() as unit:
        AccountRepository(unit).end_sessions(mei.id)
    visit(script, mei)  # the browser's cookie is of a new session now
    drop(page, [("b.png", png(2))])
    assert not page.error
    assert "b.png" in markup(visit(script, mei))


def test_memory_reset_brings_the_defaults_back_for_good(
    visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    script = navigated(tmp_path, "CUTOUT")
    page = visit(script, mei)
    assert not [one for one in page.button if one.label == "Reset to defaults"]
    page.slider(key="cutout.new.feather_px").set_value(3.0).run()
    page.button(key="cutout.reset").click().run()
    assert page.slider(key="cutout.new.1.feather_px").value == 0
    assert visit(script, mei).slider(key="cutout.new.feather_px").value == 0


def test_memory_that_no_longer_fits_gives_the_defaults_and_says_so(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    script = navigated(tmp_path, "CUTOUT")
    visit(script, mei).slider(key="cutout.new.feather_px").set_value(3.0).run()
    with services.database.write() as session:
        session.execute(update(PageMemory).values(params={"tool": "cutout", "softness": 3}))
    page = visit(script, mei)
    assert page.slider(key="cutout.new.feather_px").value == 0
    assert "no longer fits" in page.info[0].value


@pytest.mark.slow
def test_memory_pictures_outlast_the_sweep_and_are_named_once_let_go(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    script = navigated(tmp_path, "CUTOUT")
    drop(visit(script, mei), [("a.png", png(1))])
    long_ago = utc_now() - timedelta(days=100)
    with services.database.write() as session:
        session.execute(update(Blob).values(created_at=long_ago))
    assert "a.png" in markup(visit(script, mei))
    assert drop_unused_files(services) == 0
    assert empty_old_trays(services) == 0
    with services.database.write() as session:
        session.execute(update(TrayFile).values(kept_at=long_ago))
    assert empty_old_trays(services) == 1
    page = visit(script, mei)
    assert "a.png" in page.info[0].value
    assert not visit(script, mei).info
