from __future__ import annotations

import socket
from contextlib import closing
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import ClientPayloadError
from botocore.exceptions import ClientError  # type: ignore[import-untyped]
from botocore.parsers import ResponseParserError  # type: ignore[import-untyped]
from s3fs import S3File, S3FileSystem  # type: ignore[import-untyped]
from s3fs.errors import translate_boto_error  # type: ignore[import-untyped]

from studio.errors import StorageAwayError, StorageError
from studio.storage import BlobStore
from studio.storage.bucket import BucketStore
from tests.studio.storage.stores import DATA, DIGEST, Tamper


@pytest.fixture
def store(in_bucket: tuple[BlobStore, Tamper]) -> BlobStore:
    return in_bucket[0]


@pytest.mark.slow
def test_a_server_that_is_not_there_is_unreachable(
    credentials: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    store = BucketStore("blobs", f"http://127.0.0.1:{port}")
    for action in (lambda: store.put(DATA), lambda: store.read(DIGEST)):
        with pytest.raises(StorageError) as caught:
            action()
        assert caught.value.code == "storage.unreachable"
        assert "127.0.0.1" not in str(caught.value)


def test_a_bucket_that_is_not_there_cannot_be_written(s3_endpoint: str, credentials: None) -> None:
    store = BucketStore(f"absent-{uuid4().hex}", s3_endpoint)
    with pytest.raises(StorageError) as caught:
        store.put(DATA)
    assert caught.value.code == "storage.unreachable"


def test_prepare_makes_the_bucket_and_leaves_one_that_is_there(
    s3_endpoint: str, credentials: None
) -> None:
    store = BucketStore(f"fresh-{uuid4().hex}/pictures", s3_endpoint)
    store.prepare()
    digest = store.put(DATA)
    store.prepare()
    assert store.read(digest) == DATA


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The requests that servers are sent from now on, by name."""
    asked, call = [], S3FileSystem._call_s3

    async def counted(self: S3FileSystem, method: str, *arguments: Any, **options: Any) -> Any:
        asked.append(method)
        return await call(self, method, *arguments, **options)

    monkeypatch.setattr(S3FileSystem, "_call_s3", counted)
    return asked


def _refuse_to_delete_many(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    call = S3FileSystem._call_s3

    async def one_at_a_time(
        self: S3FileSystem, method: str, *arguments: Any, **options: Any
    ) -> Any:
        if method == "delete_objects":
            raise error
        return await call(self, method, *arguments, **options)

    monkeypatch.setattr(S3FileSystem, "_call_s3", one_at_a_time)


def _refusal(code: str) -> OSError:
    answer = {"Error": {"Code": code, "Message": "no"}}
    refusal: OSError = translate_boto_error(ClientError(answer, "DeleteObjects"))
    return refusal


def test_delete_all_on_a_server_is_one_request(store: BlobStore, asked: list[str]) -> None:
    digests = [store.put(bytes([number])) for number in range(3)]
    asked.clear()
    store.delete_all(digests)
    assert asked == ["delete_objects"]


@pytest.mark.parametrize("code", ["NotImplemented", "405", "MissingContentMD5"])
def test_delete_all_on_a_server_that_takes_one_at_a_time_removes_each_and_asks_once(
    store: BlobStore,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    code: str,
) -> None:
    digests = [store.put(bytes([number])) for number in range(4)]
    _refuse_to_delete_many(monkeypatch, _refusal(code))
    store.delete_all(digests[:2])
    _refuse_to_delete_many(monkeypatch, AssertionError("asked again"))
    store.delete_all(digests[2:3])
    assert list(store.iter_digests()) == digests[3:]
    assert caplog.text.count("one file a request") == 1


@pytest.mark.parametrize(
    "error",
    [
        _refusal("SlowDown"),
        _refusal("AccessDenied"),
        _refusal("InternalError"),
        ClientPayloadError("it broke off"),
    ],
)
def test_delete_all_on_a_server_that_is_away_tries_no_file_by_itself(
    store: BlobStore,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
    error: Exception,
) -> None:
    digests = [store.put(bytes([number])) for number in range(3)]
    _refuse_to_delete_many(monkeypatch, error)
    asked = request.getfixturevalue("asked")
    with pytest.raises(StorageAwayError):
        store.delete_all(digests)
    assert asked == ["delete_objects"]


@pytest.mark.parametrize(
    "fault", [ClientPayloadError("cut off"), ResponseParserError("not XML")], ids=repr
)
def test_server_whose_answers_break_off_is_away(
    store: BlobStore, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    store.put(DATA)

    def broken(*_: object, **__: object) -> bytes:
        raise fault

    monkeypatch.setattr(S3File, "read", broken)
    with pytest.raises(StorageAwayError):
        store.read(DIGEST)
