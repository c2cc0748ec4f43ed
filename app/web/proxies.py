"""The address a request comes from, when proxies stand before the studio."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from studio.settings import Network

Address = IPv4Address | IPv6Address


class TrustedProxies:
    """Names the client that trusted proxies name; nobody else is believed.

    The server in front of this must not look at ``X-Forwarded-For`` itself.
    """

    def __init__(self, app: ASGIApp, *, trusted: Sequence[Network]) -> None:
        self._app = app
        self._trusted = trusted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its client's address."""
        client = scope.get("client")
        if self._trusted and client and scope["type"] in ("http", "websocket"):
            hops = ",".join(Headers(scope=scope).getlist("x-forwarded-for"))
            scope = {**scope, "client": (client_address(client[0], hops, self._trusted), client[1])}
        await self._app(scope, receive, send)


def client_address(peer: str, forwarded_for: str, trusted: Sequence[Network]) -> str:
    """The nearest address that is not a trusted proxy's.

    Each proxy adds the address it was asked from at the right of ``forwarded_for``; what stands
    left of the first one we do not trust, anybody may have written. A hop that is no address
    ends the search at the proxy that passed it on.
    """
    address = _parsed(peer)
    if address is None:
        return peer
    for hop in reversed(forwarded_for.split(",")):
        if not any(address in network for network in trusted):
            break
        before = _parsed(hop.strip())
        if before is None:
            break
        address = before
    return str(address)


def _parsed(text: str) -> Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    # An IPv4 client of a socket that listens on IPv6.
    return getattr(address, "ipv4_mapped", None) or address
