"""What people gave a run in place of what its tool makes, as a mask that was touched up."""

from __future__ import annotations

from collections.abc import Collection

from app.runs.reading import find_input
from db.models import Job, JobInput


def given_in_place(job: Job, role: str) -> JobInput | None:
    """The input that somebody gave ``job`` as ``role``, which its tool else makes itself.

    None where it had none, or one that was taken over from an earlier run.
    """
    given = find_input(job, role)
    return None if given is None or given.is_taken_over else given


def made_by_itself(job: Job, roles: Collection[str]) -> Collection[str]:
    """Those of ``roles`` in which what ``job`` made goes back to nothing that somebody gave.

    So a run that gets it has taken it over.
    """
    return [role for role in roles if given_in_place(job, role) is None]
