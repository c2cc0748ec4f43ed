"""Cartoon: take pictures in, have them drawn, and choose afterwards how strongly."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app.estimates import estimate_files, find_known
from app.navigation import CARTOON
from app.runs import find_output, main_input, stored_file
from app.security import require_user
from app.ui import toolpage
from app.ui.format import count
from app.ui.layout import header
from app.ui.models import missing_helpers, missing_weights_of, model_choices, pick_model
from app.ui.options import OptionForm, label_of
from app.ui.toolpage import ToolPage
from app.ui.uploader import tray
from db.models import Job
from studio.params import ALL_LOOKS, CartoonParams, CartoonRegion, Look
from tasks.services import get_services
from tasks.submit import Item, StoredFile

# Strings that stand alone in a page would be written on it, so constants have comments.
OTHER = "other"  # opens the list of cartoon models
PAINTER = "realesr-animevideov3"  # turns bands and strokes into clean shading
TILES = [*Look, ALL_LOOKS, OTHER]
PICTURES = "/account/assets/looks"


def main() -> None:
    page = ToolPage(get_services(), require_user(), "cartoon", CARTOON, "Draw")
    header("Cartoon", "Turn photographs into drawings, as strongly as you like.")
    toolpage.show(page, compose=compose, beside_result=refine)


def compose(page: ToolPage) -> None:
    held = tray("cartoon")
    initial = toolpage.prefill(page, held)
    form = OptionForm(CartoonParams, initial, key=toolpage.form_key(page))
    is_ready = ask_look(page, form)
    pictures, options = st.columns([5, 3], gap="medium")
    with pictures:
        toolpage.ask_pictures(page, held)
    with options, st.container(border=True, key="options"):
        form.ask("strength")
        form.ask("long_side_px", label="Long side", format_func=name_size, widget="select")
        form.ask("region", widget="select")
        form.ask_format()
        visibility = toolpage.ask_visibility(page)
        show_expectation(page, form, held.files)
        if toolpage.run_button(page, held, is_ready=is_ready):
            items = [{"image": file} for file in held.files]
            parent_id = toolpage.query_id("from")
            toolpage.send(page, form, items, visibility=visibility, parent_id=parent_id)


def refine(page: ToolPage, job: Job) -> None:
    """Another strength, part or format: the full drawing is on record and is used again."""
    if not page.actor.may_run or find_output(job, "render") is None:
        return
    with st.expander("Change strength or part", icon=":material/tune:", expanded=True):
        form = OptionForm(CartoonParams, job.params, key=f"refine.{job.id.hex}")
        form.ask("strength")
        form.ask("region", widget="select")
        form.ask_format()
        source = stored_file(main_input(job))
        show_expectation(page, form, [source])
        if st.button("Apply", type="primary", width="stretch", key="apply"):
            item = with_outline(job, form, source)
            toolpage.send(page, form, [item], visibility=job.visibility, parent_id=job.id)


def show_expectation(page: ToolPage, form: OptionForm, files: Sequence[StoredFile]) -> None:
    """The time it may take, and for how many pictures there is a drawing already."""
    params = form.parse()
    known = find_known(page.services, page.actor, params, files)
    each = estimate_files(page.services, page.actor, params, files)
    if known:
        which = "" if len(files) == 1 else f" for {len(known)} of {count(len(files), 'picture')}"
        st.caption(f":material/bolt: Uses the drawing already made{which}: a moment only.")
    toolpage.show_expectation([one for one in each if one] if known else each)


def with_outline(job: Job, form: OptionForm, source: StoredFile) -> Item:
    """The picture, and the outline of its subject when the run had to find that already."""
    alpha = find_output(job, "alpha")
    if alpha is None or form.values["region"] is CartoonRegion.PICTURE:
        return {"image": source}
    return {"image": source, "alpha": stored_file(alpha)}


def ask_look(page: ToolPage, form: OptionForm) -> bool:
    """Looks with their pictures; returns whether what was chosen is installed."""
    look = form.values["look"]
    settings = page.services.settings
    with st.container(key="looks"):
        tile = st.segmented_control(
            "Look",
            TILES,
            default=look if look in TILES else OTHER,
            required=True,
            format_func=show_tile,
            key=f"{form.key}.look",
        )
    if tile != OTHER:
        form.set("look", str(tile))
        missing = missing_helpers(settings, PAINTER)
        missing_weights_of(missing, page.tool)
        return not missing
    choices = model_choices(settings, page.tool, "cartoon")
    if not choices:
        st.info("The catalogue has no cartoon models.")
        return False
    with st.container(border=True, key="cartoon-model"):
        chosen = pick_model(
            choices, look, tool=page.tool, key=f"{form.key}.model", label="Cartoon model"
        )
    form.set("look", chosen.id)
    return chosen.is_installed


def show_tile(tile: str) -> str:
    """A small picture and a name, as Markdown; the names stand for themselves."""
    if tile == OTHER:
        return f"![]({PICTURES}/{tile}.svg) Cartoon model"
    name = "All on one sheet" if tile == ALL_LOOKS else label_of(tile)
    return f"![]({PICTURES}/{tile}.webp) {name}"


def name_size(long_side_px: int | None) -> str:
    return f"{long_side_px} px" if long_side_px else "As the photograph"


if __name__ == "__main__":
    main()
