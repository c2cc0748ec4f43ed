"""Faces restored in place, by a stand-in network that inverts them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from studio.models.cache import Model
from studio.report import Report
from studio.tools.restoration import restore_faces
from tests.metrics import max_difference
from tests.studio.models.face_networks import (
    catalogue_contract,
    load,
    write_restorer,
)
from tests.studio.tools.faceswap.faces import astronaut


class OneModel:
    def __init__(self, model: Model) -> None:
        self._model = model

    def open(self, _model_id: str, _report: Report) -> Model:
        return self._model


def models_of(path: Path, model_id: str) -> OneModel:
    return OneModel(load(path, catalogue_contract(model_id)))


def test_restore_faces_inverts_the_face_and_nothing_else(tmp_path: Path) -> None:
    me = astronaut()
    models = models_of(write_restorer(tmp_path / "net.onnx"), "gfpgan-1.4")

    restored = restore_faces(me.pixels, [me.face], "net", 1.0, 0.5, models, Report())  # type: ignore[arg-type]

    x, y = me.face.mesh[50, :2].round().astype(int)
    cheek = (slice(y - 3, y + 4), slice(x - 3, x + 4))
    assert max_difference(restored[cheek], 255 - me.pixels[cheek]) <= 12
    assert np.array_equal(restored[260:], me.pixels[260:])
    assert np.array_equal(restored[:, :90], me.pixels[:, :90])


def test_restore_faces_with_a_faithful_network_changes_next_to_nothing(tmp_path: Path) -> None:
    """There and back through the crop, everything stays where it was."""
    me = astronaut()
    models = models_of(write_restorer(tmp_path / "net.onnx", has_weight=True), "codeformer")

    restored = restore_faces(me.pixels, [me.face], "net", 1.0, 1.0, models, Report())  # type: ignore[arg-type]

    assert np.abs(restored.astype(int) - me.pixels).mean() < 0.5


def test_restore_faces_without_faces_or_blend_gives_the_picture_back(tmp_path: Path) -> None:
    me = astronaut()
    models = models_of(write_restorer(tmp_path / "net.onnx"), "gfpgan-1.4")

    nobody = restore_faces(me.pixels, [], "net", 1.0, 0.5, models, Report())  # type: ignore[arg-type]
    faint = restore_faces(me.pixels, [me.face], "net", 0.0, 0.5, models, Report())  # type: ignore[arg-type]

    assert np.array_equal(nobody, me.pixels)
    assert np.array_equal(faint, me.pixels)
