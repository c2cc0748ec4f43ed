"""What it costs to decode a photograph in a child of its own, against decoding it in process."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter

from PIL import Image
from skimage import data

from studio.imaging.confined import decode_confined, imaging_pool
from studio.imaging.decode import Limits, decode
from studio.settings import get_settings

BAR = 1.15
_CAMERA_SIZE = (4000, 3000)
_ROUNDS = 9
_ALL_MEMORY_BYTES = 2**63


def main() -> None:
    """Print seconds and their ratio, rounds interleaved; fails beyond the bar."""
    limits = Limits.from_settings(get_settings())
    pool = imaging_pool(most_at_once=1, memory_budget_bytes=_ALL_MEMORY_BYTES)
    pool.start()
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "camera.jpg"
            Image.fromarray(data.astronaut()).resize(_CAMERA_SIZE).save(path, quality=90)
            seconds = _interleaved(
                {
                    "in process": lambda: decode(
                        path.read_bytes(), file_name=path.name, limits=limits
                    ),
                    "in a child": partial(
                        decode_confined, pool, path, file_name=path.name, limits=limits
                    ),
                    "an empty call": partial(
                        pool.run, perf_counter, time_limit_s=30, memory_limit_bytes=10**9
                    ),
                }
            )
    finally:
        pool.close()
    for step, step_s in seconds.items():
        sys.stdout.write(f"{step:24} {step_s:6.3f} s   {step_s / seconds['in process']:.3f}\n")
    if seconds["in a child"] > BAR * seconds["in process"]:
        raise SystemExit(f"Decoding in a child takes more than {BAR} times as long.")


def _interleaved(steps: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """Median seconds of each step, after one round that warms up."""
    seconds: dict[str, list[float]] = {step: [] for step in steps}
    for _ in range(_ROUNDS + 1):
        for step, run in steps.items():
            started_s = perf_counter()
            run()
            seconds[step].append(perf_counter() - started_s)
    return {step: median(times[1:]) for step, times in seconds.items()}


if __name__ == "__main__":
    main()
