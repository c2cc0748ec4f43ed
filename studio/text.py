"""Text from outside: the one place that says what of it is kept and how much of it is taken.

What people type is refused when it cannot be shown, so that a stored name is the one that was
meant; names of files, which came from elsewhere and cannot be typed anew, are cleaned. Either
way what is kept is in NFC and on one line (notes: on several), holds no control characters, no
lone surrogates and none of the marks that only turn the direction of writing about, and has a
limit.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from pathlib import PurePosixPath

from studio.errors import UserInputError
from studio.words import Message, msg, msgs

FILE_NAME_BYTES = 200
"""A disk takes 255, with what is put around a name."""
SEARCH_CHARS = 200
_SUFFIX_BYTES = 16
_SHOWN_CHARS = 60
_JOINERS = "\u200c\u200d"
"""Letters of Persian and Hindi, and emoji of several parts, need them."""
_FORBIDDEN_IN_FILE_NAMES = re.compile(r'[<>:"|?*\\/]')


def tidy(text: str) -> str:
    """``text`` on one line, without what cannot be shown; of any length."""
    one_line = "".join(" " if char.isspace() else char for char in text)
    kept = "".join(char for char in one_line if not _is_unshowable(char) and not _is_mark(char))
    return " ".join(unicodedata.normalize("NFC", kept).split())


def line(text: str, most_chars: int, *, what: Message) -> str:
    """What a person typed, tidied; ``what`` names the field in the refusal. May be empty.

    Raises:
        UserInputError: ``text.invalid``: too long, or with characters that cannot be shown.

    """
    return _taken(text, most_chars, tidy, what)


def paragraphs(text: str, most_chars: int, *, what: Message) -> str:
    """As ``line``, of several lines, each of which is tidied.

    Raises:
        UserInputError: as ``line``.

    """
    return _taken(text, most_chars, _tidy_lines, what)


def fault_of(text: str, most_chars: int) -> Message | None:
    """Why ``text`` is not taken as a line of ``most_chars``; none when it is."""
    return _fault(text, most_chars, tidy)


def _taken(text: str, most_chars: int, tidied: Callable[[str], str], what: Message) -> str:
    fault = _fault(text, most_chars, tidied)
    if fault is not None:
        raise UserInputError(
            msg("{what}: {fault}", what=what, fault=fault),
            remedy=msg("Write it anew."),
            code="text.invalid",
        )
    return tidied(text)


def _fault(text: str, most_chars: int, tidied: Callable[[str], str]) -> Message | None:
    # Looked at first, so that a megabyte is not read letter by letter.
    if len(text) > 2 * most_chars or len(tidied(text)) > most_chars:
        return msgs(
            "this is longer than {n} character", "this is longer than {n} characters", most_chars
        )
    found = next((char for char in text if _is_unshowable(char) and not char.isspace()), None)
    if found is None:
        return None
    code_point = f"U+{ord(found):04X}"
    return msg("this holds a character that cannot be shown ({code_point})", code_point=code_point)


def _tidy_lines(text: str) -> str:
    return "\n".join(map(tidy, text.splitlines())).strip()


def shown(text: str) -> str:
    """``text`` as a sentence may quote it: short, and without what cannot be shown."""
    clean = tidy(text[: 4 * _SHOWN_CHARS])
    return clean if len(clean) <= _SHOWN_CHARS else f"{clean[:_SHOWN_CHARS]}…"


def search_words(text: str) -> str:
    """What is looked for: never refused, for what cannot be stored is simply not found."""
    return tidy(text[: 2 * SEARCH_CHARS])[:SEARCH_CHARS]


def file_name(name: str, *, otherwise: str = "picture") -> str:
    """A name that every disk, address and archive takes, as close to ``name`` as that allows.

    The last part of a path, of ``FILE_NAME_BYTES`` in UTF-8 at most, with its suffix kept;
    ``otherwise`` when nothing is left of it.
    """
    last = re.split(r"[\\/]", name)[-1]
    clean = tidy(_FORBIDDEN_IN_FILE_NAMES.sub("", last)).rstrip(" .")
    return _cut_to_bytes(clean) if clean.strip("._ ") else otherwise


def _cut_to_bytes(name: str) -> str:
    if len(name.encode()) <= FILE_NAME_BYTES:
        return name
    suffix = PurePosixPath(name).suffix
    if len(suffix.encode()) > _SUFFIX_BYTES:
        suffix = ""
    stem = name.removesuffix(suffix).encode()[: FILE_NAME_BYTES - len(suffix.encode())]
    return stem.decode(errors="ignore").rstrip(" .") + suffix


def _is_unshowable(char: str) -> bool:
    """Control characters and halves of characters."""
    return unicodedata.category(char) in ("Cc", "Cs")


def _is_mark(char: str) -> bool:
    """Invisible characters that say how others are shown, such as those that turn a line about."""
    return unicodedata.category(char) == "Cf" and char not in _JOINERS
