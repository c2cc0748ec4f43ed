from __future__ import annotations

from app.sessions import api_tokens_of, find_api_token, find_session
from tasks.services import Services
from tests.pages.harness import Visit, button
from tests.people import make_person, sign_in


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
