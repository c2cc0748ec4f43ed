"""The drop zone for weight files: straight to disk, whatever their size."""

from __future__ import annotations

from collections.abc import Mapping

from app.ui.component import component
from app.ui.words import _

_zone = component("weight_drop")


def drop_weights(model_id: str | None, *, key: str) -> None:
    """Take one file at a time; ``model_id`` says whose it is, when its bytes do not."""
    _zone(key=key, data={"model": model_id or "", "words": _words()})


def _words() -> Mapping[str, str]:
    """What the zone says, by the names that its markup and script have.

    The script fills the places.
    """
    return {
        "title": _("Drop a weight file here"),
        "kinds": _(
            "ONNX, .pb, .pth, or the wheel, zip or tarball it came in. It is recognised by its "
            "digest."
        ),
        "choose": _("Choose a file"),
        "file": _("Weight file"),
        "sending": _("Sending"),
        "stop": _("Cancel"),
        "refused": _("It was refused on the way ({status}).", status="{status}"),
        "progress": _("{file}: {done} of {all} MB", file="{file}", done="{done}", all="{all}"),
        "arrived": _("{file} arrived. What comes of it is shown above.", file="{file}"),
        "failed": _("{file} could not be sent. Check the connection.", file="{file}"),
        "cancelled": _("Cancelled."),
    }
