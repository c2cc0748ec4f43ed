from __future__ import annotations

import pytest

from app.people.accounts import find_user
from app.people.sessions import api_tokens_of, find_api_token, find_session
from tasks.services import Services
from tests.app.test_language import pseudo  # noqa: F401  a fixture
from tests.pages.harness import Visit, button
from tests.people import make_person, sign_in
from tests.pseudo import PSEUDO


def test_account_lists_browsers_and_signs_the_others_out(services: Services, visit: Visit) -> None:
    mei = make_person(services)
    elsewhere, _ = sign_in(services, mei)
    page = visit("pages/account.py", mei)
    assert not page.exception
    button(page, "Sign out everywhere else").click().run()
    assert find_session(services, elsewhere) is None
    assert page.title[0].value == "Account"


def test_account_token_is_shown_once_and_can_be_revoked(services: Services, visit: Visit) -> None:
    mei = make_person(services)
    page = visit("pages/account.py", mei)
    page.text_input[0].set_value("nightly export")
    button(page, "Create").click().run()
    [token] = [code.value for code in page.code]
    assert find_api_token(services, token) == mei
    button(page, "I have noted it").click().run()
    assert not page.code
    button(page, "Revoke").click().run()
    assert not api_tokens_of(services, mei)


def test_account_token_without_a_name_is_not_made_and_the_page_says_why(
    services: Services, visit: Visit
) -> None:
    mei = make_person(services)
    page = button(visit("pages/account.py", mei), "Create").click().run()
    assert [each.value for each in page.error] == ["Give it a name first."]
    assert not api_tokens_of(services, mei)


def test_account_offers_no_language_where_there_is_but_one(
    services: Services, visit: Visit
) -> None:
    page = visit("pages/account.py", make_person(services))

    assert "Language" not in [each.value for each in page.subheader]


@pytest.mark.usefixtures("pseudo")
def test_account_language_chosen_is_spoken_at_once_until_the_browser_decides_again(
    services: Services, visit: Visit
) -> None:
    mei = make_person(services)
    page = visit("pages/account.py", mei)
    titles, kept = [page.title[0].value], []
    assert page.selectbox(key="language").options == [
        "As the browser says",
        "English",
        "Esperanto",
    ]
    for locale in (PSEUDO, "", PSEUDO):
        page.selectbox(key="language").set_value(locale).run()
        titles.append(page.title[0].value)
        kept.append(find_user(services, "mei").locale)

    assert not page.exception
    assert titles == ["Account", "⟦Account⟧", "Account", "⟦Account⟧"]
    assert kept == [PSEUDO, None, PSEUDO]
    again = visit("pages/account.py", mei)
    assert (again.title[0].value, again.selectbox(key="language").value) == ("⟦Account⟧", PSEUDO)
