from __future__ import annotations

from streamlit.testing.v1 import AppTest

from app.people import accounts
from app.people.signing_in import authenticate
from db.types import Role
from tasks.services import Services
from tests.pages.harness import Visit, button
from tests.people import HERE, make_person

PAGE = "pages/members.py"


def add(page: AppTest, name: str) -> AppTest:
    page.text_input[0].set_value(name)
    return button(page, "Add").click().run()


def test_members_is_closed_to_others_than_admins(services: Services, visit: Visit) -> None:
    page = visit(PAGE, make_person(services))
    assert [error.value for error in page.error] == ["Only admins can open this page."]
    assert not page.text_input
    assert not page.exception


def test_members_stranger_sees_nothing(visit: Visit) -> None:
    page = visit(PAGE)
    assert not page.text_input
    assert not page.title
    assert "Sign in" in page.info[0].value


def test_members_add_shows_a_one_time_password_that_works_once_noted(
    services: Services, visit: Visit
) -> None:
    page = add(visit(PAGE, make_person(services, "boss", Role.ADMIN)), "Li.Wei")
    assert not page.exception
    [password] = [code.value for code in page.code]
    li = accounts.find_user(services, "li.wei")
    assert authenticate(services, "li.wei", password, HERE).user_id == li.id
    assert li.role is Role.MEMBER
    button(page, "I have noted it").click().run()
    assert not page.code


def test_members_second_password_leaves_the_first_until_it_is_noted(
    services: Services, visit: Visit
) -> None:
    page = add(visit(PAGE, make_person(services, "boss", Role.ADMIN)), "li")
    [first] = [code.value for code in page.code]
    page = add(page, "mo")
    assert page.code[0].value == first
    assert len(page.code) == 2
    noted, _other = (one for one in page.button if one.label == "I have noted it")
    noted.click().run()
    assert [code.value == first for code in page.code] == [False]


def test_members_add_refusal_is_shown_and_adds_nobody(services: Services, visit: Visit) -> None:
    make_person(services, "li")
    page = add(visit(PAGE, make_person(services, "boss", Role.ADMIN)), "LI")
    assert "already an account called “li”" in page.error[0].value
    page = add(page, "not a name")
    assert "not a name the studio can use" in page.error[0].value
    assert len(accounts.everybody(services)) == 2


def test_members_role_is_changed_at_once(services: Services, visit: Visit) -> None:
    li = make_person(services, "li")
    page = visit(PAGE, make_person(services, "boss", Role.ADMIN))
    page.selectbox(key=f"role-{li.id}-member-0").set_value(Role.VIEWER).run()
    assert not page.exception
    assert accounts.find_user(services, "li").role is Role.VIEWER


def test_members_last_admin_keeps_the_role_and_is_told_why(
    services: Services, visit: Visit
) -> None:
    boss = make_person(services, "boss", Role.ADMIN)
    page = visit(PAGE, boss)
    page.selectbox(key=f"role-{boss.id}-admin-0").set_value(Role.MEMBER).run()
    assert "last admin" in page.error[0].value
    assert accounts.find_user(services, "boss").role is Role.ADMIN
    # Another box: in that one the browser still has what was refused.
    assert page.selectbox(key=f"role-{boss.id}-admin-1").value is Role.ADMIN


def test_members_page_ends_when_the_admin_is_demoted_meanwhile(
    services: Services, visit: Visit
) -> None:
    boss = make_person(services, "boss", Role.ADMIN)
    make_person(services, "second", Role.ADMIN)
    page = visit(PAGE, boss)
    accounts.set_role(services, boss.id, Role.VIEWER)
    add(page, "intruder")
    assert "Only admins" in page.error[0].value
    assert {user.name for user in accounts.everybody(services)} == {"boss", "second"}
