"""Gathers what the studio says into the catalogues of ``studio/locales``; ``make messages``.

``darkroom.pot`` is the English one: what the code says, and what the catalogue of models that ships
says of them. Catalogues of other languages get the
sentences they lack, to be translated, and keep none that nobody says any more.
"""

from __future__ import annotations

import io
from pathlib import Path

from babel.messages import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po
from typer.main import get_command

from app.commands.cli import app
from app.commands.helping import sentences
from studio.models.catalogue import Catalogue as Models
from studio.words.language import DOMAIN, LOCALES

ROOT = Path(__file__).resolve().parents[1]
MODELS = ROOT / "weights" / "catalogue.toml"
TEMPLATE = LOCALES / f"{DOMAIN}.pot"
PACKAGES = ("app", "db", "pages", "studio", "tasks")
KEYWORDS = {"_": None, "N_": None, "msg": None, "_n": (1, 2), "msgs": (1, 2), "N_n": (1, 2)}
_METHODS = [("**.py", "python"), ("**/templates/**.html", "jinja2")]


def gathered() -> Catalog:
    """Every sentence of the code, and of the catalogue of models that ships."""
    catalogue = Catalog(charset="utf-8")
    for package in PACKAGES:
        found = extract_from_dir(ROOT / package, _METHODS, keywords=KEYWORDS)
        for _file, _line, text, _comments, context in found:
            catalogue.add(text, context=context)
    # Docstrings of commands are help that people read.
    for text in sentences(get_command(app)):
        catalogue.add(text)
    for spec in Models.load(MODELS):
        for message in filter(None, (spec.advice, spec.licence.meaning)):
            catalogue.add(message.text)
    return catalogue


def as_template(catalogue: Catalog) -> str:
    """``catalogue`` as the text of ``darkroom.pot``, without what changes from day to day."""
    file = io.BytesIO()
    write_po(file, catalogue, omit_header=True, sort_output=True, width=100)
    return file.getvalue().decode()


def read(path: Path, locale: str | None = None) -> Catalog:
    """The catalogue in a file."""
    with path.open("rb") as file:
        return read_po(file, locale=locale)


def main() -> None:
    """Bring the catalogues up to the code."""
    catalogue = gathered()
    TEMPLATE.write_text(as_template(catalogue), encoding="utf-8")
    for path in LOCALES.glob(f"*/*/{DOMAIN}.po"):
        translated = read(path, locale=path.parents[1].name)
        translated.update(catalogue, no_fuzzy_matching=True)
        translated.obsolete.clear()
        with path.open("wb") as file:
            write_po(file, translated, sort_output=True, width=100)


if __name__ == "__main__":
    main()
