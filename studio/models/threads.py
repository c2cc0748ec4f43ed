"""Threads of the numeric libraries, kept so that no pixel depends on the number of cores.

ADR 28 lists what each library does with its threads, and how that was found.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import cv2
from threadpoolctl import threadpool_limits

from studio.models.runtime import threads_for
from studio.settings import Settings

STEADY_THREADS = 4
"""The same on every machine, for networks that split their sums among their threads: all of
PyTorch's, and those of ONNX Runtime that are not steady (``steady_graphs``)."""

_LEAST_OPENCV_THREADS = 2
"""With one thread OpenCV hands some filters to Intel's library, which rounds otherwise; from two on
it only shares out rows."""


def opencv_threads(settings: Settings) -> int:
    """Threads of a network that OpenCV runs, at least two."""
    return max(_LEAST_OPENCV_THREADS, threads_for(settings))


@contextmanager
def steady_sums() -> Iterator[None]:
    """While it is entered, numpy, scipy and OpenCV add in the same order on every machine.

    For the whole process: BLAS gets one thread, as it splits a sum among those it has, and OpenCV
    two at least, also afterwards. Libraries loaded later are not reached; networks keep theirs.
    """
    cv2.setNumThreads(max(_LEAST_OPENCV_THREADS, cv2.getNumThreads()))
    with threadpool_limits(limits=1, user_api="blas"):
        yield
