from __future__ import annotations

import numpy as np

from studio.faces.topology import OVAL
from studio.tools.faceswap.polygons import polygon
from studio.tools.faceswap.warp import fit_warp
from tests.studio.tools.faceswap.faces import astronaut


def test_fit_warp_of_a_mesh_onto_itself_leaves_each_pixel_where_it_is() -> None:
    me = astronaut()
    size = me.pixels.shape[1::-1]

    warp = fit_warp(me.face.mesh[:, :2], me.face.mesh[:, :2], me.face.mesh[:, 2], size)

    inside = polygon(size, me.face.mesh[list(OVAL), :2]) > 0.99
    y, x = np.indices(inside.shape)
    assert np.abs(warp.positions[inside] - np.stack([x, y], axis=-1)[inside]).max() < 0.5
    assert warp.reach[inside].min() > 0.98


def test_fit_warp_onto_slivers_takes_nothing_from_beyond_the_source_face() -> None:
    """Triangles seen from the side have maps that throw the pixels on their edges far away."""
    source = astronaut().face.mesh[:, :2]
    shape = source.copy()
    middle = shape[1, 0]
    is_left = shape[:, 0] > middle
    shape[is_left, 0] = middle + (shape[is_left, 0] - middle) * 0.001

    warp = fit_warp(source, shape, astronaut().face.mesh[:, 2], (512, 512))

    inside = polygon((512, 512), shape[list(OVAL)]) > 0.99
    taken = warp.positions[inside]
    assert (taken > source.min(axis=0) - 2).all()
    assert (taken < source.max(axis=0) + 2).all()


def test_fit_warp_reaches_only_the_half_that_a_turned_source_shows() -> None:
    shape = astronaut().face.mesh[:, :2]
    source = shape.copy()
    middle = source[1, 0]
    is_left = source[:, 0] > middle
    source[is_left, 0] = middle + (source[is_left, 0] - middle) * 0.1

    warp = fit_warp(source, shape, astronaut().face.mesh[:, 2], (512, 512))

    (right_x, right_y), (left_x, left_y) = shape[[50, 280]].round().astype(int)
    assert warp.reach[right_y, right_x] > 0.9
    assert warp.reach[left_y, left_x] < 0.2
