"""Storage in a bucket of a server that speaks S3."""

from __future__ import annotations

import logging
from collections.abc import Collection

import fsspec  # type: ignore[import-untyped]  # it ships no types
from botocore.exceptions import (  # type: ignore[import-untyped]  # it ships no types
    BotoCoreError,
    ClientError,
)
from s3fs.core import S3_RETRYABLE_ERRORS  # type: ignore[import-untyped]  # it ships no types

from studio.storage.store import BlobStore

_CONFIG = {
    # A server that says nothing must not hold a worker: the job is tried again instead.
    "connect_timeout": 3,
    "read_timeout": 10,
    "retries": {"max_attempts": 1, "mode": "standard"},
}
_TRIES = 2
_TAKES_NOT_MANY = frozenset(
    {
        "405",
        "501",
        "InvalidArgument",
        "InvalidRequest",
        "MethodNotAllowed",
        "MissingContentMD5",
        "NotImplemented",
    }
)
"""What servers say that know no request to delete many files, or not as we make it."""

_log = logging.getLogger(__name__)


class BucketStore(BlobStore):
    """Files under keys ``prefix/ab/cd/abcd…`` of a bucket."""

    # What it has tried again in vain it raises as it came, such as an answer that breaks off.
    _failures = (OSError, BotoCoreError, ClientError, *S3_RETRYABLE_ERRORS)

    def __init__(self, location: str, endpoint_url: str | None = None) -> None:
        """Nothing is contacted yet.

        Args:
            location: ``bucket/prefix``, or the bucket alone.
            endpoint_url: S3-compatible server, when it is not the default one.

        """
        # other processes write too, so a remembered listing would be stale
        options: dict[str, object] = {"use_listings_cache": False, "config_kwargs": _CONFIG}
        if endpoint_url:
            options["endpoint_url"] = endpoint_url
        super().__init__("s3", location, **options)
        self._deletes_many = True

    def delete(self, digest: str) -> None:
        """Remove the file; nothing happens when there is none."""
        with self._translated():
            # S3 does not mind one that is not there, and to ask for each would be a request more.
            self._files.rm_file(self._path(digest))

    def delete_all(self, digests: Collection[str]) -> None:
        """As ``delete``, in one request where the server takes many, else one by one.

        Such a request does not tell of a single file that it could not remove.
        """
        if digests and self._deletes_many:
            self._deletes_many = self._delete_at_once(digests)
            if self._deletes_many:
                return
            _log.warning("the server of storage deletes one file a request: that takes longer")
        super().delete_all(digests)

    def _delete_at_once(self, digests: Collection[str]) -> bool:
        """Remove all in one request; False where the server takes no such requests."""
        with self._translated():
            try:
                self._files.rm([self._path(digest) for digest in digests])
            except OSError as error:
                if _code(error) not in _TAKES_NOT_MANY:
                    raise
                return False
        return True

    @property
    def _files(self) -> fsspec.AbstractFileSystem:
        files = super()._files
        files.retries = _TRIES
        return files


def _code(error: OSError) -> str | None:
    """What a server of S3 called a refusal; None where it did not answer."""
    answer = getattr(error.__cause__, "response", None) or {}
    code: str | None = answer.get("Error", {}).get("Code")
    return code
