"""Faces and subject are stand-ins, so that no weights are needed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from studio.faces.topology import OVAL
from studio.imaging.picture import Pixels
from studio.models.cache import ModelCache
from studio.report import Report
from studio.tools.inpaint import people
from studio.tools.inpaint.holes import find_holes
from studio.tools.inpaint.people import People
from tests.words import said

SIDE_PX = 600
HEAD_X, HEAD_Y, FACE_PX = 150, 150, 40
BODY = np.s_[170:, 80:200]


class Installed:
    """A model cache that opens nothing that is not in ``ids``, and tells what it opened."""

    def __init__(self, *ids: str) -> None:
        self._ids = ids
        self.opened: list[str] = []

    def is_installed(self, model_id: str) -> bool:
        return model_id in self._ids

    def open(self, model_id: str, report: Report) -> None:
        assert model_id in self._ids
        self.opened.append(model_id)


FACES = ("blazeface-short", "blazeface-full", "facemesh", "iris-landmark")


def face_at(x: float, y: float, height_px: float, lean: float = 0.0) -> Any:
    """A face three quarters as wide as high, turned clockwise by ``lean`` radians."""
    angles = 2 * np.pi * np.arange(len(OVAL)) / len(OVAL)
    across, up = np.sin(angles) * height_px * 3 / 8, np.cos(angles) * height_px / 2
    mesh = np.zeros((468, 3), np.float32)
    mesh[list(OVAL), 0] = x + across * np.cos(lean) + up * np.sin(lean)
    mesh[list(OVAL), 1] = y + across * np.sin(lean) - up * np.cos(lean)
    return SimpleNamespace(mesh=mesh)


@pytest.fixture(autouse=True)
def found(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The faces that a search finds: one, on a body that reaches the picture's lower border."""
    faces = [face_at(HEAD_X, HEAD_Y, FACE_PX)]
    alpha = np.zeros((SIDE_PX, SIDE_PX), np.uint8)
    alpha[BODY] = 255
    monkeypatch.setattr(people, "find_faces", lambda *_: faces)
    monkeypatch.setattr(people, "predicted_alpha", lambda *_: alpha)
    return faces


def spared(
    models: Installed, x: int, y: int, radius_px: int, report: Report | None = None
) -> Pixels:
    """What is spared around a disc, at the size of the picture."""
    mask = np.zeros((SIDE_PX, SIDE_PX), np.uint8)
    cv2.circle(mask, (x, y), radius_px, 255, cv2.FILLED)
    (hole,), closed = find_holes(mask, np.zeros_like(mask))
    pixels = np.zeros((SIDE_PX, SIDE_PX, 3), np.uint8)
    cache: ModelCache = models  # type: ignore[assignment]
    told = People(pixels, cache, report or Report()).to_spare(hole, closed[hole.rows, hole.columns])
    whole = np.zeros_like(mask)
    whole[hole.rows, hole.columns] = told
    assert not whole[mask > 0].any()
    return whole


def test_people_near_a_hole_are_spared_with_their_heads_and_a_note() -> None:
    models, report = Installed(*FACES, "isnet"), Report()
    near = spared(models, 240, 160, 60, report)
    assert near[HEAD_Y, HEAD_X]
    assert near[HEAD_Y - 35, HEAD_X], "the hair"
    assert not near[HEAD_Y + 35, HEAD_X], "the chest"
    assert said(report.notes) == ["Heads nearby were not copied from."]
    assert models.opened == []


def test_people_beside_a_large_hole_are_spared_wholly() -> None:
    models, report = Installed(*FACES, "isnet"), Report()
    near = spared(models, 280, 200, 90, report)
    assert near[HEAD_Y, HEAD_X]
    assert near[280, 180], "the body"
    assert not near[200, 400], "the wall"
    assert models.opened == ["isnet"]
    assert said(report.notes) == ["People nearby were not copied from."]


def test_people_with_a_large_hole_in_their_clothes_keep_only_their_heads_apart() -> None:
    near = spared(Installed(*FACES, "isnet"), 150, 400, 70)
    assert not near[300:].any()


def test_people_on_both_sides_of_one_who_shall_go_are_spared_wholly(
    found: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd = np.zeros((SIDE_PX, SIDE_PX), np.uint8)
    crowd[:, 80:360] = 255
    monkeypatch.setattr(people, "predicted_alpha", lambda *_: crowd)
    found.append(face_at(270, 200, FACE_PX))
    near = spared(Installed(*FACES, "isnet"), 270, 210, 80)
    assert near[HEAD_Y, HEAD_X]
    assert near[300, 300], "the crowd"
    assert not near[200, 410], "the wall"


def test_people_with_a_hole_in_the_face_may_be_copied_from(found: list[Any]) -> None:
    found[:] = [face_at(300, 300, 250)]
    assert not spared(Installed(*FACES), 300, 320, 35).any()


def test_people_who_shall_go_themselves_are_no_reason_to_look_for_others() -> None:
    models, report = Installed(*FACES, "isnet"), Report()
    assert not spared(models, HEAD_X, HEAD_Y, 70, report).any()
    assert said(report.notes) == []
    assert models.opened == []


def test_people_near_a_small_hole_are_not_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def search(*_: object) -> list[Any]:
        raise AssertionError("nobody should be looked for")

    monkeypatch.setattr(people, "find_faces", search)
    assert not spared(Installed(*FACES, "isnet"), 200, 150, 25).any()


def test_people_without_the_networks_are_not_spared() -> None:
    assert not spared(Installed("blazeface-short", "isnet"), 280, 200, 90).any()


def test_people_without_the_matting_network_are_spared_with_their_heads() -> None:
    near = spared(Installed(*FACES), 280, 200, 90)
    assert near[HEAD_Y, HEAD_X]
    assert not near[280, 180]


def test_people_out_of_the_box_neither_matter_nor_are_noted() -> None:
    models, report = Installed(*FACES, "isnet"), Report()
    assert not spared(models, 500, 500, 70, report).any()
    assert said(report.notes) == []
    assert models.opened == []


def test_people_who_fill_the_surroundings_are_copied_from_but_for_their_heads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    alpha = np.full((SIDE_PX, SIDE_PX), 255, np.uint8)
    cv2.circle(alpha, (280, 200), 102, 0, cv2.FILLED)
    monkeypatch.setattr(people, "predicted_alpha", lambda *_: alpha)
    near = spared(Installed(*FACES, "isnet"), 280, 200, 90)
    assert near[HEAD_Y, HEAD_X]
    assert not near[280, 180]


@pytest.mark.parametrize("lean", [0.5, -0.5, 3.0])
def test_people_are_spared_with_the_hair_on_the_side_of_their_brow(
    found: list[Any], lean: float
) -> None:
    found[:] = [face_at(HEAD_X, HEAD_Y, FACE_PX, lean)]
    near = spared(Installed(*FACES), 240, 160, 60)
    up_x, up_y = np.sin(lean), -np.cos(lean)
    assert near[round(HEAD_Y + 35 * up_y), round(HEAD_X + 35 * up_x)]
    assert not near[round(HEAD_Y - 35 * up_y), round(HEAD_X - 35 * up_x)]
