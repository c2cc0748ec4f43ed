from __future__ import annotations

import errno
import multiprocessing
import os
import resource
import signal
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from studio.errors import DiskFullError, StorageAwayError, StorageError
from studio.storage import BlobStore
from studio.storage.folder import FolderStore
from tests.studio.storage.stores import DATA, DIGEST, Tamper, path_of


@pytest.fixture
def store(in_folder: tuple[BlobStore, Tamper]) -> BlobStore:
    return in_folder[0]


def test_staging_that_is_not_finished_leaves_no_file(store: BlobStore, tmp_path: Path) -> None:
    def break_off() -> None:
        with store.staging() as arriving:
            arriving.write(DATA)
            raise InterruptedError

    with pytest.raises(InterruptedError):
        break_off()
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_staging_of_more_than_the_system_takes_is_a_fault_of_storage(
    store: BlobStore, tmp_path: Path
) -> None:
    was = resource.getrlimit(resource.RLIMIT_FSIZE)
    with store.staging() as arriving:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, was[1]))
        try:
            with pytest.raises(StorageAwayError):
                arriving.write(bytes(200_000))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, was)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_put_mends_a_file_whose_size_is_right(store: BlobStore, tmp_path: Path) -> None:
    store.put(DATA)
    (tmp_path / "blobs" / path_of(DIGEST)).write_bytes(DATA[::-1])
    store.put(DATA)
    assert store.read(DIGEST) == DATA


def test_put_from_many_processes_at_once_leaves_one_whole_file(
    store: BlobStore, tmp_path: Path
) -> None:
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


def _write_for_ever(store: BlobStore) -> None:
    while True:
        store.put(os.urandom(2_000_000))


def test_put_that_is_killed_leaves_no_file_under_a_digest_that_is_not_whole(
    store: BlobStore,
) -> None:
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


def test_remove_partial_takes_old_leftovers_only(store: BlobStore, tmp_path: Path) -> None:
    store.put(DATA)
    folder = (tmp_path / "blobs" / path_of(DIGEST)).parent
    old, fresh = folder / "old.partial", folder / "fresh.partial"
    for path in (old, fresh):
        path.write_bytes(b"x")
    os.utime(old, (0, 0))
    assert store.remove_partial(older_than_s=3600) == 1
    assert not old.exists()
    assert fresh.exists()
    assert list(store.iter_digests()) == [DIGEST]


def test_remove_partial_of_a_file_that_its_writer_removes_goes_on_with_the_rest(
    store: BlobStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
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


def test_local_path_is_the_file_itself(store: BlobStore, tmp_path: Path) -> None:
    assert store.local_path(DIGEST) is None
    store.put(DATA)
    path = store.local_path(DIGEST)
    assert path == tmp_path / "blobs" / path_of(DIGEST)
    assert path is not None
    assert path.read_bytes() == DATA


def test_a_folder_that_cannot_be_written_is_unreachable(tmp_path: Path) -> None:
    (tmp_path / "blobs").write_text("a file where the folder should be", encoding="utf-8")
    with pytest.raises(StorageError) as caught:
        FolderStore(tmp_path / "blobs").put(DATA)
    assert caught.value.code == "storage.unreachable"


def test_read_when_the_whole_folder_is_gone_is_away_and_not_missing(
    store: BlobStore, tmp_path: Path
) -> None:
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
    store: BlobStore, tmp_path: Path, use: Callable[[BlobStore], object]
) -> None:
    store.put(DATA)
    (tmp_path / "blobs").rename(tmp_path / "unmounted")
    with pytest.raises(StorageAwayError):
        use(store)
    assert not (tmp_path / "blobs").exists()


def test_take_after_the_folder_went_away_does_not_make_it_anew(
    store: BlobStore, tmp_path: Path
) -> None:
    with store.staging() as arriving:
        arriving.write(DATA)
        staged = arriving.finish()
        (tmp_path / "blobs").rename(tmp_path / "unmounted")
        with pytest.raises(StorageAwayError):
            store.take(staged)
    assert not (tmp_path / "blobs").exists()


def test_put_on_a_full_disk_names_the_disk_and_leaves_no_part(
    store: BlobStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DiskFullError, match="disk is full"):
        store.put(b"too much")
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_as_file_that_goes_away_under_its_reader_is_missing(
    store: BlobStore, tmp_path: Path
) -> None:
    digest = store.put(b"a picture")

    def read() -> None:
        with store.as_file(digest) as file:
            store.delete(digest)
            file.read_bytes()

    with pytest.raises(StorageError) as caught:
        read()
    assert caught.value.code == "storage.missing"


def test_as_file_leaves_the_faults_of_its_reader_alone(store: BlobStore, tmp_path: Path) -> None:
    digest = store.put(b"a picture")

    def read() -> None:
        with store.as_file(digest):
            store.delete(digest)
            (tmp_path / "another").read_bytes()

    with pytest.raises(FileNotFoundError, match="another"):
        read()
