"""The index of decisions names each page, with its title, once."""

from __future__ import annotations

import re

from studio.settings import ROOT

FOLDER = ROOT / "docs" / "adr"
ROW = re.compile(
    r"^\| (\d{4}) \| \[(.+)\]\((\d{4}-[a-z0-9-]+\.md)\) \| \d{4}-\d\d-\d\d \| "
    r"(accepted|(?:amended|superseded) by \d{4}) \|$"
)
HEADING = re.compile(r"^# (\d{4}): (.+)$")


def test_index_lists_every_decision_under_its_own_title() -> None:
    lines = (FOLDER / "README.md").read_text(encoding="utf-8").splitlines()
    listed = [match.groups()[:3] for match in map(ROW.match, lines) if match]
    written = []
    for page in sorted(FOLDER.glob("0*.md")):
        heading = HEADING.match(page.read_text(encoding="utf-8").splitlines()[0])
        assert heading, page.name
        written.append((heading[1], heading[2], page.name))
    assert listed == written


def test_index_status_follows_what_the_page_says() -> None:
    index = (FOLDER / "README.md").read_text(encoding="utf-8").splitlines()
    said = [
        (page.name, f"{verb.lower()} by {later}")
        for page in FOLDER.glob("0*.md")
        for verb in ("Amended", "Superseded")
        for later in re.findall(
            rf"^{verb} by \[(\d{{4}})\]", page.read_text(encoding="utf-8"), re.MULTILINE
        )
    ]
    assert said
    for name, status in said:
        assert status in next(line for line in index if name in line)
