"""What the 468 mesh points are: triangles, mirror partners, outlines of the features.

"Right" and "left" are the subject's. Triangles are those of MediaPipe's tesselation
(Apache-2.0), with more that close the eyes and the mouth; their corners run in no common sense.
"""

from __future__ import annotations

import json
from importlib import resources

import numpy as np
import numpy.typing as npt

_DATA = json.loads(
    resources.files("studio.faces").joinpath("topology.json").read_text(encoding="utf-8")
)

TRIANGLES: npt.NDArray[np.int64] = np.array(_DATA["triangles"], np.int64)
"""``(898, 3)`` point numbers; from ``SKIN_TRIANGLES`` on those across eyes and mouth."""
SKIN_TRIANGLES = 852
SYMMETRY: npt.NDArray[np.int64] = np.array(_DATA["symmetry"], np.int64)
"""``(468,)``: the point on the other half of the face."""

OVAL = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377),
    *(152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
)
"""Outline of the face, from the top of the forehead round."""
RIGHT_EYE = (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246)
LEFT_EYE = (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466)
RIGHT_BROW = (70, 63, 105, 66, 107, 55, 65, 52, 53, 46)
LEFT_BROW = (300, 293, 334, 296, 336, 285, 295, 282, 283, 276)
LIPS = (
    *(61, 185, 40, 39, 37, 0, 267, 269, 270, 409),
    *(291, 375, 321, 405, 314, 17, 84, 181, 91, 146),
)
"""Outer outline of the lips."""
INNER_MOUTH = (
    *(78, 95, 88, 178, 87, 14, 317, 402, 318, 324),
    *(308, 415, 310, 311, 312, 13, 82, 81, 80, 191),
)
"""Outline of the opening between the lips."""
