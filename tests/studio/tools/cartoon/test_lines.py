from __future__ import annotations

import numpy as np

from studio.tools.cartoon.lines import Pen, draw_lines

PEN = Pen(width_px=1.5, length_px=6, flow_px=3, threshold=-0.002, hardness=90)


def test_lines_follow_a_dark_stroke_and_leave_even_areas_free() -> None:
    light = np.full((80, 120), 0.8, np.float32)
    light[40:42] = 0.3

    ink = draw_lines(light, PEN)

    assert ink[40:42].min() > 0.8
    assert ink[:30].max() < 0.01
    assert ink[52:].max() < 0.01


def test_lines_close_gaps_along_the_flow() -> None:
    light = np.full((80, 120), 0.8, np.float32)
    light[40:42] = 0.3
    light[40:42, 58:62] = 0.8

    assert draw_lines(light, PEN)[40:42, 58:62].mean() > 0.5


def test_lines_of_a_picture_turned_are_the_lines_turned() -> None:
    y, x = np.mgrid[:90, :90]
    light = (0.5 + 0.4 * np.tanh((np.hypot(x - 40, y - 50) - 25) / 2)).astype(np.float32)

    upright = draw_lines(light, PEN)
    turned = draw_lines(np.ascontiguousarray(light.T), PEN)

    assert upright.max() > 0.5
    assert np.abs(upright - turned.T).max() < 0.02


def test_lines_of_a_large_picture_are_as_wide_in_proportion() -> None:
    light = np.full((700, 1400), 0.8, np.float32)
    light[340:346] = 0.3

    ink = draw_lines(light, PEN.scaled(3))

    assert ink[341:345, 100:1300].min() > 0.8
    assert ink[:300].max() < 0.01
