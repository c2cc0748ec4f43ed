"""Rows for tests and benchmarks, with sensible values for whatever a caller does not name."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import count
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import insert
from sqlalchemy.orm import Session

from db.actor import Actor
from db.models import Blob, Job, JobInput, JobOutput, User
from db.repositories.jobs import with_files
from db.repositories.submissions import NewInput, NewJob, SubmissionRepository
from db.session import Database
from db.states import JobState
from db.types import Lane, Role, Visibility, utc_now
from studio.tools.registry import TOOLS
from studio.words import msg

_numbers = count(1)
_BULK_ROWS = 2_000


def make_user(session: Session, name: str | None = None, role: Role = Role.MEMBER) -> User:
    """An account that cannot sign in: its hash is of no password."""
    user = User(name=name or f"person{next(_numbers)}", role=role, password_hash="none")
    session.add(user)
    session.flush()
    return user


def actor_of(user: User) -> Actor:
    """The person on whose behalf a test asks."""
    return Actor(user.id, user.name, user.role, user.locale)


def make_actor(session: Session, name: str | None = None, role: Role = Role.MEMBER) -> Actor:
    """A new account, as the person who asks."""
    return actor_of(make_user(session, name, role))


def make_blob(session: Session, content: bytes | None = None, **columns: Any) -> Blob:
    """The row of a stored file; its bytes are nowhere."""
    content = content or uuid4().bytes
    values = {"media_type": "image/png", "width_px": 640, "height_px": 480}
    blob = Blob(
        sha256=sha256(content).hexdigest(), size_bytes=len(content), **{**values, **columns}
    )
    session.add(blob)
    session.flush()
    return blob


def make_job(
    session: Session,
    owner: User | Actor,
    *,
    state: JobState = JobState.SUCCEEDED,
    tool: str = "cutout",
    params: dict[str, Any] | None = None,
    file_name: str = "cat.jpg",
    image: Blob | None = None,
    outputs: Mapping[str, Blob] | None = None,
    reuse_key: str | None = None,
    visibility: Visibility = Visibility.TEAM,
    main_role: str = "image",
    **columns: Any,
) -> Job:
    """A run in ``state`` with one input, submitted as the studio does it.

    ``outputs`` maps roles to blobs, of which all but the result get ``reuse_key``; any other
    column of ``Job`` may be named too.
    """
    image = image or make_blob(session)
    new = NewJob(
        owner_id=owner.id,
        tool=tool,
        method=str((params or {}).get("model", "isnet")),
        params=params or {"model": "isnet"},
        params_version=1,
        main_role=main_role,
        lane=columns.pop("lane", Lane.GPU),
        inputs=[NewInput(role=main_role, blob_sha256=image.sha256, file_name=file_name)],
        visibility=visibility,
    )
    SubmissionRepository(session).add_all([new])
    job = session.get_one(Job, new.id, options=with_files())
    job.state = state
    for name, value in (_columns_of(state, job.queued_at) | columns).items():
        setattr(job, name, value)
    for role, blob in (outputs or {}).items():
        session.add(
            JobOutput(
                job_id=job.id,
                role=role,
                blob_sha256=blob.sha256,
                file_name=f"{role}.png",
                reuse_key=None if role == "image" else reuse_key,
            )
        )
    session.flush()
    return job


def make_new_job(owner_id: UUID, sha256: str, **values: Any) -> NewJob:
    """What goes into the queue: an upscale of one file, or what ``values`` say."""
    job = NewJob(
        owner_id=owner_id,
        tool="upscale",
        method="interpolation",
        params={"model": "interpolation"},
        params_version=1,
        main_role="image",
        lane=Lane.CPU,
        inputs=[NewInput(role="image", blob_sha256=sha256, file_name="cat.png")],
    )
    return replace(job, **values)


def load_job(database: Database, job_id: UUID) -> Job:
    """A run as it stands in the database, with its files, whoever owns it."""
    with database.read() as session:
        return session.get_one(Job, job_id, options=with_files())


def make_record(
    *,
    run_s: float = 1.5,
    weights_sha256: str | None = "0" * 64,
    tool_version: int = TOOLS["cutout"].version,
) -> dict[str, Any]:
    """The run record of a finished job."""
    weight = {
        "id": "isnet",
        "sha256": weights_sha256,
        "runtime": "onnxruntime",
        "device": "cpu",
        "precision": "fp32",
        "was_warm": True,
    }
    return {
        "studio_version": "0.1.0",
        "tool_version": tool_version,
        "weights": [weight] if weights_sha256 else [],
        "libraries": {"numpy": "2.4.0", "onnxruntime": "1.31.0", "pillow": "13.0.0"},
        "device": "cpu",
        "seconds": {"decode": 0.05, "load": 0.0, "run": run_s, "encode": 0.2},
        "input_megapixels": 0.31,
        "peak_memory_bytes": 900_000_000,
        "notes": [],
    }


def fill_history(session: Session, owners: list[User], runs: int, seed: int = 0) -> None:
    """Add ``runs`` finished runs of the last year, with files, unevenly spread over ``owners``.

    Most are team runs that succeeded; some are private, failed, starred or in the trash.
    """
    chance = random.Random(seed)
    blobs = [make_blob(session).sha256 for _ in range(200)]
    weights = [1 / (rank + 1) for rank in range(len(owners))]
    start = datetime.now(UTC) - timedelta(days=365)
    step = timedelta(days=364) / runs
    for first in range(0, runs, _BULK_ROWS):
        numbers = range(first, min(first + _BULK_ROWS, runs))
        jobs = [
            _past_run(chance, chance.choices(owners, weights)[0], start + step * number, number)
            for number in numbers
        ]
        session.execute(insert(Job), jobs)
        session.execute(insert(JobInput), [_file(job, "image", chance, blobs) for job in jobs])
        made = [job for job in jobs if job["state"] is JobState.SUCCEEDED]
        for role in ("image", "alpha"):
            session.execute(insert(JobOutput), [_file(job, role, chance, blobs) for job in made])


def _columns_of(state: JobState, queued_at: datetime) -> dict[str, Any]:
    if state is JobState.QUEUED:
        return {}
    columns: dict[str, Any] = {"attempt": 1, "started_at": queued_at + timedelta(seconds=1)}
    if state is JobState.RUNNING:
        return columns | {"worker": "w", "lease_expires_at": utc_now() + timedelta(seconds=30)}
    columns["finished_at"] = queued_at + timedelta(seconds=4)
    if state is JobState.SUCCEEDED:
        columns |= {"record": make_record(), "progress": 1.0}
    if state is JobState.FAILED:
        columns |= {
            "error_code": "input",
            "error_message": msg("cat.jpg: It is empty. Save it again."),
        }
    return columns


def _past_run(chance: random.Random, owner: User, at: datetime, number: int) -> dict[str, Any]:
    state = chance.choices((JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED), (95, 4, 1))[0]
    tool, model = chance.choice((("cutout", "isnet"), ("upscale", "realesr-animevideov3")))
    title = f"IMG_{number:06d} {chance.choice(_SUBJECTS)} in the {chance.choice(_PLACES)}.jpg"
    return {
        "error_code": None,
        "error_message": None,
        "record": None,
        "progress": 0.4,
        **_columns_of(state, at),
        "id": _id_at(at, chance),
        "owner_id": owner.id,
        "tool": tool,
        "model": model,
        "params": {"tool": tool, "model": model, "format": "png", "quality": 90, "crop": False},
        "params_version": 1,
        "main_role": "image",
        "title": title,
        "state": state,
        "lane": Lane.GPU,
        "queued_at": at,
        "visibility": chance.choices((Visibility.TEAM, Visibility.PRIVATE), (9, 1))[0],
        "starred": chance.random() < 0.01,
        "deleted_at": at + timedelta(hours=1) if chance.random() < 0.02 else None,
        "search_text": f"{title} {model} summer campaign".casefold(),
    }


def _file(
    job: dict[str, Any], role: str, chance: random.Random, blobs: list[str]
) -> dict[str, Any]:
    return {
        "job_id": job["id"],
        "role": role,
        "blob_sha256": chance.choice(blobs),
        "file_name": job["title"],
    }


def _id_at(at: datetime, chance: random.Random) -> UUID:
    """A UUIDv7 as it would have been made at that time."""
    milliseconds = int(at.timestamp() * 1000)
    return UUID(
        int=milliseconds << 80
        | 0x7 << 76
        | chance.getrandbits(12) << 64
        | 0b10 << 62
        | chance.getrandbits(62)
    )


_SUBJECTS = ("portrait", "bride", "sneaker", "golden retriever", "handbag", "watch", "armchair")
_PLACES = ("park", "studio", "old town", "garden", "kitchen", "rain", "evening sun")
