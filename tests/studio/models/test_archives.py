from __future__ import annotations

import hashlib
import io
import json
import tarfile
import tempfile
import time
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.errors import WeightError
from studio.models import archives, digests
from tests.studio.models.weight_factories import (
    encrypted,
    make_chunked,
    make_long_tarball,
    make_tarball,
    make_wheel,
    sha256,
)

DATA = bytes(range(95))
MAP = "package/dist/resources.json"


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out.bin"


def test_extract_member_of_wheel_and_of_tarball(tmp_path: Path, out: Path) -> None:
    wheel = make_wheel(tmp_path, "tiny", "1", {"tiny/net.bin": DATA})
    tarball = write(tmp_path / "tiny.tgz", make_tarball({"package/net.bin": DATA}))
    archives.extract(wheel, "tiny/net.bin", out)
    assert out.read_bytes() == DATA
    archives.extract(tarball, "package/net.bin", out)
    assert out.read_bytes() == DATA
    assert archives.member_sizes(wheel)["tiny/net.bin"] == len(DATA)
    assert archives.member_sizes(tarball) == {"package/net.bin": len(DATA)}


def test_extract_absent_member_is_refused_by_name(tmp_path: Path, out: Path) -> None:
    wheel = make_wheel(tmp_path, "tiny", "1", {})
    tarball = write(tmp_path / "tiny.tgz", make_tarball({}))
    for archive in (wheel, tarball):
        with pytest.raises(WeightError, match=r"it does not hold net\.bin"):
            archives.extract(archive, "net.bin", out)


@pytest.mark.parametrize("name", ["net.whl", "net.zip", "net.tgz", "net.tar.gz"])
@pytest.mark.parametrize("data", [b"", b"not an archive at all", b"\x1f\x8b\x08\x00junk"])
def test_extract_damaged_archive_is_refused(
    tmp_path: Path, out: Path, name: str, data: bytes
) -> None:
    with pytest.raises(WeightError, match="damaged or not an archive") as refusal:
        archives.extract(write(tmp_path / name, data), "net.bin", out)
    assert refusal.value.code == "weight.archive"


def test_extract_truncated_tarball_is_refused(tmp_path: Path, out: Path) -> None:
    whole = make_tarball({"package/net.bin": bytes(range(256)) * 500})
    cut = write(tmp_path / "tiny.tgz", whole[: len(whole) // 2])
    with pytest.raises(WeightError, match="damaged"):
        archives.extract(cut, "package/net.bin", out)


def test_extract_resource_joins_chunks_in_any_order(tmp_path: Path, out: Path) -> None:
    tarball = write(tmp_path / "tiny.tgz", make_tarball(make_chunked(DATA)))
    archives.extract_resource(tarball, MAP, "/net", out)
    assert out.read_bytes() == DATA


@given(st.binary(min_size=1, max_size=400), st.integers(min_value=1, max_value=90))
def test_extract_resource_of_any_bytes_and_chunk_size_is_whole(
    data: bytes, chunk_bytes: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        members = make_chunked(data, chunk_bytes=chunk_bytes)
        tarball = write(Path(folder) / "tiny.tgz", make_tarball(members))
        out = Path(folder) / "out.bin"
        archives.extract_resource(tarball, MAP, "/net", out)
        assert out.read_bytes() == data


def test_extract_resource_repeated_chunk_lands_in_every_place(tmp_path: Path, out: Path) -> None:
    data = b"0123456789" * 3
    tarball = write(tmp_path / "tiny.tgz", make_tarball(make_chunked(data)))
    archives.extract_resource(tarball, MAP, "/net", out)
    assert out.read_bytes() == data


def test_extract_resource_altered_chunk_is_refused(tmp_path: Path, out: Path) -> None:
    members = make_chunked(DATA)
    first = next(iter(members))
    members[first] = b"x" * len(members[first])
    tarball = write(tmp_path / "tiny.tgz", make_tarball(members))
    with pytest.raises(WeightError, match=r"chunk .* is damaged"):
        archives.extract_resource(tarball, MAP, "/net", out)


def test_extract_resource_missing_chunk_is_refused(tmp_path: Path, out: Path) -> None:
    members = make_chunked(DATA)
    del members[next(iter(members))]
    tarball = write(tmp_path / "tiny.tgz", make_tarball(members))
    with pytest.raises(WeightError, match="1 chunks of /net are missing"):
        archives.extract_resource(tarball, MAP, "/net", out)


def test_extract_resource_unknown_name_is_refused(tmp_path: Path, out: Path) -> None:
    tarball = write(tmp_path / "tiny.tgz", make_tarball(make_chunked(DATA)))
    with pytest.raises(WeightError, match="does not describe /other"):
        archives.extract_resource(tarball, MAP, "/other", out)


def test_extract_resource_map_with_gap_is_refused(tmp_path: Path, out: Path) -> None:
    members = make_chunked(DATA)
    document = json.loads(members[MAP])
    del document["/net"]["chunks"][1]
    members[MAP] = json.dumps(document).encode()
    tarball = write(tmp_path / "tiny.tgz", make_tarball(members))
    with pytest.raises(WeightError, match="leave gaps"):
        archives.extract_resource(tarball, MAP, "/net", out)


def test_extract_of_more_than_asked_for_is_refused_before_it_is_unpacked(
    tmp_path: Path, out: Path
) -> None:
    wheel = tmp_path / "bomb.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("net.bin", bytes(30_000_000))
    tarball = write(tmp_path / "bomb.tgz", make_tarball({"net.bin": bytes(30_000_000)}))
    for bomb in (wheel, tarball):
        with pytest.raises(WeightError, match="holds more than it should") as refusal:
            archives.extract(bomb, "net.bin", out, most_bytes=1000)
        assert refusal.value.code == "weight.archive"
        assert not out.exists()


def test_extract_counts_what_a_member_brings_and_does_not_believe_what_it_says(
    tmp_path: Path, out: Path
) -> None:
    """The archive says 100 bytes, in both directories; 30,000,000 would come."""
    path = tmp_path / "liar.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("net.bin", bytes(30_000_000))
    size = (30_000_000).to_bytes(4, "little")
    path.write_bytes(path.read_bytes().replace(size, (100).to_bytes(4, "little")))
    with pytest.raises(WeightError, match="damaged"):
        archives.extract(path, "net.bin", out, most_bytes=100)
    assert out.stat().st_size <= 100


def claims(name: str, size: int, kind: bytes = tarfile.REGTYPE) -> bytes:
    """A tar header and nothing behind it."""
    info = tarfile.TarInfo(name)
    info.size, info.type = size, kind
    return info.tobuf(tarfile.GNU_FORMAT)


def gzipped(path: Path, data: bytes) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        fileobj = archive.fileobj
        assert fileobj is not None
        fileobj.write(data)
    return path


@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE, tarfile.XGLTYPE])
def test_tarball_that_would_fill_the_memory_with_a_name_is_refused(
    tmp_path: Path, kind: bytes
) -> None:
    path = gzipped(tmp_path / "long.tgz", claims("x", 4_000_000_000, kind))
    with pytest.raises(WeightError, match="holds more than it should"):
        archives.member_sizes(path)


def test_archive_that_claims_more_than_any_disk_has_is_refused(tmp_path: Path) -> None:
    path = gzipped(tmp_path / "large.tgz", claims("x", 10**15))
    with pytest.raises(WeightError, match="holds more than it should"):
        archives.member_sizes(path)


def test_archive_of_too_many_members_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "_MOST_MEMBERS", 50)
    members = {f"m{index}": b"" for index in range(51)}
    many = write(tmp_path / "many.tgz", make_tarball(members))
    for path in (many, make_wheel(tmp_path, "many", "1", members)):
        with pytest.raises(WeightError, match="holds more than it should"):
            archives.member_sizes(path)


def test_zip_whose_directory_would_fill_the_memory_is_refused_unread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_wheel(tmp_path, "many", "1", {f"m{index}": b"" for index in range(51)})
    monkeypatch.setattr(archives, "_LONGEST_DIRECTORY_BYTES", 51 * len("m00") + 50 * 46)
    monkeypatch.setattr(zipfile.ZipFile, "infolist", None)  # calling it would fail
    with pytest.raises(WeightError, match="holds more than it should") as refusal:
        archives.member_sizes(path)
    assert refusal.value.code == "weight.archive"


def test_measure_members_unpacks_an_archive_once_for_all_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = {"a.bin": b"one", "b.bin": b"two", "c.bin": b"three"}
    opened: list[Path] = []
    open_tar = archives._open_tar
    monkeypatch.setattr(archives, "_open_tar", lambda path: opened.append(path) or open_tar(path))
    tarball = write(tmp_path / "some.tgz", make_tarball(contents))
    wheel = make_wheel(tmp_path, "some", "1", contents)
    for path in (tarball, wheel):
        found = archives.measure_members(path, {"a.bin", "c.bin"}, {"md5"})
        assert {name: (one.bytes, one.sha256) for name, one in found.items()} == {
            name: (len(contents[name]), sha256(contents[name])) for name in ("a.bin", "c.bin")
        }
        assert found["a.bin"].digests["md5"] == hashlib.md5(b"one").hexdigest()
    assert opened == [tarball]


def test_extract_encrypted_member_says_so(tmp_path: Path, out: Path) -> None:
    wheel = make_wheel(tmp_path, "tiny", "1", {"net.bin": DATA})
    wheel.write_bytes(encrypted(wheel.read_bytes()))
    with pytest.raises(WeightError, match=r"net\.bin in it is encrypted"):
        archives.extract(wheel, "net.bin", out)


@pytest.mark.parametrize(
    ("offset", "value"), [(6, 99), (8, 1 << 5), (8, 1 << 6)], ids=["version", "patch", "strong"]
)
def test_extract_of_a_zip_newer_than_the_reader_says_so(
    tmp_path: Path, out: Path, offset: int, value: int
) -> None:
    path = tmp_path / "odd.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("net.bin", DATA)
    data = bytearray(path.read_bytes())
    data[data.find(b"PK\1\2") + offset] = value
    path.write_bytes(data)
    with pytest.raises(WeightError, match=r"cannot be unpacked here\. Pack it again") as refusal:
        archives.extract(path, "net.bin", out)
    assert refusal.value.code == "weight.archive"


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2, 99])
def test_extract_of_unusual_compression_says_so(tmp_path: Path, out: Path, method: int) -> None:
    path = tmp_path / "odd.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("net.bin", DATA)
    data = bytearray(path.read_bytes())
    data[8] = data[data.find(b"PK\1\2") + 10] = method
    path.write_bytes(data)
    with pytest.raises(WeightError, match=r"cannot be unpacked here\. Pack it again"):
        archives.extract(path, "net.bin", out)


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE]
)
def test_extract_of_a_link_or_a_device_is_refused(tmp_path: Path, out: Path, kind: bytes) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        info = tarfile.TarInfo("net.bin")
        info.type, info.linkname = kind, "/etc/passwd"
        archive.addfile(info)
    path = write(tmp_path / "link.tgz", buffer.getvalue())
    with pytest.raises(WeightError, match=r"does not hold net\.bin"):
        archives.extract(path, "net.bin", out)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        pytest.param(b"[" * 200_000, "nested too deep", id="deep"),
        pytest.param(b"[1]", "does not describe", id="a list"),
        pytest.param(b'"/net"', "does not describe", id="a text"),
        pytest.param(b'{"/net": [1]}', "does not describe", id="a list inside"),
        pytest.param(b"\xff\xfe", "damaged", id="no UTF-8"),
        pytest.param(b"{", "damaged", id="cut off"),
        pytest.param(
            json.dumps(
                {"/net": {"size": -5, "chunks": [{"hash": "0" * 64, "offsets": [0, -5]}]}}
            ).encode(),
            "does not describe",
            id="negative",
        ),
    ],
)
def test_extract_resource_of_a_hostile_map_is_refused(
    tmp_path: Path, out: Path, document: bytes, words: str
) -> None:
    tarball = write(tmp_path / "map.tgz", make_tarball({MAP: document}))
    with pytest.raises(WeightError, match=words) as refusal:
        archives.extract_resource(tarball, MAP, "/net", out)
    assert refusal.value.code == "weight.archive"


def test_extract_resource_of_more_than_asked_for_is_refused(tmp_path: Path, out: Path) -> None:
    tarball = write(tmp_path / "tiny.tgz", make_tarball(make_chunked(DATA)))
    with pytest.raises(WeightError, match="holds more than it should"):
        archives.extract_resource(tarball, MAP, "/net", out, most_bytes=len(DATA) - 1)
    archives.extract_resource(tarball, MAP, "/net", out, most_bytes=len(DATA))
    assert out.read_bytes() == DATA


@pytest.mark.parametrize("name", ["long.whl", "long.tgz"])
def test_archive_that_takes_more_time_than_any_is_given_up(
    tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    path = tmp_path / name
    if name.endswith(".tgz"):
        make_long_tarball(path, 4 << 30)
        member = "package/zeros.bin"
    else:
        member = "zeros.bin"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(member, bytes(100 << 20))
    monkeypatch.setattr(archives, "_LONGEST_S", 0.05)
    monkeypatch.setattr(archives, "_PIECE_BYTES", 4096)
    monkeypatch.setattr(digests, "_BLOCK_BYTES", 4096)
    begun_s = time.process_time()
    with pytest.raises(WeightError, match="unpacking it takes too long") as refusal:
        archives.extract(path, member, out)
    assert refusal.value.code == "weight.archive"
    if name.endswith(".tgz"):
        with pytest.raises(WeightError, match="unpacking it takes too long"):
            archives.member_sizes(path)
    with pytest.raises(WeightError, match="unpacking it takes too long"):
        archives.measure_members(path, [member], ["sha256"])
    assert time.process_time() - begun_s < 2
