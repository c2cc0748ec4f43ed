from __future__ import annotations

from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.runs.archive import alike, stream_zip, unused_name
from db.models import Blob, JobOutput
from studio.errors import StorageError
from studio.storage import BlobStore, open_store


def store(folder: Path, *files: tuple[str, bytes]) -> tuple[BlobStore, list[JobOutput]]:
    blobs = open_store(folder.as_uri())
    return blobs, [
        JobOutput(file_name=name, blob_sha256=blobs.put(data), blob=Blob(media_type="image/png"))
        for name, data in files
    ]


def test_stream_zip_holds_every_file_under_its_own_name(tmp_path: Path) -> None:
    blobs, files = store(
        tmp_path, ("cat.png", b"one"), ("CAT.png", b"two"), ("hund-ü.png", b"three")
    )
    pieces = list(stream_zip(blobs, files))
    assert len(pieces) == 4, "one piece a file, and the directory"
    with ZipFile(BytesIO(b"".join(pieces))) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == {
            "cat.png": b"one",
            "CAT-2.png": b"two",
            "hund-ü.png": b"three",
        }


def test_stream_zip_same_files_same_bytes(tmp_path: Path) -> None:
    blobs, files = store(tmp_path, ("cat.png", b"one"))
    assert b"".join(stream_zip(blobs, files)) == b"".join(stream_zip(blobs, files))


def test_stream_zip_missing_file_ends_in_an_error(tmp_path: Path) -> None:
    blobs, files = store(tmp_path, ("cat.png", b"one"), ("dog.png", b"two"))
    blobs.delete(files[1].blob_sha256)
    with pytest.raises(StorageError):
        list(stream_zip(blobs, files))


@given(st.lists(st.text(min_size=1, alphabet="aAb.-2\u00e5A\u030a"), max_size=12))
def test_unused_name_never_repeats(names: list[str]) -> None:
    taken: set[str] = set()
    for name in names:
        chosen = unused_name(name, taken)
        assert alike(chosen) not in taken
        taken.add(alike(chosen))


@pytest.mark.parametrize(
    "other", ["CAF\u00c9.png", "cafe\u0301.png", "CAFE\u0301.png"], ids=["case", "NFD", "both"]
)
def test_stream_zip_names_that_one_disk_takes_for_the_same_stay_apart(
    tmp_path: Path, other: str
) -> None:
    blobs, files = store(tmp_path, ("caf\u00e9.png", b"one"), (other, b"two"))
    with ZipFile(BytesIO(b"".join(stream_zip(blobs, files)))) as archive:
        names = archive.namelist()
    assert names == ["caf\u00e9.png", f"{other.removesuffix('.png')}-2.png"]


def test_stream_zip_names_files_by_what_they_are(tmp_path: Path) -> None:
    blobs, files = store(tmp_path, ("cat.jpg", b"one"), ("cat.webp", b"two"))
    with ZipFile(BytesIO(b"".join(stream_zip(blobs, files)))) as archive:
        assert archive.namelist() == ["cat.png", "cat-2.png"]


@pytest.mark.parametrize("hostile", ["../../etc/cron.d/x.png", "/absolute.png", "a/b.png"])
def test_unused_name_stays_in_the_folder_it_is_unpacked_to(hostile: str) -> None:
    assert "/" not in unused_name(hostile, set())
