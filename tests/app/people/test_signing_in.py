from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.people import accounts, signing_in, throttle
from app.people.browsers import remember_browser
from app.people.passwords import hash_password, verify_password
from app.people.sessions import Visitor
from app.people.signing_in import (
    SignInRefusedError,
    TooManyAttemptsError,
    approach,
    authenticate,
)
from tasks.services import Services
from tests.app.people.conftest import LONG_S
from tests.people import HERE, PASSWORD, audit, fail_to_sign_in, make_person

pytestmark = pytest.mark.usefixtures("waits_outlast_the_test")


def test_authenticate_right_password_gives_the_account(any_services: Services) -> None:
    actor = make_person(any_services)
    assert authenticate(any_services, "  MEI ", PASSWORD, HERE).user_id == actor.id


def stored_hash(services: Services) -> str:
    return accounts.find_user(services, "mei").password_hash


def test_authenticate_hash_of_yesterdays_cost_is_made_anew(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_person(services)
    before = stored_hash(services)
    monkeypatch.setattr(signing_in, "needs_rehash", lambda _hash: True)
    authenticate(services, "mei", PASSWORD, HERE)
    assert stored_hash(services) != before
    authenticate(services, "mei", PASSWORD, HERE)


def test_authenticate_password_changed_meanwhile_is_not_put_back(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    actor = make_person(services)
    changed: list[str] = []

    def hash_while_an_admin_resets(password: str) -> str:
        changed.append(accounts.reset_password(services, actor.id))
        return hash_password(password)

    monkeypatch.setattr(signing_in, "needs_rehash", lambda _hash: True)
    monkeypatch.setattr(signing_in, "hash_password", hash_while_an_admin_resets)
    authenticate(services, "mei", PASSWORD, HERE)
    assert verify_password(stored_hash(services), changed[0])


def test_authenticate_refusals_do_not_say_which_part_is_wrong(services: Services) -> None:
    make_person(services, "mei")
    accounts.disable(services, make_person(services, "gone").id)
    messages = set()
    for name, password in (("mei", "wrong"), ("nobody", PASSWORD), ("gone", PASSWORD), ("", "")):
        with pytest.raises(SignInRefusedError) as refusal:
            authenticate(services, name, password, HERE)
        messages.add(str(refusal.value))
    assert len(messages) == 1
    assert ("session.refuse", "nobody") in audit(services)


def test_authenticate_after_too_many_failures_refuses_even_the_right_password(
    any_services: Services,
) -> None:
    make_person(any_services)
    fail_to_sign_in(any_services, "mei", any_services.settings.sign_in_attempts)
    for _ in range(3):
        with pytest.raises(TooManyAttemptsError) as refusal:
            authenticate(any_services, "mei", PASSWORD, HERE)
        assert 0 < refusal.value.delay_s <= LONG_S
    # Said once for each wait, however often it is knocked at.
    assert audit(any_services).count(("session.throttle", "mei")) == 1


def test_authenticate_is_not_locked_by_guesses_from_elsewhere(any_services: Services) -> None:
    mei = make_person(any_services)
    fail_to_sign_in(any_services, "mei", any_services.settings.sign_in_attempts)
    elsewhere = Visitor(ip="198.51.100.1")
    assert approach(any_services, "mei", elsewhere).pause_s == throttle._LONGEST_PAUSE_S
    assert approach(any_services, "li", elsewhere).pause_s == 0
    assert approach(any_services, "mei", HERE).pause_s == 0
    assert authenticate(any_services, "mei", PASSWORD, elsewhere).user_id == mei.id


def test_authenticate_known_browser_is_not_slowed_by_strangers_beside_it(
    any_services: Services,
) -> None:
    mei, li = make_person(any_services), make_person(any_services, "li")
    fail_to_sign_in(any_services, "mei", any_services.settings.sign_in_attempts)
    known = replace(HERE, browser=remember_browser(any_services.settings, mei.id))
    of_li = replace(HERE, browser=remember_browser(any_services.settings, li.id))
    forged = replace(HERE, browser=known.browser[:-1] + "0123"[known.browser[-1] == "0"])
    for stranger in (of_li, forged):
        with pytest.raises(TooManyAttemptsError):
            authenticate(any_services, "mei", PASSWORD, stranger)
    assert approach(any_services, "mei", known).pause_s == 0
    assert authenticate(any_services, "mei", PASSWORD, known).user_id == mei.id


def test_approach_browsers_of_one_person_have_one_owner(services: Services) -> None:
    mei = make_person(services)
    browsers = [remember_browser(services.settings, mei.id) for _ in range(2)]
    found = [approach(services, "mei", replace(HERE, browser=browser)) for browser in browsers]
    assert [(one.owner, one.is_known) for one in found] == [(mei.id, True)] * 2
    assert approach(services, "mei", HERE).owner == HERE.network


def test_authenticate_guesses_from_one_ipv6_network_are_counted_together(
    any_services: Services,
) -> None:
    make_person(any_services)
    for number in range(any_services.settings.sign_in_attempts):
        with pytest.raises(SignInRefusedError):
            authenticate(any_services, "mei", "wrong", Visitor(ip=f"2001:db8::{number:x}"))
    beside = Visitor(ip="2001:db8::ffff:1:2:3")
    for _ in range(3):
        with pytest.raises(TooManyAttemptsError):
            authenticate(any_services, "mei", PASSWORD, beside)
    assert audit(any_services).count(("session.throttle", "mei")) == 1
    authenticate(any_services, "mei", PASSWORD, Visitor(ip="2001:db8:0:1::1"))


@pytest.mark.parametrize(
    ("ip", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_visitor_network_of_an_address_is_what_one_visitor_has(ip: str, network: str) -> None:
    assert Visitor(ip=ip).network == network


def test_authenticate_known_browser_guesses_no_more_than_others(services: Services) -> None:
    mei = make_person(services)
    known = replace(HERE, browser=remember_browser(services.settings, mei.id))
    for _ in range(services.settings.sign_in_attempts):
        with pytest.raises(SignInRefusedError):
            authenticate(services, "mei", "wrong", known)
    with pytest.raises(TooManyAttemptsError):
        authenticate(services, "mei", PASSWORD, known)


@given(st.integers(-50, 10**6))
def test_wait_grows_and_stays_finite(beyond: int) -> None:
    assert 0 <= throttle._growing_s(beyond) <= throttle._growing_s(beyond + 1) < 10**10


def test_authenticate_refused_attempts_do_not_prolong_the_wait(services: Services) -> None:
    make_person(services)
    fail_to_sign_in(services, "mei", services.settings.sign_in_attempts)
    delays = []
    for _ in range(3):
        with pytest.raises(TooManyAttemptsError) as refusal:
            authenticate(services, "mei", PASSWORD, HERE)
        delays.append(refusal.value.delay_s)
    assert delays == sorted(delays, reverse=True)


def test_authenticate_success_forgets_the_failures_before_it(services: Services) -> None:
    make_person(services)
    for _ in range(3):
        fail_to_sign_in(services, "mei", services.settings.sign_in_attempts - 1)
        authenticate(services, "mei", PASSWORD, HERE)


def test_authenticate_many_names_from_one_address_are_refused(services: Services) -> None:
    make_person(services)
    for number in range(services.settings.sign_in_attempts * 4):
        fail_to_sign_in(services, f"guess{number}", 1)
    with pytest.raises(TooManyAttemptsError):
        authenticate(services, "mei", PASSWORD, HERE)
    authenticate(services, "mei", PASSWORD, Visitor(ip="198.51.100.1"))


def test_authenticate_guesses_side_by_side_share_one_allowance(any_services: Services) -> None:
    make_person(any_services)

    def guess(number: int) -> type[Exception]:
        try:
            authenticate(any_services, "mei", f"guess {number}", HERE)
        except (SignInRefusedError, TooManyAttemptsError) as error:
            return type(error)
        raise AssertionError("a guess was right")

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(guess, range(16)))
    assert outcomes.count(SignInRefusedError) == any_services.settings.sign_in_attempts
