"""Pages that were opened with rights that have gone since."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select
from streamlit.testing.v1 import AppTest

from app.people import accounts
from app.people.tool_switches import switched_off
from db.actor import Actor
from db.models import Job
from db.types import Role
from tasks.services import Services
from tests.factories import load_job, make_job
from tests.pages.harness import Visit, button
from tests.pages.navigated import navigated, open_page
from tests.people import make_person

_LATER = """
import streamlit as st
from app.ui.guard import {wrapper}
from app.ui.signed_in import require_admin, require_user

require_user()

@{wrapper}({arguments})
def later(actor):
    st.markdown(f"{{actor.name}} is {{actor.role}}")

later()
st.button("act")
"""


@pytest.fixture
def boss(services: Services) -> Actor:
    make_person(services, "other", Role.ADMIN)
    return make_person(services, "boss", Role.ADMIN)


def role_of(services: Services, name: str) -> Role:
    return accounts.find_user(services, name).role


def test_members_page_of_a_disabled_admin_changes_nobody(
    services: Services, visit: Visit, boss: Actor
) -> None:
    li = make_person(services, "li")
    page = visit("pages/members.py", boss)
    accounts.disable(services, boss.id)
    page.selectbox(key=f"role-{li.id}-member-0").set_value(Role.ADMIN).run()
    assert role_of(services, "li") is Role.MEMBER
    assert "Sign in" in page.info[0].value


def test_members_page_of_a_demoted_admin_changes_nobody(
    services: Services, visit: Visit, boss: Actor
) -> None:
    li = make_person(services, "li")
    page = visit("pages/members.py", boss)
    accounts.set_role(services, boss.id, Role.MEMBER)
    page.selectbox(key=f"role-{li.id}-member-0").set_value(Role.ADMIN).run()
    assert role_of(services, "li") is Role.MEMBER
    assert [error.value for error in page.error] == ["Only admins can open this page."]


def test_studio_page_of_a_demoted_admin_switches_nothing(
    services: Services, visit: Visit, boss: Actor
) -> None:
    page = visit("pages/studio.py", boss)
    accounts.set_role(services, boss.id, Role.MEMBER)
    page.toggle[0].set_value(False).run()
    assert switched_off(services) == frozenset()


def test_run_page_of_a_new_viewer_keeps_no_note(
    services: Services, visit: Visit, tmp_path: Path
) -> None:
    mei = make_person(services)
    make_person(services, "other", Role.ADMIN)
    with services.database.write() as unit:
        job = make_job(unit, mei)
    page = visit(navigated(tmp_path, "RUN"), mei)
    page.query_params["id"] = str(job.id)
    page.run()
    accounts.set_role(services, mei.id, Role.VIEWER)
    page.text_area(key=f"note.{job.id.hex}").set_value("too late").run()
    assert load_job(services.database, job.id).note == ""
    assert "Viewers can look" in page.error[0].value


@pytest.mark.parametrize("deed", ["Star", "Move to the trash"])
def test_run_that_is_not_theirs_by_now_is_not_changed_and_the_page_says_so(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor, deed: str
) -> None:
    with services.database.write() as session:
        run_id = make_job(session, mei).id
    page = open_page(visit, tmp_path, "RUN", mei, id=run_id)
    if deed != "Star":
        button(page, "Delete").click().run()
    li = make_person(services, "li")
    with services.database.write() as session:
        session.get_one(Job, run_id).owner_id = li.id
    button(page, deed).click().run()
    assert [error.value.split(".")[0] for error in page.error] == ["That could not be kept"]
    job = load_job(services.database, run_id)
    assert (job.starred, job.deleted_at) == (False, None)


@pytest.mark.parametrize(
    ("wrapper", "arguments"), [("fragment", ""), ("dialog", "'Title', icon=':material/key:'")]
)
def test_what_runs_later_is_handed_the_person_of_now(
    services: Services, visit: Visit, boss: Actor, tmp_path: Path, wrapper: str, arguments: str
) -> None:
    page = later(visit, boss, tmp_path, wrapper, arguments)
    assert [each.value for each in page.markdown] == ["boss is admin"]
    accounts.set_role(services, boss.id, Role.VIEWER)
    button(page, "act").click().run()
    assert [each.value for each in page.markdown] == ["boss is viewer"]


def test_what_runs_later_for_admins_stops_for_others(
    services: Services, visit: Visit, boss: Actor, tmp_path: Path
) -> None:
    page = later(visit, boss, tmp_path, "fragment", "who=require_admin")
    accounts.set_role(services, boss.id, Role.VIEWER)
    button(page, "act").click().run()
    assert not page.markdown
    assert "Only admins" in page.error[0].value


def later(visit: Visit, actor: Actor, folder: Path, wrapper: str, arguments: str) -> AppTest:
    script = folder / "later.py"
    script.write_text(_LATER.format(wrapper=wrapper, arguments=arguments))
    page = visit(str(script), actor)
    assert not page.exception
    return page


@pytest.fixture
def taken_over(services: Services, visit: Visit, boss: Actor, tmp_path: Path) -> AppTest:
    """The page of a run of ``boss``, in a browser that somebody else has signed in with since."""
    with services.database.write() as unit:
        job = make_job(unit, boss)
    script = navigated(tmp_path, "RUN")
    page = visit(script, boss)
    page.query_params["id"] = str(job.id)
    page.run()
    visit(script, make_person(services, "other boss", Role.ADMIN))  # has the browser's cookie now
    return page


def test_tab_that_somebody_else_takes_over_does_nothing_that_was_asked_for_before(
    services: Services, taken_over: AppTest
) -> None:
    drawn = taken_over._tree
    # A browser tells of a text that is left, and then of the click that left it, in two messages;
    # the second tells of both, and may come before it has heard what the first has led to.
    note = taken_over.text_area[0].set_value("too late")
    click = button(taken_over, "Run again").click
    shown = [says_nothing_else(note.run())]
    taken_over._tree = drawn
    shown += [says_nothing_else(click().run()), says_nothing_else(taken_over.run())]
    with services.database.read() as unit:
        assert [(job.note, job.parent_id) for job in unit.scalars(select(Job))] == [("", None)]
    assert shown == [True, True, True]


def says_nothing_else(page: AppTest) -> bool:
    """Whether the page is gone but for the way on."""
    infos = [each.value for each in page.info]
    return len(page.main.children) == 2 and ["reload this page" in one for one in infos] == [True]


def test_tab_that_was_taken_over_is_over_for_whoever_comes_back(
    services: Services, visit: Visit, boss: Actor, tmp_path: Path
) -> None:
    script = tmp_path / "held.py"
    script.write_text(
        "import streamlit as st\nfrom app.ui.signed_in import require_user\n"
        "actor = require_user()\nst.markdown(st.session_state.setdefault('held', actor.name))\n"
    )
    page = visit(str(script), boss)
    visit(str(script), make_person(services, "li"))  # now the browser's cookie is of li
    assert says_nothing_else(page.run())
    visit(str(script), boss)
    assert says_nothing_else(page.run())
