"""Where files of people are read: in children that can be ended."""

from __future__ import annotations

import atexit
import os
from functools import lru_cache

from studio.confined.pool import ConfinedPool
from studio.imaging.confined import imaging_pool

_MOST_AT_ONCE = max(2, min(os.cpu_count() or 2, 4))
"""No more than processors, so that those who change pages need not wait for one; two in any case,
for one person has at most half of them."""
_MEMORY_BUDGET_BYTES = 3_000_000_000
"""One picture of 80 megapixels at a time, or four of 12."""
_ALL_MEMORY_BYTES = 2**63
"""Where one file is read at a time there is nothing to share out."""
_NICENESS = 10
"""A child gets a tenth of a processor that the pages, or a tool, want too."""


@lru_cache
def reading_pool() -> ConfinedPool:
    """Of the process that serves people; it starts with the first file, and ends with that one."""
    pool = imaging_pool(
        most_at_once=_MOST_AT_ONCE, memory_budget_bytes=_MEMORY_BUDGET_BYTES, niceness=_NICENESS
    )
    atexit.register(pool.close)
    return pool


@lru_cache
def decoding_pool() -> ConfinedPool:
    """Of a process that runs tools, so that a cancel frees it whatever is being read."""
    pool = imaging_pool(most_at_once=1, memory_budget_bytes=_ALL_MEMORY_BYTES)
    atexit.register(pool.close)
    return pool
