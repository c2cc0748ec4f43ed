"""Lines that follow the flow of a picture.

Flow-based difference of Gaussians: Kang, Lee and Chui, Coherent Line Drawing, 2007, with the
smoothed structure tensor of Kyprianidis and Kang, 2011, in place of their iterated field.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, exp

import cv2
import numpy as np

from studio.tools.cartoon.filters import Floats, blurred, clipped, grid, resized, sampled

_LARGEST_SIDE_PX = 1280
_REDUCED_SIDE_PX = 1152
"""Pictures longer than the first get their lines at the second: strokes have no finer detail."""
_CRISPNESS = 1.7
_SURROUND = 1.6
"""Width of the outer Gaussian over that of the inner."""
_BALANCE = 0.985
"""Weight of the outer Gaussian; below 1, even areas stay free of ink."""
_LEAST = 1e-9


@dataclass(frozen=True, slots=True)
class Pen:
    """What lines to look for.

    Attributes:
        width_px: of the inner Gaussian across the line.
        length_px: of the Gaussian along it.
        flow_px: over which the direction is averaged.
        threshold: of the response, which is below 0 on lines; lower draws fewer.
        hardness: how fast ink fills beyond the threshold.

    """

    width_px: float
    length_px: float
    flow_px: float
    threshold: float
    hardness: float

    def scaled(self, factor: float) -> Pen:
        """The same pen on a picture ``factor`` times as large."""
        return Pen(
            self.width_px * factor,
            self.length_px * factor,
            self.flow_px * factor,
            self.threshold,
            self.hardness,
        )


def draw_lines(light: Floats, pen: Pen) -> Floats:
    """Ink, ``float32 (H, W)``, 1 on lines and 0 off them.

    Args:
        light: lightness ``float32 (H, W)``, 0 to 1.
        pen: sized for this picture.

    """
    height, width = light.shape
    longest = max(height, width)
    if longest > _LARGEST_SIDE_PX:
        factor = _REDUCED_SIDE_PX / longest
        small = resized(light, max(round(width * factor), 1), max(round(height * factor), 1))
        ink = resized(draw_lines(small, pen.scaled(factor)), width, height)
        return clipped((ink - 0.5) * np.float32(_CRISPNESS) + 0.5)
    response = _response(np.ascontiguousarray(light, np.float32), pen)
    return clipped(-np.tanh(np.float32(pen.hardness) * (response - pen.threshold)))


def _response(light: Floats, pen: Pen) -> Floats:
    across_x, across_y = _gradient_direction(light, pen.flow_px)
    difference = _across(light, across_x, across_y, pen)
    return _along(difference, -across_y, across_x, pen)


def _gradient_direction(light: Floats, flow_px: float) -> tuple[Floats, Floats]:
    """Unit vectors across the lines, from the averaged structure tensor."""
    x = np.asarray(cv2.Scharr(light, cv2.CV_32F, 1, 0), np.float32) / 16
    y = np.asarray(cv2.Scharr(light, cv2.CV_32F, 0, 1), np.float32) / 16
    xx, xy, yy = (blurred(product, flow_px) for product in (x * x, x * y, y * y))
    major = (xx + yy + np.sqrt(np.square(xx - yy) + 4 * xy * xy)) / 2
    across_x, across_y = xy, major - xx
    is_axial = np.abs(across_x) + np.abs(across_y) < _LEAST
    is_sideways = xx >= yy
    across_x = np.where(is_axial, is_sideways.astype(np.float32), across_x)
    across_y = np.where(is_axial, (~is_sideways).astype(np.float32), across_y)
    length = np.hypot(across_x, across_y) + np.float32(_LEAST)
    return across_x / length, across_y / length


def _across(light: Floats, across_x: Floats, across_y: Floats, pen: Pen) -> Floats:
    """Inner less outer Gaussian, one-dimensional, across the flow."""
    x, y = grid(*light.shape)
    outer_px = pen.width_px * _SURROUND
    inner, outer = np.zeros_like(light), np.zeros_like(light)
    inner_sum = outer_sum = 0.0
    reach_px = ceil(2 * outer_px)
    for step in range(-reach_px, reach_px + 1):
        value = sampled(light, x + across_x * np.float32(step), y + across_y * np.float32(step))
        inner_weight = exp(-step * step / 2 / pen.width_px**2)
        outer_weight = exp(-step * step / 2 / outer_px**2)
        inner += np.float32(inner_weight) * value
        outer += np.float32(outer_weight) * value
        inner_sum, outer_sum = inner_sum + inner_weight, outer_sum + outer_weight
    return inner / np.float32(inner_sum) - outer * np.float32(_BALANCE / outer_sum)


def _along(difference: Floats, flow_x: Floats, flow_y: Floats, pen: Pen) -> Floats:
    """Gaussian mean of ``difference`` over the line of flow through each pixel."""
    total = difference.copy()
    weights = 1.0
    reach_px = ceil(2 * pen.length_px)
    for sign in (-1, 1):
        x, y = grid(*difference.shape)
        step_x, step_y = flow_x * np.float32(sign), flow_y * np.float32(sign)
        for step in range(1, reach_px + 1):
            x += step_x
            y += step_y
            weight = exp(-step * step / 2 / pen.length_px**2)
            total += np.float32(weight) * sampled(difference, x, y)
            weights += weight
            if step < reach_px:
                step_x, step_y = _onwards(flow_x, flow_y, x, y, step_x, step_y)
    return total / np.float32(weights)


def _onwards(
    flow_x: Floats, flow_y: Floats, x: Floats, y: Floats, step_x: Floats, step_y: Floats
) -> tuple[Floats, Floats]:
    """The next step of each walk: the flow where it stands, in the sense it came from."""
    next_x = sampled(flow_x, x, y, cv2.INTER_NEAREST)
    next_y = sampled(flow_y, x, y, cv2.INTER_NEAREST)
    sense = np.copysign(np.float32(1), next_x * step_x + next_y * step_y)
    return next_x * sense, next_y * sense
