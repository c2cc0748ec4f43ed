"""Studios that tests and benches start, apart from the one that this checkout may serve."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from studio.settings import Settings

_ADDRESSES = ("database_url", "broker_url", "storage_url", "storage_endpoint_url", "public_url")


def scratch_settings(folder: Path, **chosen: Any) -> Settings:
    """Settings of a studio in ``folder``, whatever addresses the environment and ``.env`` name.

    Addresses only: each is set, if only to nothing. What else is not set, the processes that it
    starts read from there.
    """
    apart: dict[str, Any] = dict.fromkeys(_ADDRESSES, "") | {"secure_cookies": False}
    return Settings(_env_file=None, data_dir=folder, **{**apart, **chosen})
