from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.web.proxies import client_address
from studio.settings import Settings

TRUSTED = Settings(trusted_proxies="127.0.0.1, 10.0.0.0/8,::1", _env_file=None).trusted_proxies


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "client"),
    [
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("127.0.0.1", "6.6.6.6, 198.51.100.1", "198.51.100.1"),
        ("127.0.0.1", "6.6.6.6, 198.51.100.1, 10.1.2.3", "198.51.100.1"),
        ("127.0.0.1", "<img src=x>", "127.0.0.1"),
        ("127.0.0.1", "<b>, 10.0.0.7", "10.0.0.7"),
        ("127.0.0.1", "10.0.0.7, 10.0.0.8", "10.0.0.7"),
        ("::ffff:127.0.0.1", "::ffff:198.51.100.1", "198.51.100.1"),
        ("::1", "2001:db8::7", "2001:db8::7"),
        ("testclient", "198.51.100.1", "testclient"),
    ],
)
def test_client_address_is_the_first_that_is_not_trusted(
    peer: str, forwarded_for: str, client: str
) -> None:
    assert client_address(peer, forwarded_for, TRUSTED) == client


@given(st.text())
def test_client_address_of_a_stranger_is_its_own(forwarded_for: str) -> None:
    assert client_address("203.0.113.9", forwarded_for, TRUSTED) == "203.0.113.9"


@given(st.text())
def test_client_address_behind_a_proxy_is_an_address(forwarded_for: str) -> None:
    ip_address(client_address("127.0.0.1", forwarded_for, TRUSTED))


def test_trusted_proxies_are_none_by_default() -> None:
    assert Settings(_env_file=None).trusted_proxies == ()
