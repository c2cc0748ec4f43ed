from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx
import pytest

from studio.public_http import PrivateAddressError, PublicTransport, is_public
from tests.studio.models.weight_factories import FileServer, Served, file_server


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    with file_server() as running:
        running.files["/secret"] = Served(b"secret")
        yield running


def look_up_as(monkeypatch: pytest.MonkeyPatch, names: Mapping[str, Sequence[str]]) -> None:
    """Let each of the names have these addresses."""
    real = socket.getaddrinfo

    def look_up(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        places = names.get(host, [host])
        return [found for place in places for found in real(place, port, *args, **kwargs)]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


@contextmanager
def deaf_listener(place: tuple[str, int]) -> Iterator[None]:
    """A place whose queue is full, so that it answers no attempt to connect."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(place)
        listener.listen(0)
        for _ in range(3):
            queued = stack.enter_context(socket.socket())
            queued.setblocking(False)
            queued.connect_ex(place)
        yield


@pytest.mark.parametrize("address", ["1.1.1.1", "8.8.8.8", "2606:4700::1111", "::ffff:1.1.1.1"])
def test_is_public_of_the_internet(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",
        "127.0.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "192.168.1.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::10.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1",
        "2001::1",
        "2002:a9fe:a9fe::1",
        "fc00::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
    ],
)
def test_is_public_of_anything_else(address: str) -> None:
    assert not is_public(address)


def test_transport_reaches_no_host_of_ones_own_unless_it_is_trusted(server: FileServer) -> None:
    with httpx.Client(transport=PublicTransport()) as client, pytest.raises(PrivateAddressError):
        client.get(server.url("/secret"))
    assert not server.ranges_asked
    with httpx.Client(transport=PublicTransport({"127.0.0.1"})) as client:
        assert client.get(server.url("/secret")).content == b"secret"


@pytest.mark.parametrize("trusted", ["::1", "0:0:0:0:0:0:0:1"])
def test_transport_trusts_an_address_however_it_is_written(trusted: str) -> None:
    with (
        httpx.Client(transport=PublicTransport({trusted})) as client,
        pytest.raises(httpx.ConnectError),
    ):
        client.get("http://[0::0001]:1/")


@pytest.mark.allow_hosts(["127.0.0.1", "127.0.0.9", "192.0.2.1"])
def test_transport_dials_the_address_it_has_looked_at(
    server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that is public when asked first and private when asked again (DNS rebinding)."""
    asked: list[Any] = []
    real = socket.getaddrinfo

    def look_up(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        if host == "rebound.example":
            asked.append(host)
            first = "192.0.2.1" if len(asked) == 1 else "127.0.0.1"
            return real(first, port, *args, **kwargs)
        return real(host, port, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr("studio.public_http.is_public", lambda address: address == "192.0.2.1")
    url = server.url("/secret").replace("127.0.0.1", "rebound.example")
    with httpx.Client(transport=PublicTransport(), timeout=0.5) as client:
        with pytest.raises(httpx.TransportError):
            client.get(url)
        assert asked == ["rebound.example"]
        with pytest.raises(PrivateAddressError):
            client.get(url)
    assert not server.ranges_asked


def test_transport_refuses_a_name_one_of_whose_addresses_is_private(
    server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    look_up_as(monkeypatch, {"two-faced.example": ["1.1.1.1", "127.0.0.1"]})
    with httpx.Client(transport=PublicTransport()) as client, pytest.raises(PrivateAddressError):
        client.get(server.url("/secret").replace("127.0.0.1", "two-faced.example"))


@pytest.mark.allow_hosts(["127.0.0.1", "127.0.0.9", "192.0.2.1"])
def test_transport_tries_the_next_address_when_one_is_silent(
    server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    look_up_as(monkeypatch, {"mirror.example": ["127.0.0.9", "127.0.0.1"]})
    closed = server.server_port
    with httpx.Client(transport=PublicTransport({"mirror.example"})) as client:
        answer = client.get(f"http://mirror.example:{closed}/secret")
    assert answer.content == b"secret"
    assert answer.request.headers["host"] == f"mirror.example:{closed}"


@pytest.mark.allow_hosts(["127.0.0.1", "127.0.0.9"])
def test_transport_tries_the_next_address_when_one_does_not_answer_at_all(
    server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    look_up_as(monkeypatch, {"mirror.example": ["127.0.0.9", "127.0.0.1"]})
    url = server.url("/secret").replace("127.0.0.1", "mirror.example")
    timeout = httpx.Timeout(30, connect=0.3)
    with (
        deaf_listener(("127.0.0.9", server.server_port)),
        httpx.Client(transport=PublicTransport({"mirror.example"}), timeout=timeout) as client,
    ):
        assert client.get(url).content == b"secret"


def test_transport_serves_no_host_by_the_connection_of_another(
    server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("one.example", "two.example")
    look_up_as(monkeypatch, {name: ["127.0.0.1"] for name in names})
    handler = server.RequestHandlerClass
    monkeypatch.setattr(handler, "protocol_version", "HTTP/1.1")  # which keeps connections
    connections = set()
    with httpx.Client(transport=PublicTransport(names)) as client:
        for name in names:
            url = server.url("/secret").replace("127.0.0.1", name)
            with client.stream("GET", url) as answer:
                line = answer.extensions["network_stream"]
                connections.add(line.get_extra_info("client_addr"))
                answer.read()
    assert len(connections) == 2


def test_transport_of_an_unknown_name_is_a_connection_that_failed(server: FileServer) -> None:
    with httpx.Client(transport=PublicTransport()) as client, pytest.raises(httpx.ConnectError):
        client.get("http://nobody.invalid/")


def test_transport_uses_the_proxy_of_the_environment_for_public_names_alone(
    server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", server.url(""))
    server.files["http://example.org/net"] = Served(b"by proxy")
    with httpx.Client(transport=PublicTransport()) as client:
        assert client.get("http://example.org/net").content == b"by proxy"
        for host in ("10.0.0.1", "localhost", "0x7f.1", "[::1]"):
            with pytest.raises(PrivateAddressError):
                client.get(f"http://{host}/net")
