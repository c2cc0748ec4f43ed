"""Face swap: who becomes whom, after a plain confirmation that everybody has agreed."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app.consent import has_consented
from app.estimates import estimate_files
from app.navigation import FACESWAP
from app.security import require_user
from app.ui import toolpage
from app.ui.faceswap.assignment import ask_faces
from app.ui.faceswap.consent import ask_consent
from app.ui.faceswap.options import ask_engine, ask_enhancer, ask_model
from app.ui.faceswap.search import search_faces
from app.ui.faceswap.sources import ask_sources
from app.ui.layout import header
from app.ui.options import OptionForm
from app.ui.toolpage import ToolPage
from app.ui.uploader import Tray, tray
from studio.params import FaceChoice, FaceswapParams
from tasks.files import StoredFile
from tasks.services import get_services
from tasks.submit import Item


def main() -> None:
    page = ToolPage(get_services(), require_user(), "faceswap", FACESWAP, "Swap faces")
    header("Face swap", "Put a face in place of another, in light, colour and sharpness.")
    toolpage.show(page, compose=compose)


def compose(page: ToolPage) -> None:
    if not has_consented(page.services, page.actor, page.tool):
        ask_consent(page)
        return
    targets, sources = tray("faceswap"), tray("faceswap.source")
    reference = tray("faceswap.reference")
    initial = toolpage.prefill(page, targets, {"source": sources, "reference": reference})
    form = OptionForm(FaceswapParams, initial, key=toolpage.form_key(page))
    pictures, options = st.columns([5, 3], gap="medium")
    with pictures:
        st.subheader("1 · Picture to change", anchor=False)
        toolpage.ask_pictures(page, targets)
        st.subheader("2 · New faces", anchor=False)
        searches = search_faces(page, targets, sources)
        ask_sources(page, sources, searches)
        is_assigned = False
        if targets.files and sources.files:
            st.subheader("3 · Who becomes whom", anchor=False)
            is_assigned = ask_faces(page, form, targets, sources, reference, searches)
    with options, st.container(border=True, key="options"):
        is_installed = ask_model(page, form)
        ask_engine(form)
        is_installed = ask_enhancer(page, form) and is_installed
        form.ask_format()
        visibility = toolpage.ask_visibility(page)
        st.caption("Whoever may see a run sees its source faces, too.")
        toolpage.show_expectation(
            estimate_files(page.services, page.actor, form.parse(), targets.files)
        )
        if toolpage.run_button(page, targets, is_ready=is_installed and is_assigned):
            items = [make_item(form, file, sources, reference) for file in targets.files]
            parent_id = toolpage.query_id("from")
            toolpage.send(page, form, items, visibility=visibility, parent_id=parent_id)


def make_item(form: OptionForm, target: StoredFile, sources: Tray, reference: Tray) -> Item:
    item: dict[str, StoredFile | Sequence[StoredFile]] = {
        "image": target,
        "source": sources.files,
    }
    is_compared = form.values["faces"] is None and form.values["choice"] is FaceChoice.LIKENESS
    if is_compared and reference.files:
        item["reference"] = reference.files[0]
    return item


if __name__ == "__main__":
    main()
