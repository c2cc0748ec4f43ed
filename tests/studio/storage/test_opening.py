from __future__ import annotations

import pytest

from studio.storage import BlobStore, open_store
from studio.storage.bucket import BucketStore
from studio.storage.folder import FolderStore


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("file:///srv/blobs", FolderStore),
        ("/srv/blobs", FolderStore),
        ("s3://bucket/prefix", BucketStore),
        ("memory://name", BlobStore),
    ],
)
def test_open_store_address_names_the_kind(url: str, kind: type[BlobStore]) -> None:
    assert type(open_store(url)) is kind
