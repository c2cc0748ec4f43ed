"""Languages that people are spoken to in: a catalogue of sentences, and how numbers are written.

English is the language of the code, so its catalogue is the list of sentences itself,
``darkroom.pot`` in ``LOCALES``; every other has ``LOCALE/LC_MESSAGES/darkroom.po`` there.
"""

from __future__ import annotations

import io
import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from functools import lru_cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path
from string import Formatter

from babel import Locale
from babel.core import get_global, parse_locale
from babel.dates import format_datetime
from babel.lists import format_list
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

from studio.words.message import Message, Value

DOMAIN = "darkroom"
LOCALES = Path(__file__).resolve().parents[1] / "locales"
_TEMPLATES = Formatter()
_MOST_IN_DIGITS = 10**15
"""Numbers from here on are said as powers of ten; Babel refuses the largest."""
_DECIMALS = re.compile(r"\.(\d)([f%])")


@dataclass(frozen=True, slots=True)
class Language:
    """How one language says things, and in which zone it tells the time."""

    locale: Locale
    catalogue: NullTranslations
    zone: tzinfo = UTC

    @property
    def tag(self) -> str:
        """As HTML and HTTP name it: ``zh-Hans-CN``."""
        return str(self.locale).replace("_", "-")

    @property
    def name(self) -> str:
        """As those who read it call it: ``中文 (简体)``."""
        name = self.locale.get_display_name() or self.tag
        return name[0].upper() + name[1:]

    def say(self, message: Message) -> str:
        """``message`` in this language, or in English where it has no words for it.

        Never fails: a row may hold what no code says any more. A value that is missing shows
        the name of its place.
        """
        n = message.values.get("n")
        if message.plural and isinstance(n, int):
            template = self.catalogue.ngettext(message.text, message.plural, n)
        else:
            # The catalogue's own head is filed under the empty sentence.
            template = self.catalogue.gettext(message.text) if message.text else ""
        try:
            pieces = list(_TEMPLATES.parse(template))
        except ValueError:  # a lone brace
            return template
        return "".join(
            literal + ("" if name is None else self._place(message, name, spec or ""))
            for literal, name, spec, _conversion in pieces
        )

    def _place(self, message: Message, name: str, spec: str) -> str:
        value = message.values.get(name)
        return f"{{{name}}}" if value is None else self._value(value, spec)

    def _value(self, value: Value, spec: str) -> str:
        if isinstance(value, Message):
            return self.say(value)
        if isinstance(value, tuple):
            return format_list([self._value(one, spec) for one in value], locale=self.locale)
        if isinstance(value, datetime):
            return str(format_datetime(value, spec or "medium", self.zone, self.locale))
        if isinstance(value, str):  # what no encoding takes would end the answer that says it
            return value.encode("utf-8", "replace").decode()
        if isinstance(value, bool) or (isinstance(value, float) and not math.isfinite(value)):
            return str(value)
        if abs(value) >= _MOST_IN_DIGITS:
            large = value if isinstance(value, float) else Decimal(value).normalize()
            return f"{large:.6g}"
        return str(format_decimal(value, _pattern(spec), locale=self.locale))


def _pattern(spec: str) -> str | None:
    """The pattern of the Unicode standard for a format of Python's; none for the usual one."""
    if spec == "d":
        return "0"
    decimals = _DECIMALS.fullmatch(spec)
    if decimals is None:
        return None
    digits = int(decimals[1])
    return "#,##0" + ("." + "0" * digits if digits else "") + ("%" if decimals[2] == "%" else "")


ENGLISH = Language(Locale("en"), NullTranslations())


@lru_cache
def language(locale: str) -> Language:
    """The language of one of ``locales()``; its catalogue is read once a process."""
    if locale == str(ENGLISH.locale):
        return ENGLISH
    with (LOCALES / locale / "LC_MESSAGES" / f"{DOMAIN}.po").open("rb") as file:
        catalogue = read_po(file, locale=locale)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Language(Locale.parse(locale), GNUTranslations(compiled))


@lru_cache
def locales() -> tuple[str, ...]:
    """Those that there are words for, as ``zh_Hans_CN``, English first."""
    return ("en", *sorted(path.parents[1].name for path in LOCALES.glob(f"*/*/{DOMAIN}.po")))


@lru_cache(maxsize=1024)
def best_language(*wanted: str) -> Language:
    """The first of ``wanted`` (tags as browsers send them) that there are words for, or English."""
    spoken = {_language_and_script(locale): locale for locale in reversed(locales())}
    for tag in wanted:
        locale = spoken.get(_language_and_script(tag.replace("-", "_")))
        if locale is not None:
            return language(locale)
    return ENGLISH


def _language_and_script(locale: str) -> tuple[str, str | None] | None:
    """What readers of a language tell apart, of a locale that may name neither; none if unknown.

    A reader in Singapore, ``zh_SG``, reads what is written for ``zh_Hans_CN``.
    """
    try:
        name, territory, script = parse_locale(locale)[:3]
    except ValueError:
        return None
    likely = get_global("likely_subtags")
    whole = likely.get(f"{name}_{territory}") or likely.get(name)
    return name, script or (parse_locale(whole)[2] if whole else None)
