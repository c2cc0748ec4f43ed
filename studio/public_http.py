"""HTTP that reaches public hosts alone, wherever an address or a redirect points.

What fetches an address that somebody else chose can be sent to a service inside the network, such
as the metadata of a cloud machine. Each hop is looked up once, every address that the name has must
be public, and that address is dialled, so that a second look-up cannot answer otherwise.
"""

from __future__ import annotations

import socket
from collections.abc import Collection
from ipaddress import IPv6Address, IPv6Network, ip_address
from urllib.request import getproxies, proxy_bypass

import httpx

from studio.settings import canonical_host

_TRANSLATED = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
"""IPv4 addresses in another dress (NAT64), which ``ipaddress`` takes for public."""


class PrivateAddressError(httpx.TransportError):
    """A host is, or a name leads to, an address that is not public."""


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet and to one host of it.

    ``ipaddress.is_global`` says so of multicast, NAT64, 6to4, Teredo and site-local addresses too.
    """
    ip = ip_address(address.partition("%")[0])
    if isinstance(ip, IPv6Address):
        ip = ip.ipv4_mapped or ip
    if isinstance(ip, IPv6Address):
        is_tunnelled = bool(ip.sixtofour or ip.teredo) or any(ip in net for net in _TRANSLATED)
        if is_tunnelled or ip.is_site_local:
            return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved)


class PublicTransport(httpx.BaseTransport):
    """A transport for ``httpx.Client`` whose every request, redirects too, stays public.

    The environment's proxies are used as ever. A proxy looks names up itself; what is left to
    refuse here is an address that is not public by its own words.

    Args:
        trusted_hosts: names and addresses that may be private, such as a mirror in the house.

    """

    def __init__(self, trusted_hosts: Collection[str] = ()) -> None:
        self._trusted_hosts = frozenset(map(canonical_host, trusted_hosts))
        # Requests name the address they dial: a connection that was kept would serve another host
        # on that address, whose certificate nobody has looked at.
        self._direct = httpx.HTTPTransport(limits=httpx.Limits(max_keepalive_connections=0))
        self._proxied: dict[str, httpx.HTTPTransport] = {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request.

        Raises:
            PrivateAddressError: its host is not public and not trusted.
            httpx.TransportError: the host cannot be reached.

        """
        host = canonical_host(request.url.host)
        if proxy := _proxy_for(request.url):
            if host not in self._trusted_hosts and not _may_be_public(host):
                raise PrivateAddressError(f"{host} is not a public host")
            if proxy not in self._proxied:
                self._proxied[proxy] = httpx.HTTPTransport(proxy=proxy)
            return self._proxied[proxy].handle_request(request)
        addresses = _addresses(request.url)
        if host not in self._trusted_hosts and not all(map(is_public, addresses)):
            raise PrivateAddressError(f"{host} is not a public host")
        return self._send(request, addresses)

    def close(self) -> None:
        """Close all connections."""
        for transport in (self._direct, *self._proxied.values()):
            transport.close()

    def _send(self, request: httpx.Request, addresses: list[str]) -> httpx.Response:
        """Send to the first address that answers, under the name that was asked for."""
        *others, last = addresses
        for address in others:
            try:
                return self._direct.handle_request(_dialled(request, address))
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
        return self._direct.handle_request(_dialled(request, last))


def _dialled(request: httpx.Request, address: str) -> httpx.Request:
    """``request`` to ``address``; ``Host`` header and certificate stay those of the name."""
    return httpx.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": request.url.host},
    )


def _addresses(url: httpx.URL) -> list[str]:
    port = url.port or (443 if url.scheme == "https" else 80)
    try:
        found = socket.getaddrinfo(url.host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpx.ConnectError(f"{url.host} is not known") from error
    return list(dict.fromkeys(str(place[0]) for *_, place in found))


def _proxy_for(url: httpx.URL) -> str | None:
    """The proxy that the environment names for ``url``, if any."""
    if proxy_bypass(url.host):
        return None
    proxies = getproxies()
    return proxies.get(url.scheme) or proxies.get("all")


def _may_be_public(host: str) -> bool:
    """What can be said of ``host`` without looking it up; forms of numbers are addresses too."""
    if host == "localhost" or host.endswith(".localhost"):
        return False
    try:
        numeric = socket.getaddrinfo(host, None, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return True
    return all(is_public(str(place[0])) for *_, place in numeric)
