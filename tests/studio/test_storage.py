from __future__ import annotations

import errno
import multiprocessing
import os
import resource
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3  # type: ignore[import-untyped]  # it ships no types
import fsspec  # type: ignore[import-untyped]  # it ships no types
import pytest
from aiohttp import ClientPayloadError
from botocore.exceptions import ClientError  # type: ignore[import-untyped]
from botocore.parsers import ResponseParserError  # type: ignore[import-untyped]
from moto.server import ThreadedMotoServer
from s3fs import S3File, S3FileSystem  # type: ignore[import-untyped]
from s3fs.errors import translate_boto_error  # type: ignore[import-untyped]

from studio.errors import DiskFullError, StorageAwayError, StorageError
from studio.storage import BlobStore

DATA = b"a picture"
DIGEST = sha256(DATA).hexdigest()
ABSENT = sha256(b"never stored").hexdigest()

Tamper = Callable[[str, bytes], None]
"""Overwrites the stored bytes behind the store's back."""


@pytest.fixture(scope="module")
def s3_endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(params=["file", "memory", "s3"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def bucket(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> tuple[str, Tamper]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    client = boto3.client("s3", endpoint_url=s3_endpoint)
    name = f"blobs-{uuid4().hex}"
    client.create_bucket(Bucket=name)

    def tamper(digest: str, data: bytes) -> None:
        key = f"pictures/{digest[:2]}/{digest[2:4]}/{digest}"
        client.put_object(Bucket=name, Key=key, Body=data)

    return f"s3://{name}/pictures", tamper


@pytest.fixture
def stored(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> tuple[BlobStore, Tamper]:
    if kind == "s3":
        url, tamper = request.getfixturevalue("bucket")
        return BlobStore(url, endpoint_url=request.getfixturevalue("s3_endpoint")), tamper
    if kind == "file":

        def tamper_file(digest: str, data: bytes) -> None:
            _file(tmp_path, digest).write_bytes(data)

        return local_store(tmp_path / "blobs"), tamper_file
    name = uuid4().hex

    def tamper_memory(digest: str, data: bytes) -> None:
        path = f"/{name}/{digest[:2]}/{digest[2:4]}/{digest}"
        fsspec.filesystem("memory").pipe_file(path, data)

    return BlobStore(f"memory://{name}"), tamper_memory


@pytest.fixture
def store(stored: tuple[BlobStore, Tamper]) -> BlobStore:
    return stored[0]


@pytest.fixture
def tamper(stored: tuple[BlobStore, Tamper]) -> Tamper:
    return stored[1]


def local_store(folder: Path) -> BlobStore:
    store = BlobStore(f"file://{folder}")
    store.prepare()
    return store


def _file(tmp_path: Path, digest: str) -> Path:
    return tmp_path / "blobs" / digest[:2] / digest[2:4] / digest


def test_put_returns_the_digest_and_read_the_bytes(store: BlobStore) -> None:
    assert store.put(DATA) == DIGEST
    assert store.read(DIGEST) == DATA


def test_put_of_nothing_and_of_much_comes_back(store: BlobStore) -> None:
    for data in (b"", os.urandom(6_000_000)):
        assert store.read(store.put(data)) == data


def test_staging_takes_a_file_in_pieces_and_names_it_by_them(store: BlobStore) -> None:
    pieces = [os.urandom(70_000) for _ in range(3)]
    with store.staging() as arriving:
        assert [arriving.write(piece) for piece in pieces] == [70_000] * 3
        staged = arriving.finish()
        assert staged.path.read_bytes() == b"".join(pieces)
        digest = store.take(staged)
    assert not staged.path.exists()
    assert (digest, staged.size_bytes) == (sha256(b"".join(pieces)).hexdigest(), 210_000)
    assert store.read(digest) == b"".join(pieces)


def test_staging_that_is_not_finished_leaves_no_file(tmp_path: Path) -> None:
    store = BlobStore(f"file://{tmp_path}")

    def break_off() -> None:
        with store.staging() as arriving:
            arriving.write(DATA)
            raise InterruptedError

    with pytest.raises(InterruptedError):
        break_off()
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_staging_of_more_than_the_system_takes_is_a_fault_of_storage(tmp_path: Path) -> None:
    store = BlobStore(f"file://{tmp_path}")
    was = resource.getrlimit(resource.RLIMIT_FSIZE)
    with store.staging() as arriving:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, was[1]))
        try:
            with pytest.raises(StorageAwayError):
                arriving.write(bytes(200_000))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, was)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_put_twice_keeps_one_file(store: BlobStore) -> None:
    store.put(DATA)
    store.put(DATA)
    store.put(b"another")
    assert sorted(store.iter_digests()) == sorted([DIGEST, sha256(b"another").hexdigest()])


def test_exists_tells_what_is_there(store: BlobStore) -> None:
    assert not store.exists(DIGEST)
    store.put(DATA)
    assert store.exists(DIGEST)


def test_iter_digests_of_an_empty_store_is_empty(store: BlobStore) -> None:
    assert list(store.iter_digests()) == []


def test_delete_removes_and_twice_is_no_fault(store: BlobStore) -> None:
    store.put(DATA)
    store.delete(DIGEST)
    store.delete(DIGEST)
    assert not store.exists(DIGEST)
    assert list(store.iter_digests()) == []


def test_delete_all_removes_those_that_are_there(store: BlobStore) -> None:
    digests = [store.put(bytes([number])) for number in range(3)]
    store.delete_all([])
    store.delete_all([*digests[:2], ABSENT])
    assert list(store.iter_digests()) == digests[2:]


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


def test_delete_all_on_a_server_is_one_request(
    bucket: tuple[str, Tamper], s3_endpoint: str, asked: list[str]
) -> None:
    store = BlobStore(bucket[0], endpoint_url=s3_endpoint)
    digests = [store.put(bytes([number])) for number in range(3)]
    asked.clear()
    store.delete_all(digests)
    assert asked == ["delete_objects"]


@pytest.mark.parametrize("code", ["NotImplemented", "405", "MissingContentMD5"])
def test_delete_all_on_a_server_that_takes_one_at_a_time_removes_each_and_asks_once(
    bucket: tuple[str, Tamper],
    s3_endpoint: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    code: str,
) -> None:
    store = BlobStore(bucket[0], endpoint_url=s3_endpoint)
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
    bucket: tuple[str, Tamper],
    s3_endpoint: str,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
    error: Exception,
) -> None:
    store = BlobStore(bucket[0], endpoint_url=s3_endpoint)
    digests = [store.put(bytes([number])) for number in range(3)]
    _refuse_to_delete_many(monkeypatch, error)
    asked = request.getfixturevalue("asked")
    with pytest.raises(StorageAwayError):
        store.delete_all(digests)
    assert asked == ["delete_objects"]


def test_read_of_what_was_never_stored_is_missing(store: BlobStore) -> None:
    store.put(b"another file")
    with pytest.raises(StorageError, match=ABSENT[:12]) as caught:
        store.read(ABSENT)
    assert caught.value.code == "storage.missing"


@pytest.mark.parametrize("damage", [b"a p", b"A picture", b""])
def test_read_of_a_changed_file_is_damaged(store: BlobStore, tamper: Tamper, damage: bytes) -> None:
    store.put(DATA)
    tamper(DIGEST, damage)
    with pytest.raises(StorageError) as caught:
        store.read(DIGEST)
    assert caught.value.code == "storage.damaged"


def test_put_mends_a_file_that_was_cut_off(store: BlobStore, tamper: Tamper) -> None:
    store.put(DATA)
    tamper(DIGEST, DATA[:3])
    store.put(DATA)
    assert store.read(DIGEST) == DATA


def test_put_mends_a_local_file_whose_size_is_right(tmp_path: Path) -> None:
    store = local_store(tmp_path / "blobs")
    store.put(DATA)
    _file(tmp_path, DIGEST).write_bytes(DATA[::-1])
    store.put(DATA)
    assert store.read(DIGEST) == DATA


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "A" * 64, f"{'a' * 63}/"])
def test_a_name_that_is_no_digest_reaches_no_file(store: BlobStore, name: str) -> None:
    for action in (store.read, store.delete, store.exists):
        with pytest.raises(StorageError) as caught:
            action(name)
        assert caught.value.code == "storage.missing"


def test_put_from_many_processes_at_once_leaves_one_whole_file(tmp_path: Path) -> None:
    store = local_store(tmp_path / "blobs")
    data = os.urandom(300_000)
    workers = [
        multiprocessing.get_context("fork").Process(target=store.put, args=(data,))
        for _ in range(6)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * 6
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [
        sha256(data).hexdigest()
    ]
    assert store.read(sha256(data).hexdigest()) == data


def test_put_works_in_a_child_forked_after_first_use(store: BlobStore) -> None:
    store.put(DATA)
    receive, send = multiprocessing.Pipe(duplex=False)
    child = multiprocessing.get_context("fork").Process(
        target=lambda: send.send(store.read(DIGEST))
    )
    child.start()
    assert receive.poll(20)
    assert receive.recv() == DATA
    child.join()


def _write_for_ever(store: BlobStore) -> None:
    while True:
        store.put(os.urandom(2_000_000))


def test_put_that_is_killed_leaves_no_file_under_a_digest_that_is_not_whole(
    tmp_path: Path,
) -> None:
    store = local_store(tmp_path / "blobs")
    for _ in range(5):
        writer = multiprocessing.get_context("fork").Process(target=_write_for_ever, args=(store,))
        writer.start()
        before = len(list(store.iter_digests()))
        while len(list(store.iter_digests())) < before + 2:
            time.sleep(0.005)
        assert writer.pid is not None
        os.kill(writer.pid, signal.SIGKILL)
        writer.join()
    digests = list(store.iter_digests())
    assert len(digests) >= 10
    for digest in digests:
        assert sha256(store.read(digest)).hexdigest() == digest


def test_remove_partial_takes_old_leftovers_only(tmp_path: Path) -> None:
    store = local_store(tmp_path / "blobs")
    store.put(DATA)
    old, fresh = (_file(tmp_path, DIGEST).with_name(f"{n}.partial") for n in ("old", "fresh"))
    for path in (old, fresh):
        path.write_bytes(b"x")
    os.utime(old, (0, 0))
    assert store.remove_partial(older_than_s=3600) == 1
    assert not old.exists()
    assert fresh.exists()
    assert list(store.iter_digests()) == [DIGEST]


def test_remove_partial_of_a_file_that_its_writer_removes_goes_on_with_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = local_store(tmp_path / "blobs")
    left = [tmp_path / "blobs" / f"{name}.partial" for name in ("one", "two", "three")]
    for path in left:
        path.write_bytes(b"x")
        os.utime(path, (0, 0))
    rglob = Path.rglob

    def and_one_is_renamed(folder: Path, pattern: str) -> list[Path]:
        found = list(rglob(folder, pattern))
        found[0].unlink()
        return found

    monkeypatch.setattr(Path, "rglob", and_one_is_renamed)
    assert store.remove_partial(older_than_s=3600) == 2
    assert not any(path.exists() for path in left)


def test_local_path_is_the_file_itself(tmp_path: Path) -> None:
    store = local_store(tmp_path / "blobs")
    assert store.local_path(DIGEST) is None
    store.put(DATA)
    path = store.local_path(DIGEST)
    assert path == _file(tmp_path, DIGEST)
    assert path is not None
    assert path.read_bytes() == DATA


def test_local_path_of_remote_storage_is_none() -> None:
    store = BlobStore(f"memory://{uuid4().hex}")
    store.put(DATA)
    assert store.local_path(DIGEST) is None


def test_a_server_that_is_not_there_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    store = BlobStore("s3://blobs", endpoint_url=f"http://127.0.0.1:{port}")
    for action in (lambda: store.put(DATA), lambda: store.read(DIGEST)):
        with pytest.raises(StorageError) as caught:
            action()
        assert caught.value.code == "storage.unreachable"
        assert "127.0.0.1" not in str(caught.value)


def test_a_bucket_that_is_not_there_cannot_be_written(bucket: object, s3_endpoint: str) -> None:
    store = BlobStore(f"s3://absent-{uuid4().hex}", endpoint_url=s3_endpoint)
    with pytest.raises(StorageError) as caught:
        store.put(DATA)
    assert caught.value.code == "storage.unreachable"


def test_prepare_makes_the_bucket_and_leaves_one_that_is_there(
    bucket: object, s3_endpoint: str
) -> None:
    store = BlobStore(f"s3://fresh-{uuid4().hex}/pictures", endpoint_url=s3_endpoint)
    store.prepare()
    digest = store.put(DATA)
    store.prepare()
    assert store.read(digest) == DATA


def test_a_folder_that_cannot_be_written_is_unreachable(tmp_path: Path) -> None:
    (tmp_path / "blobs").write_text("a file where the folder should be", encoding="utf-8")
    with pytest.raises(StorageError) as caught:
        BlobStore(f"file://{tmp_path}/blobs").put(DATA)
    assert caught.value.code == "storage.unreachable"


def test_read_when_the_whole_folder_is_gone_is_away_and_not_missing(tmp_path: Path) -> None:
    store = local_store(tmp_path / "blobs")
    digest = store.put(b"precious")
    (tmp_path / "blobs").rename(tmp_path / "unmounted")
    with pytest.raises(StorageAwayError):
        store.read(digest)


@pytest.mark.parametrize(
    "use",
    [
        lambda store: store.as_file(DIGEST).__enter__(),
        lambda store: store.staging().__enter__(),
        lambda store: list(store.pieces(DIGEST)),
        lambda store: store.put(DATA),
        lambda store: store.exists(DIGEST),
        lambda store: store.delete(DIGEST),
    ],
    ids=["as_file", "staging", "pieces", "put", "exists", "delete"],
)
def test_folder_that_is_not_mounted_is_away_and_is_not_made_anew(
    tmp_path: Path, use: Callable[[BlobStore], object]
) -> None:
    store = local_store(tmp_path / "blobs")
    store.put(DATA)
    (tmp_path / "blobs").rename(tmp_path / "unmounted")
    with pytest.raises(StorageAwayError):
        use(store)
    assert not (tmp_path / "blobs").exists()


def test_take_after_the_folder_went_away_does_not_make_it_anew(tmp_path: Path) -> None:
    store = local_store(tmp_path / "blobs")
    with store.staging() as arriving:
        arriving.write(DATA)
        staged = arriving.finish()
        (tmp_path / "blobs").rename(tmp_path / "unmounted")
        with pytest.raises(StorageAwayError):
            store.take(staged)
    assert not (tmp_path / "blobs").exists()


def test_as_file_of_what_was_never_stored_is_missing(store: BlobStore) -> None:
    with pytest.raises(StorageError) as caught, store.as_file(ABSENT):
        pass
    assert caught.value.code == "storage.missing"


def test_prepare_twice_leaves_what_is_there(store: BlobStore) -> None:
    store.put(DATA)
    store.prepare()
    assert store.read(DIGEST) == DATA


@pytest.mark.parametrize(
    "fault", [ClientPayloadError("cut off"), ResponseParserError("not XML")], ids=repr
)
def test_server_whose_answers_break_off_is_away(
    bucket: tuple[str, Tamper], s3_endpoint: str, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    store = BlobStore(bucket[0], endpoint_url=s3_endpoint)
    store.put(DATA)

    def broken(*_: object, **__: object) -> bytes:
        raise fault

    monkeypatch.setattr(S3File, "read", broken)
    with pytest.raises(StorageAwayError):
        store.read(DIGEST)


def test_put_on_a_full_disk_names_the_disk_and_leaves_no_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DiskFullError, match="disk is full"):
        BlobStore(f"file://{tmp_path}").put(b"too much")
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_as_file_that_goes_away_under_its_reader_is_missing(tmp_path: Path) -> None:
    storage = local_store(tmp_path)
    digest = storage.put(b"a picture")

    def read() -> None:
        with storage.as_file(digest) as file:
            storage.delete(digest)
            file.read_bytes()

    with pytest.raises(StorageError) as caught:
        read()
    assert caught.value.code == "storage.missing"


def test_as_file_leaves_the_faults_of_its_reader_alone(tmp_path: Path) -> None:
    storage = local_store(tmp_path / "blobs")
    digest = storage.put(b"a picture")

    def read() -> None:
        with storage.as_file(digest):
            storage.delete(digest)
            (tmp_path / "another").read_bytes()

    with pytest.raises(FileNotFoundError, match="another"):
        read()
