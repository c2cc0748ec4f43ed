"""Numbers, sizes and times as a person reads them."""

from __future__ import annotations

from datetime import datetime, timedelta

from db.types import utc_now


def file_size(size_bytes: int) -> str:
    """Decimal units, as download dialogs show them: ``1.8 MB``."""
    if size_bytes < 1000:
        return f"{size_bytes} bytes"
    size = float(size_bytes)
    for unit in ("kB", "MB"):
        size /= 1000
        if size < 999.5:
            return f"{size:.0f} {unit}" if size >= 100 else f"{_short(size)} {unit}"
    return f"{size / 1000:.2f} GB"


def _short(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")


def exact_size(size_bytes: int) -> str:
    """Rounded for reading, exact for checking: ``1.8 MB (1,834,112 bytes)``."""
    if size_bytes < 1000:
        return file_size(size_bytes)
    return f"{file_size(size_bytes)} ({size_bytes:,} bytes)"


def duration(seconds: float) -> str:
    """Two units at most, coarse where a person does not care: ``0.4 s``, ``2 min 10 s``."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest and minutes < 10 else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def estimate(seconds: float) -> str:
    """A duration that does not pretend to be exact: ``about 40 s``."""
    if seconds < 1:
        return "under a second"
    if seconds < 10:
        return f"about {round(seconds)} s"
    if seconds < 60:
        return f"about {round(seconds / 5) * 5} s"
    return f"about {duration(round(seconds / 30) * 30 if seconds < 600 else seconds)}"


def dimensions(width_px: int | None, height_px: int | None) -> str:
    """``1024 × 768 px``; empty when the size is not known."""
    return f"{width_px} × {height_px} px" if width_px and height_px else ""


def ago(moment: datetime, now: datetime | None = None) -> str:
    """How long ago, and a date once that says more."""
    now = now or utc_now()
    passed = now - moment
    if passed < timedelta(minutes=1):
        return "just now"
    if passed < timedelta(hours=1):
        return f"{int(passed.total_seconds() // 60)} min ago"
    if passed < timedelta(hours=24):
        return f"{int(passed.total_seconds() // 3600)} h ago"
    if moment.year == now.year:
        return f"{moment.day} {moment:%b, %H:%M}"
    return f"{moment.day} {moment:%b %Y}"


def count(number: int, noun: str, plural: str | None = None) -> str:
    """``1 picture``, ``3 pictures``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def markdown_safe(text: str) -> str:
    """A name that people gave, with nothing that Markdown would read as markup."""
    return "".join(f"\\{mark}" if mark in r"\`*_{}[]()#+-.!|~:$<>" else mark for mark in text)
