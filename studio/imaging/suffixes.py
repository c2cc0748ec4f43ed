"""What files are called by what they are, not by what somebody called them."""

from __future__ import annotations

from pathlib import PurePosixPath

_SUFFIXES = {
    "application/json": (".json",),
    "image/avif": (".avif",),
    "image/bmp": (".bmp", ".dib"),
    "image/gif": (".gif",),
    "image/heic": (".heic", ".heif", ".hif"),
    "image/jpeg": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "image/png": (".png",),
    "image/tiff": (".tif", ".tiff"),
    "image/webp": (".webp",),
}
"""By media type of all that is stored; the first is given to files that have none of them."""
_KNOWN = frozenset(suffix for suffixes in _SUFFIXES.values() for suffix in suffixes)


def suffix_of(media_type: str) -> str:
    """The usual suffix, with its dot."""
    return _SUFFIXES[media_type][0]


def named_by_kind(file_name: str, media_type: str) -> str:
    """``file_name`` with a suffix that fits ``media_type``.

    One of another kind of picture is replaced; what else may follow a dot is part of the name.
    """
    suffix = PurePosixPath(file_name).suffix
    if suffix.lower() in _SUFFIXES[media_type]:
        return file_name
    stem = file_name.removesuffix(suffix) if suffix.lower() in _KNOWN else file_name
    return stem + suffix_of(media_type)
