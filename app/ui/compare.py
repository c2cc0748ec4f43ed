"""The before/after slider."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from app.ui.component import component
from app.ui.words import _


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the slider shows. All pictures are addresses that the browser may fetch.

    Attributes:
        title: file name, read out by screen readers.
        before: the original at display size.
        after: the result at display size.
        width_px: of the result, for the shape of the stage.
        height_px: of the result.

    """

    title: str
    before: str
    after: str
    width_px: int
    height_px: int


_slider = component("compare")


def _words(title: str) -> Mapping[str, str]:
    """What the slider says, by the classes that its markup has; ``title`` names the pictures."""
    return {
        "before": _("Before: {name}", name=title),
        "after": _("After: {name}", name=title),
        "range": _("Divide between before and after"),
        "tag-before": _("Before"),
        "tag-after": _("After"),
        "broken": _("The pictures could not be loaded."),
        "zoom": _("Zoom"),
        "fit": _("Fit"),
        "hint": _("Drag to move. Drag the line, or use the arrow keys, to compare."),
    }


def compare(pictures: Comparison, *, key: str) -> None:
    """Show both pictures in one frame with a line to drag between them."""
    _slider(key=key, data=asdict(pictures) | {"words": _words(pictures.title)})
