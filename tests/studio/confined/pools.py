"""Pools of confined children, as tests ask them for something."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import TypeVar

import psutil

from studio.confined.pool import ConfinedPool

Result = TypeVar("Result")

LONG_S = 120.0
MUCH_BYTES = 500_000_000


def pool_of(most_at_once: int = 1) -> ConfinedPool:
    return ConfinedPool(
        preload=["tests.studio.confined.work"],
        most_at_once=most_at_once,
        memory_budget_bytes=most_at_once * MUCH_BYTES,
    )


def run(
    pool: ConfinedPool,
    call: Callable[[], Result],
    *,
    time_limit_s: float = LONG_S,
    owner: Hashable = None,
    check: Callable[[], object] = lambda: None,
) -> Result:
    return pool.run(
        call,
        time_limit_s=time_limit_s,
        memory_limit_bytes=MUCH_BYTES,
        owner=owner,
        check=check,
    )


def nursery_of(pool: ConfinedPool) -> psutil.Process:
    """The process the pool forks its children from: the parent of one of them."""
    return psutil.Process(run(pool, os.getppid))


def wait_for(note: Path) -> None:
    while not (note.exists() and note.read_text(encoding="utf-8")):
        time.sleep(0.01)


def wait_until_gone(pid: int) -> None:
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.01)
