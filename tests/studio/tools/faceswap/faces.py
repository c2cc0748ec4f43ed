"""The astronaut's face, measured once, so that no test of the steps needs a network."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from skimage import data

from studio.faces.face import Eye, Face, Points
from studio.faces.topology import LEFT_EYE, RIGHT_EYE
from studio.imaging.picture import Pixels
from studio.tools.faceswap.portrait import Portrait

_MESH = Path(__file__).with_name("astronaut_mesh.npy")
_SUBPIXELS = 16


@lru_cache
def astronaut() -> Portrait:
    """512 x 512 px, 62 px between the eyes."""
    mesh = np.load(_MESH).astype(np.float32) / _SUBPIXELS
    return Portrait(np.ascontiguousarray(data.astronaut()), make_face(mesh))


def make_face(mesh: Points, *, right_open: bool = True, left_open: bool = True) -> Face:
    left, top = mesh[:, :2].min(axis=0)
    right, bottom = mesh[:, :2].max(axis=0)
    return Face(
        box=(float(left), float(top), float(right), float(bottom)),
        score=0.9,
        mesh=mesh,
        mesh_score=0.99,
        right_eye=Eye(0.4 if right_open else 0.1, mesh[468 // 2, :2], right_open),
        left_eye=Eye(0.4 if left_open else 0.1, mesh[468 // 2, :2], left_open),
    )


def stranger() -> Portrait:
    """The astronaut as somebody else: another build of face, other skin, another light."""
    known = astronaut()
    mesh = known.face.mesh.copy()
    middle = mesh[:, 0].mean()
    mesh[:, 0] = middle + (mesh[:, 0] - middle) * 0.9
    height, width = known.pixels.shape[:2]
    across = np.tile((np.arange(width, dtype=np.float32) - middle) / 0.9 + middle, (height, 1))
    down = np.tile(np.arange(height, dtype=np.float32)[:, np.newaxis], (1, width))
    narrow = cv2.remap(known.pixels, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    tinted = narrow * np.array([0.62, 0.5, 0.42]) + 12
    return Portrait(np.clip(tinted, 0, 255).astype(np.uint8), make_face(mesh))


def enlarged(portrait: Portrait, factor: float) -> Portrait:
    """The same picture ``factor`` times as large."""
    height, width = portrait.pixels.shape[:2]
    size = (round(width * factor), round(height * factor))
    pixels: Pixels = np.asarray(
        cv2.resize(portrait.pixels, size, interpolation=cv2.INTER_CUBIC), np.uint8
    )
    return Portrait(pixels, make_face(portrait.face.mesh * np.float32(factor)))


def spectacled(*, is_dark: bool = False, has_bridge: bool = True) -> Portrait:
    """The astronaut with glasses drawn on: round ones of wire, or of dark glass."""
    known = astronaut()
    mesh = known.face.mesh[:, :2]
    pixels = known.pixels.copy()
    horn = (45, 40, 38)
    for lids in (RIGHT_EYE, LEFT_EYE):
        x, y = mesh[list(lids)].mean(axis=0).round().astype(int)
        cv2.ellipse(pixels, (int(x), int(y)), (15, 13), 0, 0, 360, horn, -1 if is_dark else 2)
    if has_bridge:
        right, left = ((int(x), int(y)) for x, y in mesh[[193, 417]].round())
        cv2.line(pixels, right, left, horn, 2)
    return Portrait(pixels, known.face)


def behind(portrait: Portrait, thing: str) -> tuple[Portrait, npt.NDArray[np.bool_]]:
    """The portrait with something drawn before it, and where that is.

    A red balloon before the left eye and cheek, a black microphone before mouth and chin, white
    paper up to the nose, green bars from the hair to the chin, or a blue hat down to the brows.
    """
    points = {number: portrait.face.mesh[number, :2].round().astype(int) for number in range(468)}
    eyes_px = portrait.face.eye_distance_px
    place = np.zeros(portrait.pixels.shape[:2], np.uint8)
    colour = {
        "balloon": (200, 20, 30),
        "microphone": (28, 28, 30),
        "paper": (245, 245, 245),
        "bars": (60, 120, 60),
        "hat": (30, 60, 150),
    }[thing]
    if thing == "paper":
        left, right = points[234][0], points[454][0]
        cv2.rectangle(place, (int(left), int(points[2][1])), (int(right), len(place)), 1, -1)
    elif thing == "bars":
        for x in np.linspace(points[127][0], points[356][0], 4).astype(int):
            top, bottom = (int(x), int(points[10][1]) - 20), (int(x), int(points[152][1]) + 5)
            cv2.line(place, top, bottom, 1, round(0.08 * eyes_px))
    else:
        middle, axes = {
            "balloon": (points[280] - (0, 4), (0.4, 0.45)),
            "microphone": (points[17], (0.24, 0.3)),
            "hat": (points[10], (1.3, (points[65][1] + 0.04 * eyes_px - points[10][1]) / eyes_px)),
        }[thing]
        radii = (round(axes[0] * eyes_px), round(axes[1] * eyes_px))
        cv2.ellipse(place, (int(middle[0]), int(middle[1])), radii, 0, 0, 360, 1, -1)
    pixels = portrait.pixels.copy()
    pixels[place > 0] = colour
    return Portrait(pixels, portrait.face), place > 0
