from __future__ import annotations

import numpy as np

from studio.faces.topology import OVAL
from studio.tools.swapping.polygons import polygon
from studio.tools.swapping.warp import fit_warp
from tests.studio.tools.swapping.faces import astronaut


def test_fit_warp_of_a_mesh_onto_itself_leaves_each_pixel_where_it_is() -> None:
    me = astronaut()
    size = me.pixels.shape[1::-1]

    warp = fit_warp(me.face.mesh[:, :2], me.face.mesh[:, :2], me.face.mesh[:, 2], size)

    inside = polygon(size, me.face.mesh[list(OVAL), :2]) > 0.99
    y, x = np.indices(inside.shape)
    assert np.abs(warp.direct[inside] - np.stack([x, y], axis=-1)[inside]).max() < 0.5
    assert warp.mirrored is None


def test_fit_warp_onto_slivers_takes_nothing_from_beyond_the_source_face() -> None:
    """Triangles seen from the side have maps that throw the pixels on their edges far away."""
    source = astronaut().face.mesh[:, :2]
    shape = source.copy()
    middle = shape[1, 0]
    is_left = shape[:, 0] > middle
    shape[is_left, 0] = middle + (shape[is_left, 0] - middle) * 0.001

    warp = fit_warp(source, shape, astronaut().face.mesh[:, 2], (512, 512))

    inside = polygon((512, 512), shape[list(OVAL)]) > 0.99
    taken = warp.direct[inside]
    assert (taken > source.min(axis=0) - 2).all()
    assert (taken < source.max(axis=0) + 2).all()
