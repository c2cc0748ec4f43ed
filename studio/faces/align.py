"""Where face networks expect eyes, nose and mouth, and the similarity that brings them there.

Templates by the name the field gives them; fractions of the crop's side.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from studio.faces.face import Face, Points
from studio.faces.topology import LEFT_EYE, RIGHT_EYE
from studio.models.contracts import Alignment

_NOSE_TIP = 1
_RIGHT_MOUTH_CORNER, _LEFT_MOUTH_CORNER = 61, 291

_ARCFACE_112 = np.array(
    [
        (38.2946, 51.6963),
        (73.5318, 51.5014),
        (56.0252, 71.7366),
        (41.5493, 92.3655),
        (70.7299, 92.2041),
    ]
)
TEMPLATES: dict[Alignment, npt.NDArray[np.float64]] = {
    "arcface_112_v1": np.array(
        [
            (0.35473214, 0.45658929),
            (0.64526786, 0.45658929),
            (0.5, 0.61154464),
            (0.37913393, 0.776875),
            (0.62086607, 0.776875),
        ]
    ),
    "arcface_112_v2": _ARCFACE_112 / 112,
    "arcface_128": (_ARCFACE_112 + np.array([8, 0])) / 128,
    "mtcnn_512": np.array(
        [
            (0.36562865, 0.46733799),
            (0.63305391, 0.46585885),
            (0.50019127, 0.61942959),
            (0.39032951, 0.77598822),
            (0.61178945, 0.77476328),
        ]
    ),
    "ffhq_512": np.array(
        [
            (192.98138, 239.94708),
            (318.90277, 240.1936),
            (256.63416, 314.01935),
            (201.26117, 371.41043),
            (313.08905, 371.15118),
        ]
    )
    / 512,
    # Moved by one pixel and reduced about the middle, which leaves room for hair and chin.
    "dct_net_288": ((_ARCFACE_112 + 1 - 56) * 0.75 + 56) / 112,
}
"""Eyes, tip of the nose and corners of the mouth, ``(5, 2)``, the picture's left ones first."""


def five_points(face: Face) -> Points:
    """Eyes, nose and corners of the mouth, ``float32 (5, 2)`` in px, in the templates' order."""
    mesh = face.mesh[:, :2]
    return np.array(
        [
            mesh[list(RIGHT_EYE)].mean(axis=0),
            mesh[list(LEFT_EYE)].mean(axis=0),
            mesh[_NOSE_TIP],
            mesh[_RIGHT_MOUTH_CORNER],
            mesh[_LEFT_MOUTH_CORNER],
        ],
        np.float32,
    )


def align(face: Face, template: Alignment, size_px: int) -> npt.NDArray[np.float64]:
    """The similarity ``(2, 3)`` from px of the picture to px of a crop of ``size_px``.

    Least squares over the five points (Umeyama 1991), without the mirror images.
    """
    points = five_points(face).astype(np.float64)
    wanted = TEMPLATES[template] * size_px
    middle, wanted_middle = points.mean(axis=0), wanted.mean(axis=0)
    # A similarity of the plane is a complex factor.
    here, there = ((rows - rows.mean(axis=0)) @ np.array([1, 1j]) for rows in (points, wanted))
    factor = (here.conj() @ there) / max((here.conj() @ here).real, 1e-12)
    linear = np.array([[factor.real, -factor.imag], [factor.imag, factor.real]])
    return np.column_stack([linear, wanted_middle - linear @ middle])
