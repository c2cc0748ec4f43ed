"""Face swap: who becomes whom, after a plain confirmation that everybody has agreed."""

from __future__ import annotations

import streamlit as st

from app.ui import toolpage
from app.ui.choosing import ask_restoration
from app.ui.consent import waits_for_consent
from app.ui.faceswap.assignment import ask_faces, is_by_likeness
from app.ui.faceswap.options import ask_engine, ask_swapper
from app.ui.faceswap.search import search_faces
from app.ui.faceswap.sources import ask_sources
from app.ui.layout import header
from app.ui.options import OptionForm
from app.ui.signed_in import require_user
from app.ui.submitting import ask_run
from app.ui.toolpage import ToolPage
from app.ui.trays import Tray, tray
from app.ui.words import _, said
from studio.params import FaceswapParams
from studio.tools.faceswap.spec import SPEC
from tasks.files import StoredFile
from tasks.services import get_services


def main() -> None:
    page = ToolPage(get_services(), require_user(), SPEC)
    header(
        said(SPEC.title),
        _("Put one face in place of another, matched in light, colour and sharpness."),
    )
    toolpage.show(page, compose=compose)


def compose(page: ToolPage) -> None:
    if waits_for_consent(page):
        return
    targets, sources = tray("faceswap"), tray("faceswap.source")
    reference = tray("faceswap.reference")
    initial = toolpage.prefill(page, targets, {"source": sources, "reference": reference})
    form = OptionForm(FaceswapParams, initial, key=toolpage.form_key(page))
    pictures, options = toolpage.sides()
    with pictures:
        st.subheader(_("1 · Picture to change"), anchor=False)
        toolpage.ask_pictures(page, targets)
        st.subheader(_("2 · New faces"), anchor=False)
        searches = search_faces(page, targets, sources)
        ask_sources(page, sources, searches)
        is_assigned = False
        if targets.files and sources.files:
            st.subheader(_("3 · Who becomes whom"), anchor=False)
            is_assigned = ask_faces(page, form, targets, sources, reference, searches)
    with options:
        is_installed = ask_swapper(page, form)
        ask_engine(form)
        without = _("Faces stay as the swap leaves them.")
        is_installed = ask_restoration(page, form, without) and is_installed
        form.ask_format()
        faces = given_faces(form, sources, reference)
        ask_run(
            page,
            form,
            targets,
            lambda target: page.item(target, faces),
            beside=lambda _target: faces,
            is_ready=is_installed and is_assigned,
            note=_("Whoever may see a run sees its source faces, too."),
        )


def given_faces(form: OptionForm, sources: Tray, reference: Tray) -> dict[str, list[StoredFile]]:
    """Who is to be seen, by role, and who is to give way where that goes by likeness."""
    faces = {"source": sources.files}
    if is_by_likeness(form) and reference.files:
        faces["reference"] = reference.files[:1]
    return faces


if __name__ == "__main__":
    main()
