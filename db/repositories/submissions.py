"""Runs as they are submitted: all that is known of them before they are queued."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.orm import Session

from db.models import Batch, Job, JobInput
from db.repositories.history import search_text
from db.states import JobState
from db.types import Lane, Origin, Visibility, new_id


@dataclass(frozen=True, slots=True, kw_only=True)
class NewInput:
    """A stored file that a new run reads.

    ``is_taken_over``: nobody gave it; an earlier run made it, without having been given one.
    """

    role: str
    blob_sha256: str
    file_name: str
    position: int = 0
    is_taken_over: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NewNeed:
    """A file that another run is to make, and the input that it becomes.

    Positions count files of the same role.
    """

    job_id: UUID
    output_role: str
    role: str
    output_position: int = 0
    position: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class NewJob:
    """All that a run needs to be queued. Params are those of the tool, as JSON.

    Attributes:
        method: the model or built-in method among the params that does the work.
        main_role: of the input that it works on.
        needs: what it waits for before it is queued.
        serves_id: the run this is a step of, which hides it from lists.
        id: named by who needs it, or is served by it, in the same request.
        title: of a run that has no file yet; else it is that of the first.

    """

    owner_id: UUID
    tool: str
    method: str
    params: dict[str, Any]
    params_version: int
    main_role: str
    lane: Lane
    inputs: Sequence[NewInput]
    batch: Batch | None = None
    parent_id: UUID | None = None
    origin: Origin | None = None
    visibility: Visibility = Visibility.TEAM
    priority: int = 0
    needs: Sequence[NewNeed] = ()
    serves_id: UUID | None = None
    id: UUID = field(default_factory=new_id)
    title: str = ""


class SubmissionRepository:
    """Adds runs and batches. Flushes, never commits."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add_batch(self, *, owner_id: UUID, name: str, tool: str, params: dict[str, Any]) -> Batch:
        """A group for jobs that are submitted together."""
        batch = Batch(owner_id=owner_id, name=name, tool=tool, params=params)
        self._session.add(batch)
        self._session.flush()
        return batch

    def add_all(self, new_jobs: Sequence[NewJob]) -> None:
        """Runs with their inputs, whose blobs must exist; each titled after its first file.

        Those with needs wait, the others are queued. Each follows the parent it names.
        """
        self._session.execute(insert(Job), [_job_row(new) for new in new_jobs])
        files = [row for new in new_jobs for row in _input_rows(new)]
        if files:
            self._session.execute(insert(JobInput), files)


def _job_row(new: NewJob) -> dict[str, Any]:
    title = new.title or (new.inputs[0].file_name if new.inputs else "")
    batch_name = new.batch.name if new.batch else ""
    return {
        "id": new.id,
        "owner_id": new.owner_id,
        "tool": new.tool,
        "model": new.method,
        "params": new.params,
        "params_version": new.params_version,
        "main_role": new.main_role,
        "state": JobState.WAITING if new.needs else JobState.QUEUED,
        "lane": new.lane,
        "batch_id": new.batch.id if new.batch else None,
        "parent_id": new.parent_id,
        "origin": new.origin,
        "serves_id": new.serves_id,
        "visibility": new.visibility,
        "priority": new.priority,
        "title": title,
        "search_text": search_text(title, new.method, batch_name),
    }


def _input_rows(new: NewJob) -> list[dict[str, Any]]:
    return [
        {
            "job_id": new.id,
            "role": item.role,
            "blob_sha256": item.blob_sha256,
            "file_name": item.file_name,
            "position": item.position,
            "is_taken_over": item.is_taken_over,
        }
        for item in new.inputs
    ]
