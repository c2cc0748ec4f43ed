"""Files of other people, read in processes that can be ended: see ``studio.confined.pool``.

Light: the web process imports it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable
from functools import partial
from pathlib import Path
from typing import TypeVar

from studio.confined.pool import ConfinedPool, OverrunError
from studio.errors import UserInputError
from studio.imaging import refusals, sniff
from studio.imaging.decode import ImageInfo, Limits, decode, inspect
from studio.imaging.drawing import Drawing, painted, render
from studio.imaging.picture import Picture, Pixels
from studio.imaging.provenance import Provenance, read_provenance

Result = TypeVar("Result")

TIME_LIMIT_S = 30.0
"""Of processor time. The slowest sound file within the default limits, an AVIF of 80 megapixels,
takes 4 s alone."""
_BYTES_A_PIXEL = 32
"""The hungriest reader, that of WebP, takes 21 at its peak, conversion included."""
_BYTES_BESIDE_PIXELS = 256_000_000
"""For tables, profiles, and the stacks of threads that HEIF and AVIF readers start."""
_COPIES_OF_THE_FILE = 3
_MOST_BYTES_A_PIXEL = 5
"""Of a file that a studio makes: four channels that do not compress, and what goes round them."""
_DRAWING_BYTES = 1_000_000_000
"""Enough for the text of the largest drawing and its half a million points."""
_HEADER_BYTES = 1_000_000
"""Of a file on disk looked at here to find out how many pixels it declares."""

Source = bytes | Path
"""A file, or where it lies: then only the child ever holds it."""


def imaging_pool(*, most_at_once: int, memory_budget_bytes: int, niceness: int = 0) -> ConfinedPool:
    """A pool whose children have everything that reads and writes pictures imported.

    About 50 MB and half a second to start; no OpenCV and no network runtime.
    """
    modules = ("confined", "decode", "drawing", "encode", "reduced")
    return ConfinedPool(
        preload=[f"studio.imaging.{name}" for name in modules],
        most_at_once=most_at_once,
        memory_budget_bytes=memory_budget_bytes,
        niceness=niceness,
    )


def inspect_confined(
    pool: ConfinedPool,
    source: Source,
    *,
    file_name: str,
    limits: Limits,
    owner: Hashable = None,
    check: Callable[[], object] = lambda: None,
) -> ImageInfo:
    """As ``inspect``, in a child; arguments and errors as of ``read_confined``."""
    call = partial(_inspect, source, file_name=file_name, limits=limits)
    return read_confined(
        pool, call, source, file_name=file_name, limits=limits, owner=owner, check=check
    )


def decode_confined(
    pool: ConfinedPool,
    source: Source,
    *,
    file_name: str,
    limits: Limits,
    as_numbers: bool = False,
    owner: Hashable = None,
    check: Callable[[], object] = lambda: None,
) -> Picture:
    """As ``decode``, in a child; arguments and errors as of ``read_confined``."""
    call = partial(_decode, source, file_name=file_name, limits=limits, as_numbers=as_numbers)
    return read_confined(
        pool, call, source, file_name=file_name, limits=limits, owner=owner, check=check
    )


def provenance_confined(
    pool: ConfinedPool,
    path: Path,
    *,
    limits: Limits,
    owner: Hashable = None,
    check: Callable[[], object] = lambda: None,
) -> Provenance | None:
    """As ``read_provenance``, in a child; arguments and errors as of ``read_confined``.

    Of a file larger than any that a studio takes or makes only so much is read.

    Raises:
        UserInputError: ``image.too_many_bytes``, too.
        OSError: ``path`` cannot be read.

    """
    most_bytes = limits.max_bytes + _MOST_BYTES_A_PIXEL * limits.max_pixels
    call = partial(_provenance, path.absolute(), most_bytes)
    memory_bytes = _BYTES_BESIDE_PIXELS + _COPIES_OF_THE_FILE * most_bytes
    return _bounded(pool, call, memory_bytes, file_name=path.name, owner=owner, check=check)


def parse_confined(
    pool: ConfinedPool,
    source: Source,
    *,
    file_name: str,
    owner: Hashable = None,
    check: Callable[[], object] = lambda: None,
) -> Drawing:
    """As ``Drawing.parse``, in a child; arguments and errors as of ``read_confined``."""
    call = partial(_parse, source, file_name=file_name)
    return _bounded(pool, call, _DRAWING_BYTES, file_name=file_name, owner=owner, check=check)


def rewrite_confined(
    pool: ConfinedPool,
    source: Source,
    out: Path,
    *,
    file_name: str,
    owner: Hashable = None,
    check: Callable[[], object] = lambda: None,
) -> tuple[int, int]:
    """Parse a drawing and write it to ``out``, a new file, as we write drawings, in a child.

    Arguments and errors as of ``read_confined``; OSError where ``out`` cannot be written.

    Returns:
        Width and height of the drawing in pixels: nothing else of it comes here.

    """
    call = partial(_rewrite, source, out, file_name=file_name)
    return _bounded(pool, call, _DRAWING_BYTES, file_name=file_name, owner=owner, check=check)


def paint_confined(
    pool: ConfinedPool,
    drawing: Drawing,
    beneath: Pixels,
    *,
    file_name: str,
    owner: Hashable = None,
    check: Callable[[], object] = lambda: None,
) -> Pixels:
    """As ``painted`` over ``beneath``, in a child; arguments and errors as of ``read_confined``."""
    height_px, width_px = beneath.shape
    call = partial(painted, drawing, width_px, height_px, beneath)
    memory_bytes = _DRAWING_BYTES + _BYTES_A_PIXEL * beneath.size
    return _bounded(pool, call, memory_bytes, file_name=file_name, owner=owner, check=check)


def render_confined(
    pool: ConfinedPool,
    source: Source,
    width_px: int,
    height_px: int,
    *,
    file_name: str,
    owner: Hashable = None,
    check: Callable[[], object] = lambda: None,
) -> Picture:
    """Parse a drawing and ``render`` it, in a child; arguments and errors as of the above."""
    call = partial(_render, source, width_px, height_px, file_name=file_name)
    memory_bytes = _DRAWING_BYTES + _BYTES_A_PIXEL * width_px * height_px
    return _bounded(pool, call, memory_bytes, file_name=file_name, owner=owner, check=check)


def read_confined(
    pool: ConfinedPool,
    call: Callable[[], Result],
    source: Source,
    *,
    file_name: str,
    limits: Limits,
    owner: Hashable = None,
    check: Callable[[], object] = lambda: None,
) -> Result:
    """What ``call``, which reads the picture in ``source``, returns; run in a child.

    Args:
        pool: as of ``imaging_pool``.
        call: an importable function, or a ``functools.partial`` of one.
        source: the file; says how much memory reading it may take.
        file_name: named in refusals.
        limits: most pixels, where the file's header does not say how many it has.
        owner: whose file it is; files of one person do not hold up those of another.
        check: called about ten times a second; what it raises ends the child and is raised.

    Raises:
        UserInputError: whatever ``call`` raises; ``image.too_slow``, ``image.bomb`` or
            ``image.crashes`` when the child had to be ended or died of the file.
        RetriableError: ``work.busy``, ``work.no_process`` or ``work.killed``.

    """
    memory_bytes = memory_limit_bytes(source, limits)
    return _bounded(pool, call, memory_bytes, file_name=file_name, owner=owner, check=check)


def memory_limit_bytes(source: Source, limits: Limits) -> int:
    """How much memory reading the picture in ``source`` may take, going by its header."""
    head, size_bytes = _head(source)
    file_type = sniff.sniff(head)
    size = sniff.header_size(head, file_type) if file_type else (0, 0)
    pixels = min(size[0] * size[1], limits.max_pixels) if size else limits.max_pixels
    return _BYTES_BESIDE_PIXELS + _COPIES_OF_THE_FILE * size_bytes + _BYTES_A_PIXEL * pixels


def read_bytes(source: Source) -> bytes:
    """The whole file; for calls that run in a child."""
    return source if isinstance(source, bytes) else source.read_bytes()


def _head(source: Source) -> tuple[bytes, int]:
    """The bytes in which a header lies, and how many the file has in all."""
    if isinstance(source, bytes):
        return source, len(source)
    with source.open("rb") as file:
        return file.read(_HEADER_BYTES), file.seek(0, os.SEEK_END)


def _inspect(source: Source, *, file_name: str, limits: Limits) -> ImageInfo:
    return inspect(read_bytes(source), file_name=file_name, limits=limits)


def _decode(source: Source, *, file_name: str, limits: Limits, as_numbers: bool) -> Picture:
    data = read_bytes(source)
    return decode(data, file_name=file_name, limits=limits, as_numbers=as_numbers)


def _provenance(path: Path, most_bytes: int) -> Provenance | None:
    with path.open("rb") as file:
        data = file.read(most_bytes + 1)
        if len(data) > most_bytes:
            size_bytes = max(os.fstat(file.fileno()).st_size, len(data))
            raise refusals.too_many_bytes(size_bytes, most_bytes).naming(path.name)
    return read_provenance(data)


def _bounded(
    pool: ConfinedPool,
    call: Callable[[], Result],
    memory_bytes: int,
    *,
    file_name: str,
    owner: Hashable,
    check: Callable[[], object],
) -> Result:
    try:
        return pool.run(
            call,
            time_limit_s=TIME_LIMIT_S,
            memory_limit_bytes=memory_bytes,
            owner=owner,
            check=check,
        )
    except OverrunError as overrun:
        raise _refusal(overrun).naming(file_name) from overrun


def _render(source: Source, width_px: int, height_px: int, *, file_name: str) -> Picture:
    return render(_parse(source, file_name=file_name), width_px, height_px)


def _parse(source: Source, *, file_name: str) -> Drawing:
    return Drawing.parse(read_bytes(source), file_name=file_name)


def _rewrite(source: Source, out: Path, *, file_name: str) -> tuple[int, int]:
    drawing = _parse(source, file_name=file_name)
    out.write_bytes(drawing.to_bytes())
    return drawing.width_px, drawing.height_px


def _refusal(overrun: OverrunError) -> UserInputError:
    match overrun.code:
        case "work.too_slow":
            return refusals.too_slow(TIME_LIMIT_S)
        case "work.too_large":
            return refusals.bomb()
        case _:
            return refusals.crashes()
