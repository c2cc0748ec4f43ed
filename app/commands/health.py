"""Whether the web process of this machine answers."""

from __future__ import annotations

import httpx

from studio.settings import Settings

_ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 — compared, not bound


def is_web_healthy(settings: Settings) -> bool:
    """Ask ``/healthz``, which looks at the database too."""
    host = _ANY_ADDRESS.get(settings.host, settings.host)
    try:
        return httpx.get(f"http://{host}:{settings.port}/healthz", timeout=2).is_success
    except httpx.TransportError:
        return False
