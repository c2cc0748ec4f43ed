from __future__ import annotations

from pathlib import Path

from app.people.tool_switches import switched_off
from db.actor import Actor
from db.repositories.audit import AuditRepository
from db.types import Role
from tasks.services import Services
from tests.factories import make_blob, make_job
from tests.pages.harness import Visit
from tests.pages.navigated import markup, navigated
from tests.people import make_person

PAGE = "pages/studio.py"


def switch_off(visit: Visit, admin: Actor, tool: str) -> None:
    page = visit(PAGE, admin)
    assert not page.exception
    page.toggle(key=f"switch-{tool}-True").set_value(False).run()
    assert not page.exception
    assert page.toggle(key=f"switch-{tool}-False").value is False


def test_studio_is_closed_to_others_than_admins(services: Services, visit: Visit) -> None:
    page = visit(PAGE, make_person(services))
    assert [error.value for error in page.error] == ["Only admins can open this page."]
    assert not page.toggle


def test_studio_switch_is_recorded_and_says_who_did_it(services: Services, visit: Visit) -> None:
    boss = make_person(services, "boss", Role.ADMIN)
    switch_off(visit, boss, "faceswap")
    assert switched_off(services) == {"faceswap"}
    page = visit(PAGE, boss)
    assert "Switched off by boss" in markup(page)
    page.toggle(key="switch-faceswap-False").set_value(True).run()
    assert switched_off(services) == frozenset()
    with services.database.read() as session:
        entries = AuditRepository(session).page(boss)
    done = [(row.actor_name, row.action, row.subject) for row in entries if row.subject != "boss"]
    assert done == [("boss", "tool.switch_on", "faceswap"), ("boss", "tool.switch_off", "faceswap")]


def test_studio_lists_no_auxiliary_tool(services: Services, visit: Visit) -> None:
    page = visit(PAGE, make_person(services, "boss", Role.ADMIN))
    labels = {each.label for each in page.toggle}
    assert "Cartoon is on" in labels
    assert not [label for label in labels if label.startswith("Find faces")]


def test_tool_that_is_switched_off_says_so_and_still_shows_its_runs(
    services: Services, visit: Visit, tmp_path: Path
) -> None:
    boss, mei = make_person(services, "boss", Role.ADMIN), make_person(services)
    switch_off(visit, boss, "cutout")
    with services.database.write() as session:
        done = make_job(session, mei, outputs={"image": make_blob(session)}, file_name="old.png").id
    page = visit(navigated(tmp_path, "CUTOUT"), mei)
    assert not page.exception
    assert "Cutout is switched off" in markup(page)
    assert not page.file_uploader
    page.query_params["job"] = str(done)
    page.run()
    assert "old.png" in [each.value for each in page.subheader]


def test_entry_opens_the_first_tool_that_is_on(services: Services, visit: Visit) -> None:
    boss = make_person(services, "boss", Role.ADMIN)
    switch_off(visit, boss, "cutout")
    page = visit("app/ui/entry.py", make_person(services))
    assert not page.exception
    assert page.title[0].value == "Cartoon"
