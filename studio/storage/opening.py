"""Which store an address names."""

from __future__ import annotations

from pathlib import Path

from studio.storage.folder import FolderStore
from studio.storage.store import BlobStore


def open_store(url: str, endpoint_url: str | None = None) -> BlobStore:
    """The store at ``url``. Nothing is contacted yet.

    Args:
        url: ``file:///srv/blobs``, ``s3://bucket/prefix``, or ``memory://name`` in the process,
            for tests.
        endpoint_url: S3-compatible server, when it is not the default one.

    """
    protocol, _, location = url.rpartition("://")
    if protocol in {"", "file"}:
        return FolderStore(Path(location))
    location = location.rstrip("/")
    if protocol == "s3":
        # What speaks to servers is loaded where there is one.
        from studio.storage.bucket import BucketStore

        return BucketStore(location, endpoint_url)
    return BlobStore(protocol, location)
