"""Whether the web process of this machine answers."""

from __future__ import annotations

import httpx

from studio.settings import Settings

_THIS_MACHINE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 — compared, not bound


def is_web_healthy(settings: Settings) -> bool:
    """Ask ``/healthz``, which looks at the database too; not by way of a proxy."""
    address = web_address(_THIS_MACHINE.get(settings.host, settings.host), settings.port)
    try:
        return httpx.get(f"{address}/healthz", timeout=2, trust_env=False).is_success
    except httpx.TransportError:
        return False


def web_address(host: str, port: int) -> str:
    """The address of the web process at ``host``, a name or an IP address of either version."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
