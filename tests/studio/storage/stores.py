from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

DATA = b"a picture"
DIGEST = sha256(DATA).hexdigest()
ABSENT = sha256(b"never stored").hexdigest()

Tamper = Callable[[str, bytes], None]
"""Overwrites the stored bytes behind the store's back."""


def path_of(digest: str) -> str:
    """Where a file lies below the root of its store."""
    return f"{digest[:2]}/{digest[2:4]}/{digest}"
