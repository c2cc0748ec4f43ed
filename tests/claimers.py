"""A process that claims jobs until there are none, for tests of concurrent claims.

``python -m tests.claimers DATABASE_URL NAME`` says "ready", waits for a line, and prints
the id of each job it got.
"""

from __future__ import annotations

import sys
import time

from db.repositories.queue import QueueRepository
from db.session import Database
from db.types import Lane

WORK_S = 0.005
"""Spent on each job; without it one process would hold a SQLite file all the time."""


def main(url: str, name: str) -> None:
    """Claim until the lane is empty, finishing nothing."""
    database = Database(url)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    while True:
        with database.write() as session:
            claim = QueueRepository(session).claim(Lane.GPU, name, lease_s=60)
        if claim is None:
            return
        sys.stdout.write(f"{claim.job_id}\n")
        time.sleep(WORK_S)


if __name__ == "__main__":
    main(*sys.argv[1:])
