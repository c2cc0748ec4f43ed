"""Checksums of weight files, and the refusal of files that are not what they claim."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from studio.errors import WeightError
from studio.models.catalogue import DigestKind, WeightFile
from studio.words import Message, msg, msgs

_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Measured:
    """What a file on disk is: its size and its digests, sha256 always among them."""

    bytes: int
    digests: Mapping[DigestKind, str]

    @property
    def sha256(self) -> str:
        """The sha256 in hexadecimal."""
        return self.digests["sha256"]


def measure(path: Path, kinds: Collection[DigestKind] = ()) -> Measured:
    """Read ``path`` once and compute its sha256 and the other ``kinds`` asked for."""
    with path.open("rb") as stream:
        return measure_stream(stream, path.stat().st_size, kinds)


def measure_stream(
    stream: IO[bytes], size_bytes: int, kinds: Collection[DigestKind] = ()
) -> Measured:
    """As ``measure``, of what a stream of ``size_bytes`` holds."""
    hashers = {kind: _hasher(kind, size_bytes) for kind in {"sha256", *kinds}}
    while block := stream.read(_BLOCK_BYTES):
        for hasher in hashers.values():
            hasher.update(block)
    return Measured(size_bytes, {kind: hasher.hexdigest() for kind, hasher in hashers.items()})


def kinds_of(file: WeightFile) -> set[DigestKind]:
    """The digests needed to judge ``file``."""
    return {digest.kind for digest in file.digests}


def matches(file: WeightFile, measured: Measured) -> bool:
    """Whether the bytes are the catalogue's; False when it gives no digest to tell by."""
    return bool(file.digests) and fault(file, measured, pinned=None) is None


def fault(file: WeightFile, measured: Measured, *, pinned: str | None) -> Message | None:
    """Why the bytes are not those expected, or None when they are.

    Every digest of the catalogue must match, and so must ``pinned``, the sha256 accepted at
    the first import, when there is one.
    """
    if file.bytes is not None and measured.bytes != file.bytes:
        return msgs(
            "it has {n} byte instead of {wanted}",
            "it has {n} bytes instead of {wanted}",
            measured.bytes,
            wanted=file.bytes,
        )
    for digest in file.digests:
        found = measured.digests[digest.kind]
        if found != digest.value:
            return msg(
                "its {kind} is {found}… instead of {wanted}…",
                kind=digest.kind,
                found=found[:12],
                wanted=digest.value[:12],
            )
    if pinned is not None and measured.sha256 != pinned:
        return msg(
            "its sha256 is {found}… instead of the pinned {pinned}…",
            found=measured.sha256[:12],
            pinned=pinned[:12],
        )
    return None


def require(model_id: str, file: WeightFile, measured: Measured, *, pinned: str | None) -> None:
    """Refuse bytes that are not those expected.

    Raises:
        WeightError: ``weight.digest``.

    """
    reason = fault(file, measured, pinned=pinned)
    if reason is None:
        return
    remedy = msg("Nothing was installed; get the file from its project again.")
    if not file.digests and pinned is not None:
        remedy = msg(
            "Nothing was changed; if the new file is meant, run `studio weights import FILE "
            "--model {model} --repin`.",
            model=model_id,
        )
    raise WeightError(
        msg(
            "{name} is not the file the catalogue means: {reason}. {remedy}",
            name=file.name,
            reason=reason,
            remedy=remedy,
        ),
        code="weight.digest",
    )


def _hasher(kind: DigestKind, size_bytes: int) -> hashlib._Hash:
    if kind == "sha256":
        return hashlib.sha256()
    if kind == "md5":
        return hashlib.md5(usedforsecurity=False)
    return hashlib.sha1(b"blob %d\0" % size_bytes, usedforsecurity=False)
