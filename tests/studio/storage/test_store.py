from __future__ import annotations

import errno
import multiprocessing
import os
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

import pytest

from studio.errors import DiskFullError, StorageError
from studio.storage import BlobStore, open_store
from tests.studio.storage.stores import ABSENT, DATA, DIGEST, Tamper


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


def test_staged_by_takes_what_another_writes_and_tells_what_they_return(store: BlobStore) -> None:
    data = os.urandom(3_000_000)
    with store.staged_by(lambda path: path.write_bytes(data)) as (staged, told):
        digest = store.take(staged)
    assert not staged.path.exists()
    assert (digest, staged.size_bytes, told) == (sha256(data).hexdigest(), len(data), len(data))
    assert store.read(digest) == data


def test_staged_by_of_a_writer_that_fails_leaves_no_file(store: BlobStore) -> None:
    written = []

    def fail(path: Path) -> None:
        path.write_bytes(DATA)
        written.append(path)
        raise OSError(errno.ENOSPC, "full")

    with pytest.raises(DiskFullError), store.staged_by(fail):
        pass
    assert not written[0].exists()


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


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "A" * 64, f"{'a' * 63}/"])
def test_a_name_that_is_no_digest_reaches_no_file(store: BlobStore, name: str) -> None:
    for action in (store.read, store.delete, store.exists):
        with pytest.raises(StorageError) as caught:
            action(name)
        assert caught.value.code == "storage.missing"


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


def test_local_path_of_remote_storage_is_none() -> None:
    store = open_store(f"memory://{uuid4().hex}")
    store.put(DATA)
    assert store.local_path(DIGEST) is None


def test_as_file_of_what_was_never_stored_is_missing(store: BlobStore) -> None:
    with pytest.raises(StorageError) as caught, store.as_file(ABSENT):
        pass
    assert caught.value.code == "storage.missing"


def test_prepare_twice_leaves_what_is_there(store: BlobStore) -> None:
    store.put(DATA)
    store.prepare()
    assert store.read(DIGEST) == DATA
