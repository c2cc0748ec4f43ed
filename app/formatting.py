"""Numbers, sizes and times as a person reads them, said in the language of whoever reads."""

from __future__ import annotations

from datetime import datetime, timedelta

from db.types import utc_now
from studio.words import Message, msg, msgs

_WITHOUT_YEAR = timedelta(days=300)
"""A day of the last months is not taken for one of the year before."""


def file_size(size_bytes: int) -> Message:
    """Decimal units, as download dialogs show them: ``1.8 MB``."""
    if size_bytes < 1000:
        return msgs("{n:d} byte", "{n:d} bytes", size_bytes)
    if size_bytes < 999_500:
        return msg("{size} kB", size=_short(size_bytes / 1e3))
    if size_bytes < 999_500_000:
        return msg("{size} MB", size=_short(size_bytes / 1e6))
    return msg("{size:.2f} GB", size=size_bytes / 1e9)


def _short(number: float) -> float:
    return round(number) if number >= 100 else round(number, 1)


def exact_size(size_bytes: int) -> Message:
    """Rounded for reading, exact for checking: ``1.8 MB (1,834,112 bytes)``."""
    if size_bytes < 1000:
        return file_size(size_bytes)
    return msgs(
        "{rounded} ({n} byte)", "{rounded} ({n} bytes)", size_bytes, rounded=file_size(size_bytes)
    )


def duration(seconds: float) -> Message:
    """Two units at most, coarse where a person does not care: ``0.4 s``, ``2 min 10 s``."""
    if seconds < 9.95:
        return msg("{seconds:.1f} s", seconds=seconds)
    whole = round(seconds)
    if whole < 60:
        return msg("{seconds} s", seconds=whole)
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        if rest and minutes < 10:
            return msg("{minutes} min {seconds} s", minutes=minutes, seconds=rest)
        return msg("{minutes} min", minutes=minutes)
    hours, minutes = divmod(minutes, 60)
    if minutes:
        return msg("{hours} h {minutes} min", hours=hours, minutes=minutes)
    return msg("{hours} h", hours=hours)


def estimate(seconds: float) -> Message:
    """A duration that does not pretend to be exact: ``about 40 s``."""
    if seconds < 1:
        return msg("under a second")
    if seconds < 10:
        return msg("about {seconds} s", seconds=round(seconds))
    if seconds < 60:
        return msg("about {seconds} s", seconds=round(seconds / 5) * 5)
    rounded = round(seconds / 30) * 30 if seconds < 600 else seconds
    return msg("about {duration}", duration=duration(rounded))


def dimensions(width_px: int | None, height_px: int | None) -> Message:
    """``1024 × 768 px``; empty when the size is not known."""
    if not width_px or not height_px:
        return Message("")
    return msg("{width:d} × {height:d} px", width=width_px, height=height_px)


def ago(moment: datetime, now: datetime | None = None) -> Message:
    """How long ago, and a date once that says more."""
    now = now or utc_now()
    passed = now - moment
    if passed < timedelta(minutes=1):
        return msg("just now")
    if passed < timedelta(hours=1):
        return msg("{minutes} min ago", minutes=int(passed.total_seconds() // 60))
    if passed < timedelta(hours=24):
        return msg("{hours} h ago", hours=int(passed.total_seconds() // 3600))
    if passed < _WITHOUT_YEAR:
        return msg("{moment:d MMM, HH:mm}", moment=moment)
    return day(moment)


def day(moment: datetime) -> Message:
    """The day alone, in the order that all dates have here: ``2 Feb 2025``."""
    return msg("{moment:d MMM y}", moment=moment)


def exact(moment: datetime) -> Message:
    """To the second, with the zone: ``2 Feb 2025, 14:05:09 UTC``."""
    return msg("{moment:d MMM y, HH:mm:ss z}", moment=moment)
