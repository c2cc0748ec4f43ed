"""Peak memory of one run inside a long-lived process."""

from __future__ import annotations

import resource
import sys
from dataclasses import dataclass
from pathlib import Path

_CLEAR_REFS = Path("/proc/self/clear_refs")
_STATUS = Path("/proc/self/status")
_RESET_PEAK = "5"


@dataclass(frozen=True, slots=True)
class PeakMemory:
    """Watches this process's resident memory from ``start`` on.

    Linux lets a process reset its own high-water mark. Elsewhere, and where that is
    forbidden, the peak is that of the whole process life so far.
    """

    was_reset: bool

    @classmethod
    def start(cls) -> PeakMemory:
        """Begin to watch."""
        try:
            _CLEAR_REFS.write_text(_RESET_PEAK, encoding="ascii")
        except OSError:
            return cls(was_reset=False)
        return cls(was_reset=True)

    def peak_bytes(self) -> int:
        """The largest resident size seen since the start, in bytes."""
        if self.was_reset:
            for line in _STATUS.read_text(encoding="ascii").splitlines():
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
