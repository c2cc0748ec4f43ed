from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import pytest
import scipy.linalg  # noqa: F401 — brings a BLAS of its own
from threadpoolctl import threadpool_info, threadpool_limits

from studio.models.threads import opencv_threads, steady_sums
from studio.settings import Settings


@pytest.fixture(autouse=True)
def same_threads_afterwards() -> Iterator[None]:
    threads = cv2.getNumThreads()
    yield
    cv2.setNumThreads(threads)


def blas_threads() -> list[int]:
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]


def test_steady_sums_leaves_every_blas_one_thread_and_gives_the_others_back() -> None:
    with threadpool_limits(limits=3, user_api="blas"):
        with steady_sums():
            assert set(blas_threads()) == {1}
        assert set(blas_threads()) == {3}


def test_steady_sums_measures_distances_the_same_on_one_core_and_on_five() -> None:
    mask = np.where(np.random.default_rng(1).random((700, 900)) > 0.9, np.uint8(255), np.uint8(0))
    distances = []
    for cores in (1, 5):
        cv2.setNumThreads(cores)
        with steady_sums():
            distances.append(
                cv2.distanceTransform(mask, cv2.DIST_L2, cv2.DIST_MASK_PRECISE).tobytes()
            )
    assert distances[0] == distances[1]


def test_opencv_threads_are_those_of_a_network_and_two_at_least() -> None:
    assert [opencv_threads(Settings(threads=count)) for count in (1, 2, 5)] == [2, 2, 5]
