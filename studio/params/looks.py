"""The looks of the cartoon tool."""

from __future__ import annotations

from studio.params.common import Choice
from studio.words import N_


class Look(Choice):
    """Looks that need no downloaded network of their own."""

    ANIME = "anime", N_("Anime")
    COMIC = "comic", N_("Comic")
    THREE_D = "3d", N_("3D")
    HANDDRAWN = "handdrawn", N_("Hand-drawn")
    SKETCH = "sketch", N_("Sketch")


ALL_LOOKS = "all"
"""The look that is a contact sheet of every built-in one."""
