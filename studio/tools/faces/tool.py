"""Faces: where they are, which way they look, and a mask of them for other tools."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np

from studio.faces.face import Face
from studio.faces.find import search_faces
from studio.faces.refuse import why_none
from studio.faces.regions import region_of
from studio.faces.topology import OVAL
from studio.imaging.picture import Pixels
from studio.imaging.surroundings import visible_pixels
from studio.params import FacesParams, ToolParams
from studio.report import Report
from studio.tools.spec import ToolInputs, ToolOutput
from studio.words import Message, msg

if TYPE_CHECKING:
    from studio.models.cache import ModelCache

_TOLD_YAW = 0.25
"""Heads turned less look ahead."""
_SUBPIXEL_BITS = 4
_LINE = (255, 255, 255)
_RIM = (32, 32, 32)
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_FONT_PX = 22
"""Height of that font's digits at scale 1."""


def run(
    inputs: ToolInputs, params: ToolParams, models: ModelCache, report: Report
) -> list[ToolOutput]:
    """Find the faces of "image"; one region of the record each, left to right.

    Args:
        inputs: "image".
        params: ``FacesParams``.
        models: opens the detectors, the mesh and the iris network.
        report: a region a face, labelled with its number; a note says why there is none.

    Returns:
        "image" with numbered boxes, and "mask", opaque inside the faces' ovals.

    Raises:
        ModelUnavailableError: a network is not installed.

    """
    if not isinstance(params, FacesParams):
        raise TypeError("faces takes FacesParams")
    picture = inputs["image"]
    pixels = visible_pixels(picture)
    search = search_faces(pixels, models, report)
    for number, face in enumerate(search.faces, 1):
        report.mark(region_of(face, pixels, number, describe(face)))
    if not search.faces:
        absence = why_none(search, pixels)
        report.note(
            msg(
                "No face was found: {reason}. {remedy}",
                reason=absence.reason,
                remedy=absence.remedy,
            )
        )
    drawn = draw_numbers(picture.pixels, search.faces)
    mask = oval_mask(search.faces, picture.width, picture.height)
    return [
        ToolOutput("image", picture.with_pixels(drawn, picture.alpha)),
        ToolOutput("mask", picture.with_pixels(picture.pixels, mask)),
    ]


def describe(face: Face) -> Message:
    """What matters of a face besides its place, empty when it looks ahead with open eyes."""
    facts = []
    if abs(face.yaw) >= _TOLD_YAW:
        facts.append(
            msg("turned {yaw:.2f} right", yaw=abs(face.yaw))
            if face.yaw > 0
            else msg("turned {yaw:.2f} left", yaw=abs(face.yaw))
        )
    if not (face.right_eye.is_open or face.left_eye.is_open):
        facts.append(msg("eyes closed"))
    elif not (face.right_eye.is_open and face.left_eye.is_open):
        facts.append(msg("one eye closed"))
    return msg("{turn}, {eyes}", turn=facts[0], eyes=facts[1]) if len(facts) > 1 else _only(facts)


def _only(facts: Sequence[Message]) -> Message:
    return facts[0] if facts else Message("")


def oval_mask(faces: Sequence[Face], width_px: int, height_px: int) -> Pixels:
    """``uint8 (height, width)``, 255 inside the outline of any face."""
    mask = np.zeros((height_px, width_px), np.uint8)
    for face in faces:
        outline = np.round(face.mesh[list(OVAL), :2] * 2**_SUBPIXEL_BITS).astype(np.int32)
        cv2.fillPoly(mask, [outline], 255, cv2.LINE_AA, _SUBPIXEL_BITS)
    return mask


def draw_numbers(pixels: Pixels, faces: Sequence[Face]) -> Pixels:
    """A copy with a thin box and a number, from 1, at each face."""
    drawn = pixels.copy()
    line_px = max(1, round(max(pixels.shape[:2]) / 640))
    for number, face in enumerate(faces, 1):
        flat = face.mesh[:, :2]
        low, high = np.floor(flat.min(axis=0)).astype(int), np.ceil(flat.max(axis=0)).astype(int)
        for colour, width_px in ((_RIM, line_px + 2), (_LINE, line_px)):
            cv2.rectangle(drawn, low.tolist(), high.tolist(), colour, width_px, cv2.LINE_AA)
        _draw_number(drawn, str(number), low, high, line_px)
    return drawn


def _draw_number(
    drawn: Pixels, number: str, low: np.ndarray, high: np.ndarray, line_px: int
) -> None:
    """A tag on the upper left corner of a box; inside where the picture ends above it."""
    digits_px = float(np.clip((high[1] - low[1]) / 8, 8, 14 * line_px))
    scale = digits_px / _FONT_PX
    (width, height), _ = cv2.getTextSize(number, _FONT, scale, line_px)
    pad = round(digits_px / 2)
    left, top = int(max(low[0], 0)), int(low[1]) - height - 2 * pad
    top = top if top >= 0 else int(max(low[1], 0))
    tag = (left + width + 2 * pad, top + height + 2 * pad)
    cv2.rectangle(drawn, (left, top), tag, _LINE, cv2.FILLED)
    place = (left + pad, top + pad + height)
    cv2.putText(drawn, number, place, _FONT, scale, _RIM, line_px, cv2.LINE_AA)
