"""Content-addressed files: each lies under the SHA-256 of its bytes, wherever that is."""

from studio.storage.arriving import Arriving, Staged
from studio.storage.full_disk import is_disk_full, translating_full_disk
from studio.storage.opening import open_store
from studio.storage.store import BlobStore

__all__ = [
    "Arriving",
    "BlobStore",
    "Staged",
    "is_disk_full",
    "open_store",
    "translating_full_disk",
]
