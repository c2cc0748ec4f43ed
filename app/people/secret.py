"""The key that the studio signs cookies with."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

_KEY_BYTES = 32


def cookie_secret(data_dir: Path) -> str:
    """The key, made at the first start and kept in ``data_dir`` from then on."""
    path = data_dir / "cookie-secret"
    if not path.exists():
        data_dir.mkdir(parents=True, exist_ok=True)
        partial = data_dir / f"{path.name}.{os.getpid()}"
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(_KEY_BYTES))
        partial.replace(path)
    return path.read_text(encoding="utf-8")
