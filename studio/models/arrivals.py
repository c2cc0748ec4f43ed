"""What a weight file that arrives is: one of the catalogue's, or a package that holds some."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from studio.errors import WeightError
from studio.models import archives, digests
from studio.models.catalogue import ModelSpec, WeightFile
from studio.models.digests import Measured, matches
from studio.models.sources import take
from studio.words import N_, Message, Value, msg

_LONGEST_NAME_BYTES = 200
"""A disk takes 255, with what is put around a name while the file arrives."""
_SHOWN_NAME = 60

Write = Callable[[Path], object]
"""Writes a file's bytes to a path."""


def require_name(name: str) -> None:
    """Refuse a file by its name where no disk keeps it, or nobody could be shown it.

    Raises:
        WeightError: ``weight.name``.

    """
    # Lone surrogates and control characters cannot be printed; without them it can be encoded.
    if not name.isprintable() or len(name.encode()) > _LONGEST_NAME_BYTES:
        shown = name.encode("ascii", "backslashreplace").decode("ascii")[:_SHOWN_NAME]
        raise WeightError(
            msg(
                "A weight file was not imported: its name cannot be used ({shown}). "
                "Rename it to letters and digits, {most} at most.",
                shown=shown,
                most=_LONGEST_NAME_BYTES,
            ),
            code="weight.name",
        )


def recognise(
    path: Path, specs: list[ModelSpec], *, is_named: bool
) -> list[tuple[ModelSpec, WeightFile]]:
    """Which files of ``specs`` a file is: by digest, else by name, else the only one there."""
    known = [(spec, file) for spec in specs for file in spec.fetched_files]
    kinds = {kind for _, file in known for kind in digests.kinds_of(file)}
    measured = digests.measure(path, kinds)
    if found := [(spec, file) for spec, file in known if matches(file, measured)]:
        return found
    named = [(spec, file) for spec, file in known if path.name in _names(file)]
    if len(named) > 1:
        raise WeightError(
            msg(
                "{file} could belong to {models}. Name the model it is for.",
                file=path.name,
                models=tuple(spec.id for spec, _ in named),
            ),
            code="weight.ambiguous",
        )
    if named:
        return named
    return known if is_named and len(known) == 1 and not archives.is_archive(path) else []


def members(path: Path, specs: list[ModelSpec]) -> Iterator[tuple[ModelSpec, WeightFile, Write]]:
    """Which files of ``specs`` an archive holds: where a source says, else by digest."""
    sizes = archives.member_sizes(path)
    unplaced: list[tuple[ModelSpec, WeightFile]] = []
    for spec in specs:
        for file in spec.fetched_files:
            source = next((source for source in file.sources if source.member in sizes), None)
            if source is not None:
                yield spec, file, partial(take, path, source, most_bytes=file.bytes)
            elif file.digests:
                unplaced.append((spec, file))
    measured = _measure_likely(path, sizes, [file for _, file in unplaced])
    for spec, file in unplaced:
        member = next((name for name, found in measured.items() if matches(file, found)), None)
        if member is not None:
            yield spec, file, partial(archives.extract, path, member, most_bytes=file.bytes)


def _measure_likely(
    path: Path, sizes: Mapping[str, int], files: Sequence[WeightFile]
) -> Mapping[str, Measured]:
    """The members that may be one of ``files``, under whatever name; unpacked once for all."""
    likely = {
        member
        for member, size in sizes.items()
        if any(_is_likely(file, member, size) for file in files)
    }
    kinds = {kind for file in files for kind in digests.kinds_of(file)}
    return archives.measure_members(path, likely, kinds) if likely else {}


def _is_likely(file: WeightFile, member: str, size_bytes: int) -> bool:
    if file.bytes is not None:
        return size_bytes == file.bytes
    return member.rpartition("/")[2] in _names(file)


def _names(file: WeightFile) -> set[str]:
    """Names under which a file may arrive: ours, and those at its sources."""
    places = [source.member or getattr(source, "url", "") for source in file.sources]
    return {file.name, *(place.rpartition("/")[2] for place in places)}


def unknown(path: Path, named: list[ModelSpec]) -> WeightError:
    """The error for a file that is none of the catalogue, or none of the one model named."""
    is_archive = archives.is_archive(path)
    if named:
        place: dict[str, Value] = {
            "model": named[0].title,
            "files": tuple(file.name for file in named[0].fetched_files),
        }
        reason = Message(
            N_("it holds no file of {model}, by digest or by name ({files}).")
            if is_archive
            else N_("it is no file of {model}, by digest or by name ({files})."),
            place,
        )
    else:
        reason = (
            msg(
                "it holds no file of the catalogue, by digest or by name. `studio weights list` "
                "shows what can be imported; name the model to pin a file that has no digest."
            )
            if is_archive
            else msg(
                "it is no file of the catalogue, by digest or by name. `studio weights list` "
                "shows what can be imported; name the model to pin a file that has no digest."
            )
        )
    return WeightError(
        msg("{file} was not imported: {reason}", file=path.name, reason=reason),
        code="weight.unknown",
    )
