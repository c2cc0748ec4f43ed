from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, event, select
from sqlalchemy.orm import Session

from db.actor import Actor
from db.errors import InvalidCursorError
from db.migrate import upgrade
from db.models import Job, User
from db.repositories.audit import AuditRepository
from db.repositories.history import Count, Cursor, JobFilters
from db.repositories.jobs import JobRepository
from db.repositories.keeping import KeepingRepository
from db.repositories.past_runs import PastRunRepository
from db.repositories.submissions import SubmissionRepository
from db.session import Database
from db.states import JobState
from db.types import Role, Visibility, utc_now
from tests.factories import actor_of, fill_history, make_actor, make_blob, make_job, make_user

NOW = utc_now()


def add_runs(session: Session, owner: Actor, count: int) -> list[UUID]:
    """Newest first."""
    return [make_job(session, owner, file_name=f"{n}.jpg").id for n in range(count)][::-1]


def test_page_leads_through_all_runs_and_back(database: Database) -> None:
    with database.write() as session:
        actor = make_actor(session)
        ids = add_runs(session, actor, 7)
        jobs = JobRepository(session)

        first = jobs.page(actor, limit=3)
        assert first.previous_cursor is None
        second = jobs.page(actor, limit=3, cursor=first.next_cursor)
        third = jobs.page(actor, limit=3, cursor=second.next_cursor)
        assert third.next_cursor is None
        assert [row.id for page in (first, second, third) for row in page.rows] == ids

        back = jobs.page(actor, limit=3, cursor=third.previous_cursor)
        assert [row.id for row in back.rows] == ids[3:6]
        assert (back.next_cursor, back.previous_cursor) == (
            second.next_cursor,
            second.previous_cursor,
        )
        assert jobs.page(actor, limit=3, cursor=back.previous_cursor) == first


def test_page_stays_in_place_while_new_runs_arrive(database: Database) -> None:
    with database.write() as session:
        actor = make_actor(session)
        ids = add_runs(session, actor, 4)
        jobs = JobRepository(session)
        first = jobs.page(actor, limit=2)
        newer = add_runs(session, actor, 1)
        second = jobs.page(actor, limit=2, cursor=first.next_cursor)
        assert [row.id for row in second.rows] == ids[2:]
        back = jobs.page(actor, limit=2, cursor=second.previous_cursor)
        assert [row.id for row in back.rows] == ids[:2]
        start = jobs.page(actor, limit=2, cursor=back.previous_cursor)
        assert [row.id for row in start.rows] == [*newer, ids[0]]


def test_page_of_an_empty_history_has_no_neighbours(database: Database) -> None:
    with database.write() as session:
        page = JobRepository(session).page(make_actor(session))
        assert (page.rows, page.next_cursor, page.previous_cursor) == ([], None, None)


def test_row_shows_what_a_list_needs(database: Database) -> None:
    with database.write() as session:
        ann = make_actor(session, "ann")
        image, result = make_blob(session), make_blob(session)
        done = make_job(session, ann, image=image, outputs={"alpha": image, "image": result})
        failed = make_job(session, ann, image=image, state=JobState.FAILED, starred=True)
        rows = {row.id: row for row in JobRepository(session).page(ann).rows}
        assert rows[done.id].owner_name == "ann"
        assert rows[done.id].seconds == 3.0
        assert rows[done.id].preview_sha256 == result.sha256
        assert rows[failed.id].preview_sha256 == image.sha256
        assert str(rows[failed.id].error_message) == "cat.jpg: It is empty. Save it again."
        assert rows[failed.id].starred


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        (JobFilters(), "abcde"),
        (JobFilters(tool="upscale"), "b"),
        (JobFilters(state=JobState.FAILED), "c"),
        (JobFilters(starred=True), "d"),
        (JobFilters(since=NOW - timedelta(days=2)), "acd"),
        (JobFilters(until=NOW - timedelta(days=2)), "be"),
        (JobFilters(since=NOW), "ac"),
        (JobFilters(until=NOW), "bde"),
        (JobFilters(since=NOW - timedelta(days=9), until=NOW - timedelta(days=4)), "e"),
        (JobFilters(since=NOW - timedelta(days=2), until=NOW - timedelta(days=2)), ""),
        (JobFilters(text="CAT"), "ab"),
        (JobFilters(text="big  cat"), "a"),
        (JobFilters(text="cat isnet"), "ab"),
        (JobFilters(text="100%"), "d"),
        (JobFilters(text="%"), "d"),
        (JobFilters(text="_"), "e"),
        (JobFilters(text="zebra"), ""),
        (JobFilters(text="  "), "abcde"),
        (JobFilters(tool="cutout", text="cat", state=JobState.SUCCEEDED), "a"),
        (JobFilters(trashed=True), "f"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_filters_find_exactly_the_runs_that_match(
    database: Database, filters: JobFilters, found: str
) -> None:
    day = timedelta(days=1)
    with database.write() as session:
        ann = make_actor(session, "ann")
        runs = {
            "a": make_job(session, ann, file_name="Big Cat.jpg", queued_at=NOW),
            "b": make_job(
                session, ann, tool="upscale", file_name="cat.png", queued_at=NOW - 3 * day
            ),
            "c": make_job(session, ann, file_name="x.jpg", state=JobState.FAILED, queued_at=NOW),
            "d": make_job(session, ann, file_name="100%.jpg", starred=True, queued_at=NOW - day),
            "e": make_job(session, ann, file_name="a_b.jpg", queued_at=NOW - 5 * day),
            "f": make_job(session, ann, file_name="cat.jpg", deleted_at=NOW),
        }
        letters = {job.id: letter for letter, job in runs.items()}
        jobs = JobRepository(session)
        rows = jobs.page(ann, filters).rows
        assert sorted(letters[row.id] for row in rows) == list(found)
        assert jobs.count(ann, filters) == Count(len(found), is_exact=True)


def test_filters_by_owner_and_batch(database: Database) -> None:
    with database.write() as session:
        ann, bob = make_actor(session), make_actor(session)
        jobs = JobRepository(session)
        batch = SubmissionRepository(session).add_batch(
            owner_id=bob.id, name="", tool="cutout", params={}
        )
        make_job(session, ann)
        single = make_job(session, bob)
        item = make_job(session, bob, batch_id=batch.id)
        by_owner = jobs.page(ann, JobFilters(owner_id=bob.id)).rows
        assert [row.id for row in by_owner] == [item.id, single.id]
        assert [row.id for row in jobs.page(ann, JobFilters(batch_id=batch.id)).rows] == [item.id]


def test_filters_leave_tools_out_unless_one_is_asked_for(database: Database) -> None:
    with database.write() as session:
        ann, bob = make_actor(session, "ann"), make_actor(session, "bob")
        swap = make_job(session, ann, tool="faceswap")
        search = make_job(session, bob, tool="faces")
        jobs = JobRepository(session)
        for asked, found in ((None, [swap.id]), ("faces", [search.id]), ("cutout", [])):
            filters = JobFilters(tool=asked, without_tools=("faces",))
            assert [row.id for row in jobs.page(ann, filters).rows] == found
            assert jobs.count(ann, filters).value == len(found)
        assert [person.name for person in jobs.owners(ann, ("faces",))] == ["ann"]
        assert [person.name for person in jobs.owners(ann)] == ["ann", "bob"]


def test_find_runs_gives_the_newest_visible_runs_on_that_picture(database: Database) -> None:
    with database.write() as session:
        ann, bob = make_actor(session), make_actor(session)
        image = make_blob(session)
        private = {"image": image, "tool": "faces", "visibility": Visibility.PRIVATE}
        older = make_job(session, ann, **private)
        newest = make_job(session, ann, **private)
        make_job(session, ann, tool="faces")
        make_job(session, ann, image=image, tool="cutout")
        make_job(session, ann, deleted_at=NOW, **private)
        past = PastRunRepository(session)
        other = make_blob(session)
        of_other = make_job(session, ann, **private | {"image": other})
        asked = (image.sha256, other.sha256, "0" * 64)
        found = past.find_runs(ann, "faces", asked, limit=9)
        assert found == {image.sha256: [newest, older], other.sha256: [of_other]}
        assert found[image.sha256][0].inputs[0].blob.sha256 == image.sha256
        assert past.find_runs(ann, "faces", asked, limit=1) == {
            image.sha256: [newest],
            other.sha256: [of_other],
        }
        assert past.find_runs(bob, "faces", asked, limit=9) == {}


def test_run_of_a_tool_that_names_its_picture_otherwise_is_shown_and_found_by_it(
    database: Database,
) -> None:
    with database.write() as session:
        ann = make_actor(session)
        picture = make_blob(session)
        job = make_job(
            session, ann, tool="sepia", main_role="photo", image=picture, state=JobState.FAILED
        )
        jobs = JobRepository(session)
        [row] = jobs.page(ann).rows
        assert row.preview_sha256 == picture.sha256
        found = PastRunRepository(session).find_runs(ann, "sepia", [picture.sha256], limit=9)
        assert found == {picture.sha256: [job]}


def test_count_stops_at_its_cap_and_says_so(database: Database) -> None:
    with database.write() as session:
        actor = make_actor(session)
        add_runs(session, actor, 4)
        jobs = JobRepository(session)
        assert str(jobs.count(actor, cap=3)) == "3+"
        assert str(jobs.count(actor, cap=4)) == "4"
    assert str(Count(1000, is_exact=False)) == "1,000+"


@given(st.uuids(), st.booleans())
def test_cursor_reads_what_it_wrote(job_id: UUID, is_towards_newer: bool) -> None:
    cursor = Cursor(job_id, is_towards_newer)
    assert Cursor.parse(str(cursor)) == cursor


@given(st.text() | st.from_regex(r"(older|newer|)-[0-9a-fA-F-]{30,38}", fullmatch=True))
def test_cursor_refuses_or_understands_any_text(text: str) -> None:
    try:
        cursor = Cursor.parse(text)
    except InvalidCursorError:
        return
    assert Cursor.parse(str(cursor)) == cursor


def test_page_with_a_damaged_cursor_is_refused(database: Database) -> None:
    with database.write() as session, pytest.raises(InvalidCursorError):
        JobRepository(session).page(make_actor(session), cursor="older-1234")


ALL_FILTERS = {
    "without_tools": ("faces",),
    "tool": "cutout",
    "state": JobState.SUCCEEDED,
    "since": NOW - timedelta(days=300),
    "until": NOW,
    "text": "zebra",
    "starred": True,
}


@pytest.mark.parametrize("role", [Role.MEMBER, Role.ADMIN])
@pytest.mark.parametrize("is_mine", [False, True])
@pytest.mark.parametrize("names", [(), *[(name,) for name in ALL_FILTERS], tuple(ALL_FILTERS)])
def test_sqlite_searches_the_history_in_an_index_alone(
    history: Database, names: tuple[str, ...], is_mine: bool, role: Role
) -> None:
    with history.read() as session:
        owner = session.scalars(select(User).order_by(User.name)).first()
        actor = Actor(owner.id, owner.name, role)
        chosen = {name: ALL_FILTERS[name] for name in names}
        filters = JobFilters(owner_id=owner.id if is_mine else None, **chosen)
        index = "ix_jobs_owner_history" if is_mine else "ix_jobs_history"
        jobs = JobRepository(session)
        for plan in (
            plan_of(history.engine, lambda: jobs.page(actor, filters)),
            plan_of(history.engine, lambda: jobs.count(actor, filters)),
            plan_of(history.engine, lambda: jobs.page(actor, filters, cursor=MIDDLE)),
        ):
            assert f"jobs USING COVERING INDEX {index}" in plan
            assert len(re.findall(r"SCAN jobs\b", plan)) <= (0 if is_mine else 1)


def test_sqlite_reads_timings_and_lineage_by_index(history: Database) -> None:
    with history.write() as session:
        job = session.scalars(select(Job)).first()
        actor = actor_of(session.get_one(User, job.owner_id))
        jobs, past = JobRepository(session), PastRunRepository(session)
        plans = {
            "ix_jobs_timings": lambda: past.timings("cutout", "isnet"),
            "ix_jobs_parent_id": lambda: jobs.children(actor, job.id),
            "ix_job_outputs_reuse_key": lambda: past.find_outputs(actor, ["0" * 64, "1" * 64]),
            "job_inputs USING INDEX ix_job_inputs_blob_sha256": lambda: past.find_runs(
                actor, "faces", ["0" * 64], limit=1
            ),
            "ix_audit_actor_id_action": lambda: AuditRepository(session).has_done(
                actor.id, "faceswap.consent"
            ),
            "ix_jobs_trash": lambda: KeepingRepository(session).purge_trash(LONG_AGO, most_runs=10),
        }
        for index, query in plans.items():
            assert index in plan_of(history.engine, query)


MIDDLE = str(Cursor(UUID("0190163d-8694-739b-aea5-966c26f8ad91"), is_towards_newer=False))


LONG_AGO = NOW - timedelta(days=1000)


@pytest.fixture(scope="module", params=["as it grew", "analysed"])
def history(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Database:
    """A few hundred runs, with and without the statistics that ``ANALYZE`` gives the planner."""
    url = f"sqlite:///{tmp_path_factory.mktemp('history') / 'studio.db'}"
    upgrade(url)
    database = Database(url)
    with database.write() as session:
        people = [make_user(session) for _ in range(3)]
        fill_history(session, people, 400)
        parent = make_job(session, people[0], visibility=Visibility.PRIVATE)
        make_job(session, people[0], parent_id=parent.id, state=JobState.QUEUED)
        if request.param == "analysed":
            session.connection().exec_driver_sql("ANALYZE")
    return database


def plan_of(engine: Engine, query: Callable[[], object]) -> str:
    """What SQLite says it does for the one statement that ``query`` sends."""
    sent: list[tuple[str, tuple[object, ...]]] = []

    def listen(_conn: object, _cursor: object, statement: str, parameters: tuple, *_: object):  # noqa: ANN202
        sent.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", listen)
    query()
    event.remove(engine, "before_cursor_execute", listen)
    [(statement, parameters)] = sent
    with engine.execution_options(readonly=True).connect() as connection:
        rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        return "\n".join(row.detail for row in rows)
