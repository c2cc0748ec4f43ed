from __future__ import annotations

import pytest
from sqlalchemy import JSON

from db.actor import Actor
from db.errors import TextError
from db.models import Base, Job
from db.repositories.audit import AuditRepository
from db.repositories.history import JobFilters
from db.repositories.jobs import JobRepository
from db.session import Database
from db.types import BoundedText, JsonText, Role, storable
from studio.words import Message, msg, msgs, verbatim
from tests.factories import make_actor, make_job


@pytest.fixture
def mei(database: Database) -> Actor:
    with database.write() as session:
        return make_actor(session)


@pytest.mark.parametrize("name", ["n" * 256, "a\0b", "a\ud800b"])
def test_column_refuses_what_a_database_would_with_a_code(
    database: Database, mei: Actor, name: str
) -> None:
    with pytest.raises(TextError) as refusal, database.write() as session:
        make_job(session, mei, title=name)
    assert refusal.value.code == "text.invalid"


@pytest.mark.parametrize("word", ["\0", "\ud800", "a" * 100_000])
def test_column_compared_with_what_it_cannot_hold_is_equal_to_nothing(
    database: Database, mei: Actor, word: str
) -> None:
    with database.write() as session:
        make_job(session, mei)
    with database.read() as session:
        jobs = JobRepository(session)
        assert not jobs.page(mei, JobFilters(text=word), 10).rows
        assert not jobs.page(mei, JobFilters(tool=word), 10).rows


@pytest.mark.parametrize("tags", [["a"] * 31, ["a" * 65], ["a\0b"], ["a\ud800b"]])
def test_column_of_words_refuses_too_many_and_what_one_of_text_would(
    database: Database, mei: Actor, tags: list[str]
) -> None:
    with pytest.raises(TextError) as refusal, database.write() as session:
        make_job(session, mei, tags=tags)
    assert refusal.value.code == "text.invalid"


def test_audit_of_a_hostile_name_is_kept(database: Database, mei: Actor) -> None:
    with database.write() as session:
        AuditRepository(session).record(None, "session.refuse", "a\0\ud800" * 500, ip="1" * 100)
    admin = Actor(mei.id, mei.name, Role.ADMIN)
    with database.read() as session:
        [entry] = AuditRepository(session).page(admin)
    assert entry.subject == storable("a\0\ud800" * 500, 128)
    assert "\0" not in entry.subject


@pytest.mark.parametrize(
    "message",
    [
        msg("{file}: it is {n} px wide", file="{a}.png", n=4096),
        verbatim('{"text": "no JSON"}'),
        msgs("{n} face", "{n} faces", 2),
    ],
)
def test_sentence_comes_back_from_its_column(
    database: Database, mei: Actor, message: Message
) -> None:
    with database.write() as session:
        job_id = make_job(session, mei, error_message=message).id
    with database.read() as session:
        assert session.get_one(Job, job_id).error_message == message


def test_sentence_that_quotes_what_no_database_keeps_is_kept_without(
    database: Database, mei: Actor
) -> None:
    name = "a\0b\ud800c"
    with database.write() as session:
        job_id = make_job(session, mei, error_message=msg("“{name}” is odd", name=name)).id
    with database.read() as session:
        assert str(session.get_one(Job, job_id).error_message) == "“a\ufffdb\ufffdc” is odd"


def test_sentence_that_quotes_an_escape_is_kept_as_it_is(database: Database, mei: Actor) -> None:
    said = msg("“{name}” is odd", name=r"\u0000 \\u0000")
    with database.write() as session:
        job_id = make_job(session, mei, error_message=said).id
    with database.read() as session:
        assert session.get_one(Job, job_id).error_message == said


@pytest.mark.parametrize("name", ["\x01" * 10_000, "\0" * 10_000, '"' * 9_000 + "\x01" * 9_000])
def test_sentence_that_json_makes_too_long_is_kept_cut(
    database: Database, mei: Actor, name: str
) -> None:
    with database.write() as session:
        job_id = make_job(session, mei, error_message=msg("{name}!", name=name)).id
    with database.read() as session:
        kept = str(session.get_one(Job, job_id).error_message)
    assert storable(name).startswith(kept)
    assert len(kept) > 1_000


def test_sentence_that_is_too_long_is_kept_cut(database: Database, mei: Actor) -> None:
    with database.write() as session:
        job_id = make_job(session, mei, error_message=msg("{name}!", name="{" * 100_000)).id
    with database.read() as session:
        kept = str(session.get_one(Job, job_id).error_message)
    assert kept == "{" * len(kept)
    assert len(kept) > 3_000


def test_every_column_of_text_is_bounded() -> None:
    kinds = {
        f"{table.name}.{column.name}": column.type
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if column.type.python_type is str
    }
    free = {name for name, kind in kinds.items() if not isinstance(kind, BoundedText)}
    enumerated = {name for name in free if hasattr(kinds[name], "enums")}
    assert free == enumerated


def test_every_column_of_json_holds_what_something_of_ours_has_bounded() -> None:
    free = {
        f"{table.name}.{column.name}"
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, JSON | JsonText)
    }
    of_parameter_models = {"batches.params", "jobs.params", "page_memory.params"}
    of_canvas_json = {"drawings.canvas", "drawings.previous_canvas"}
    written_by_us = {"audit.detail", "jobs.error_regions", "jobs.record"}
    assert free == of_parameter_models | of_canvas_json | written_by_us
