from __future__ import annotations

import numpy as np

from studio.faces.topology import (
    INNER_MOUTH,
    LEFT_BROW,
    LEFT_EYE,
    LIPS,
    OVAL,
    RIGHT_BROW,
    RIGHT_EYE,
    SYMMETRY,
    TRIANGLES,
)


def test_triangles_use_every_point_and_none_beyond() -> None:
    assert TRIANGLES.shape == (898, 3)
    assert set(TRIANGLES.ravel().tolist()) == set(range(468))


def test_symmetry_is_its_own_inverse() -> None:
    assert np.array_equal(SYMMETRY[SYMMETRY], np.arange(468))


def test_outlines_mirror_onto_each_other() -> None:
    for one, other in (
        (RIGHT_EYE, LEFT_EYE),
        (RIGHT_BROW, LEFT_BROW),
        (OVAL, OVAL),
        (LIPS, LIPS),
        (INNER_MOUTH, INNER_MOUTH),
    ):
        assert set(SYMMETRY[list(one)].tolist()) == set(other)
        assert len(set(one)) == len(one)
