from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy.orm import Session

from db.actor import Actor
from db.models import Drawing
from db.repositories.audit import AuditRepository
from db.repositories.blobs import BlobRepository
from db.repositories.history import JobFilters
from db.repositories.jobs import JobRepository
from db.repositories.keeping import KeepingRepository
from db.repositories.past_runs import PastRunRepository
from db.repositories.visibility import Trash, visible_jobs
from db.session import Database
from db.states import JobState
from db.types import Role, Visibility, utc_now
from tests.factories import make_actor, make_blob, make_job, make_record

YESTERDAY = utc_now() - timedelta(days=1)


@dataclass(frozen=True)
class House:
    """Bob's runs by name, and the people who might look at them."""

    bob: Actor
    ann: Actor
    admin: Actor
    runs: dict[str, UUID]


def furnish(session: Session) -> House:
    bob = make_actor(session, "bob")
    runs = {
        f"{visibility}{' trashed' if deleted_at else ''}": make_job(
            session, bob, visibility=visibility, deleted_at=deleted_at
        ).id
        for visibility in Visibility
        for deleted_at in (None, YESTERDAY)
    }
    return House(bob, make_actor(session, "ann"), make_actor(session, "eve", Role.ADMIN), runs)


@pytest.mark.parametrize(
    ("reader", "trash", "seen"),
    [
        ("bob", Trash.HIDDEN, {"team", "private"}),
        ("bob", Trash.ONLY, {"team trashed", "private trashed"}),
        ("bob", Trash.INCLUDED, {"team", "private", "team trashed", "private trashed"}),
        ("admin", Trash.HIDDEN, {"team", "private"}),
        ("admin", Trash.ONLY, {"team trashed", "private trashed"}),
        ("admin", Trash.INCLUDED, {"team", "private", "team trashed", "private trashed"}),
        ("ann", Trash.HIDDEN, {"team"}),
        ("ann", Trash.ONLY, set()),
        ("ann", Trash.INCLUDED, {"team"}),
    ],
)
def test_visible_jobs_by_reader_and_trash(
    database: Database, reader: str, trash: Trash, seen: set[str]
) -> None:
    with database.write() as session:
        house = furnish(session)
        statement = visible_jobs(getattr(house, reader), trash)
        found = {job.id for job in session.scalars(statement)}
        assert found == {house.runs[name] for name in seen}


def test_job_repository_gives_nothing_of_anothers_private_runs(database: Database) -> None:
    with database.write() as session:
        ann, bob = make_actor(session, "ann"), make_actor(session, "bob")
        image, alpha = make_blob(session), make_blob(session)
        secret = make_job(
            session,
            bob,
            visibility=Visibility.PRIVATE,
            file_name="secret.jpg",
            image=image,
            outputs={"alpha": alpha},
            reuse_key="a" * 64,
        )
        parent = make_job(session, ann)
        secret_child = make_job(session, bob, visibility=Visibility.PRIVATE, parent_id=parent.id)
        child_of_secret = make_job(session, ann, parent_id=secret.id)
        waiting = make_job(
            session,
            bob,
            state=JobState.QUEUED,
            visibility=Visibility.PRIVATE,
            file_name="secret.jpg",
        )
        hidden = {secret.id, secret_child.id, waiting.id}
        jobs, kept = JobRepository(session), KeepingRepository(session)

        assert jobs.get(ann, secret.id) is None
        assert {row.id for row in jobs.page(ann).rows} == {parent.id, child_of_secret.id}
        for filters in (
            JobFilters(owner_id=bob.id),
            JobFilters(text="secret"),
            JobFilters(state=JobState.QUEUED),
            JobFilters(trashed=True),
        ):
            assert jobs.page(ann, filters).rows == []
            assert jobs.count(ann, filters).value == 0
        assert jobs.children(ann, parent.id) == []
        assert jobs.ancestors(ann, child_of_secret.id) == []
        assert [person.name for person in jobs.owners(ann)] == ["ann"]
        assert not PastRunRepository(session).find_outputs(ann, ["a" * 64])
        assert PastRunRepository(session).find_outputs(bob, ["a" * 64])

        for job_id in hidden:
            assert not kept.set_starred(ann, job_id, True)
            assert not kept.set_note(ann, job_id, "seen")
            assert not kept.change_tags(ann, job_id, lambda _tags: ["seen"])
            assert not kept.trash(ann, job_id)
            assert not kept.restore(ann, job_id)
        session.expire_all()
        for job_id in hidden:
            job = jobs.get(bob, job_id)
            assert job is not None
            assert (job.starred, job.note, job.tags, job.deleted_at) == (False, "", [], None)


def test_timings_of_private_runs_name_nobody(database: Database) -> None:
    with database.write() as session:
        bob = make_actor(session, "bob")
        make_job(session, bob, visibility=Visibility.PRIVATE, record=make_record(run_s=3))
        [timing] = PastRunRepository(session).timings("cutout", "isnet")
        assert timing.seconds["run"] == 3
        assert "bob" not in repr(timing)
        assert "cat.jpg" not in repr(timing)


def test_blob_repository_gives_nothing_of_anothers_private_runs(database: Database) -> None:
    with database.write() as session:
        ann, bob = make_actor(session, "ann"), make_actor(session, "bob")
        admin = make_actor(session, "eve", Role.ADMIN)
        image, result = make_blob(session), make_blob(session)
        make_job(
            session, bob, visibility=Visibility.PRIVATE, image=image, outputs={"image": result}
        )
        blobs = BlobRepository(session)
        for sha256 in (image.sha256, result.sha256):
            assert blobs.readable_by(ann, sha256) is None
            assert blobs.readable_by(bob, sha256) is not None
            assert blobs.readable_by(admin, sha256) is not None


def test_drawing_of_anothers_picture_does_not_open_it(database: Database) -> None:
    with database.write() as session:
        ann, bob = make_actor(session, "ann"), make_actor(session, "bob")
        image = make_blob(session)
        make_job(session, bob, visibility=Visibility.PRIVATE, image=image)
        drawing = Drawing(owner_id=ann.id, blob_sha256=image.sha256, canvas="{}")
        drawing.canvas_width_px = drawing.canvas_height_px = 10
        session.add(drawing)
        session.flush()
        assert BlobRepository(session).readable_by(ann, image.sha256) is None


def test_audit_repository_gives_people_their_own_entries_and_admins_all(
    database: Database,
) -> None:
    with database.write() as session:
        ann, bob = make_actor(session, "ann"), make_actor(session, "bob")
        admin = make_actor(session, "eve", Role.ADMIN)
        audit = AuditRepository(session)
        for actor_id in (ann.id, bob.id, None):
            audit.record(actor_id, "session.open", str(uuid4()))
        assert [row.actor_name for row in audit.page(ann)] == ["ann"]
        assert [row.actor_name for row in audit.page(admin)] == [None, "bob", "ann"]
