"""The command line in a language that nobody speaks: what it says went through the catalogue."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import typer.main

from app.commands.cli import app
from app.commands.helping import translate
from app.language import language_of_terminal, speaking
from db.states import JobState
from db.types import Lane
from studio.models.catalogue import load_catalogue
from studio.params import UpscaleParams
from tasks.execute import run_next
from tasks.services import Services
from tasks.submit import store_upload, submit
from tests.app.commands.outcome import Studio
from tests.app.commands.test_help import commands
from tests.factories import make_actor
from tests.pseudo import PSEUDO, forget, teach, unbracketed
from tests.requests import request
from tests.rows import job_of

_WORD = re.compile(r"[^\W\d_]{2,}")
_PARTS = ("python", "disk", "database", "broker", "storage", "weights", "tools", "device")
"""Of the doctor: names to look for, in ``--json`` too."""


@pytest.fixture(autouse=True)
def pseudo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    teach(tmp_path / "locales", monkeypatch)
    monkeypatch.setenv("LANGUAGE", PSEUDO)
    monkeypatch.setenv("COLUMNS", "10000")
    yield
    forget()


def left_over(text: str, *known: str) -> list[str]:
    """The words of ``text`` that stand in no brackets and are not ``known``."""
    rest = unbracketed(text)
    for words in sorted(known, key=len, reverse=True):
        rest = rest.replace(words, " ")
    return _WORD.findall(rest)


def outside_words() -> set[str]:
    """Names of models and licences are not ours to translate."""
    return {name for spec in load_catalogue() for name in (spec.id, spec.licence.name)}


def test_help_says_nothing_past_the_catalogue() -> None:
    command = typer.main.get_command(app)
    with speaking(language_of_terminal()):
        translate(command)

    texts = [
        text
        for one in (command, *(child for _path, child in commands(command)))
        for described in (one, *one.params)
        for name in ("help", "short_help", "rich_help_panel")
        if (text := getattr(described, name, None))
    ]

    assert len(texts) > 100
    assert not [text for text in texts if unbracketed(text)]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["user"], "⟦List all accounts.⟧"),
        (["user", "add"], "⟦The account's name.⟧"),
        (["run", "upscale"], "⟦Enlarges pictures.⟧"),
        (["run", "upscale"], "⟦Parameters⟧"),
    ],
)
def test_help_is_shown_in_the_language_of_the_terminal(
    studio: Studio, arguments: list[str], words: str
) -> None:
    assert words in studio(*arguments, "--help").out


def test_help_of_a_step_is_shown_in_the_language_of_the_terminal(
    studio: Studio, picture: Path
) -> None:
    outcome = studio("run", "chain", picture, "--step", "upscale --help")

    assert "⟦Enlarges pictures.⟧" in outcome.out


@pytest.mark.parametrize(
    "arguments",
    [
        ["weights", "list"],
        ["weights", "list", "--installed"],
        ["weights", "list", "--installed", "--tool", "cutout"],
        ["weights", "list", "--installed", "--task", "matting"],
        ["weights", "list", "--tool", "cutout", "--task", "cartoon"],
        ["weights", "list", "--tool", "dance"],
        ["weights", "list", "--task", "dance"],
        ["weights", "verify"],
        ["weights", "verify", "isnet"],
        ["weights", "delete", "isnet"],
        ["weights", "pull", "nothing"],
        ["migrate"],
        ["user", "list"],
        ["user", "disable", "nobody"],
    ],
    ids=" ".join,
)
def test_command_says_nothing_past_the_catalogue(studio: Studio, arguments: list[str]) -> None:
    outcome = studio(*arguments)

    assert outcome.out + outcome.err
    assert not left_over(outcome.out + outcome.err, *outside_words())


def test_doctor_says_nothing_past_the_catalogue(studio: Studio, data_dir: Path) -> None:
    studio("migrate")

    outcome = studio("doctor")

    known = [
        *_PARTS,
        "workers",
        "beat",
        f"file://{data_dir / 'blobs'}",
        "cutout",
        "cartoon",
        "inpaint",
    ]
    assert not left_over(outcome.out, *known, "upscale", "faceswap", "faces")


def test_jobs_say_nothing_past_the_catalogue(
    studio: Studio, services: Services, picture: Path, tmp_path: Path
) -> None:
    with services.database.write() as session:
        mei = make_actor(session, name="mei")
    pixels = UpscaleParams(model="interpolation", scale=2)
    image = store_upload(services, "dog.png", picture.read_bytes())
    done, *rest = submit(services, mei, request(pixels, *[{"image": image}] * 3))
    run_next(services, Lane.CPU)
    run = job_of(services.database, rest[0])

    outcomes = [
        studio("jobs", *arguments)
        for arguments in (
            ["list"],
            ["list", "--limit", 1],
            ["list", "--state", "failed"],
            ["show", done],
            ["show", run.id],
            ["pause", run.batch_id],
            ["resume", run.batch_id],
            ["cancel", run.id],
            ["cancel", done],
            ["share", done, "private"],
            ["share", done, "team"],
            ["download", run.id, "--out", tmp_path],
            ["download", done, "--out", tmp_path, "--role", "sky"],
            ["show", uuid4()],
        )
    ]

    names = ["dog", "png", "upscale", "interpolation", "image", "mei", "team", "private"]
    known = [*names, *JobState, *type(pixels).model_fields, "cursor", "null"]
    for outcome in outcomes:
        said = re.sub(r"[0-9a-f-]{20,}", " ", outcome.out + outcome.err)
        assert said.strip()
        assert not left_over(said, *known), said


def test_accounts_are_listed_in_the_language_of_the_terminal(studio: Studio) -> None:
    studio("migrate")
    added = studio("user", "add", "mei")

    listed = studio("user", "list").out

    assert not left_over(added.out, added.out.splitlines()[-1])
    assert not left_over(listed, "mei", "member")


def test_runs_and_their_notes_say_nothing_past_the_catalogue(
    studio: Studio, picture: Path, tmp_path: Path
) -> None:
    options = ["--model", "interpolation", "--scale", "2"]
    done = studio("run", "upscale", picture, "--out", tmp_path / "out", *options)
    refused = studio("run", "upscale", tmp_path / "none.png", *options)
    [made] = (tmp_path / "out").iterdir()
    inspected = studio("inspect", made)
    bare = studio("inspect", picture)

    assert (done.code, refused.code, inspected.code, bare.code) == (0, 1, 0, 1)
    for outcome in (done, refused, bare):
        assert not left_over(outcome.out + outcome.err)
    titles = [line.split("  ")[0] for line in inspected.out.splitlines() if line.startswith("⟦")]
    assert titles[:4] == ["⟦run⟧", "⟦tool⟧", "⟦studio⟧", "⟦source⟧"]
