"""Faces for drawing tests, without a detector."""

from __future__ import annotations

import numpy as np

from studio.faces.topology import INNER_MOUTH, LIPS, OVAL
from studio.tools.cartoon.features import BROWS, EYES, JAW, MOUTH_LINE, NOSE, NOSE_BASE, Features


def ring(count: int, centre: tuple[float, float], radii: tuple[float, float]) -> np.ndarray:
    """Points on an ellipse, the first to the left, the one half way to the right."""
    angles = np.pi + np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.stack([np.cos(angles) * radii[0], np.sin(angles) * radii[1]], 1) + centre


def make_face(
    *,
    centre: tuple[float, float] = (100, 100),
    size_px: float = 80,
    right_is_open: bool = True,
    left_is_open: bool = True,
    yaw: float = 0.0,
) -> Features:
    """A schematic face whose eyes are where a person's would be, ``size_px`` between them."""
    points = np.zeros((468, 2), np.float32)
    parts = [
        (OVAL, (0, 0.15), (0.8, 1.05)),
        (LIPS, (0, 0.65), (0.28, 0.13)),
        (INNER_MOUTH, (0, 0.65), (0.2, 0.05)),
        (NOSE, (0, 0.2), (0.12, 0.3)),
        (BROWS[0], (-0.33, -0.22), (0.2, 0.04)),
        (BROWS[1], (0.33, -0.22), (0.2, 0.04)),
        (EYES[0], (-0.34, 0), (0.16, 0.07)),
    ]
    for numbers, middle, radii in parts:
        points[list(numbers)] = ring(len(numbers), middle, radii)
    # The left eye's outer corner is on the other side.
    points[list(EYES[1])] = ring(len(EYES[1]), (0.34, 0), (0.16, 0.07)) * [-1, 1] + [0.68, 0]
    for numbers, y, half in ((MOUTH_LINE, 0.65, 0.2), (NOSE_BASE, 0.42, 0.1), (JAW, 1.1, 0.5)):
        points[list(numbers), 0] = np.linspace(-half, half, len(numbers))
        points[list(numbers), 1] = y
    points = (points * size_px + centre).astype(np.float32)
    irises = tuple(
        np.array([centre[0] + sign * 0.34 * size_px, centre[1]], np.float32) for sign in (-1, 1)
    )
    return Features(points, irises, (right_is_open, left_is_open), yaw)
