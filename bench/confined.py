"""What it costs to decode a photograph in a child of its own, against decoding it in process."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from time import perf_counter

from PIL import Image
from skimage import data

from bench.measuring import interleaved, tell
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
            seconds = interleaved(
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
                },
                _ROUNDS,
            )
    finally:
        pool.close()
    for step, step_s in seconds.items():
        tell(f"{step:24} {step_s:6.3f} s   {step_s / seconds['in process']:.3f}")
    if seconds["in a child"] > BAR * seconds["in process"]:
        raise SystemExit(f"Decoding in a child takes more than {BAR} times as long.")


if __name__ == "__main__":
    main()
