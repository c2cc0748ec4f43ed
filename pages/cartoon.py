"""Cartoon: take pictures in, have them drawn, and choose afterwards how strongly."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from app.formatting import dimensions
from app.runs.corrections import made_by_itself
from app.runs.parameters import initial_values
from app.runs.reading import find_output, main_input, stored_file
from app.ui import toolpage
from app.ui.given_again import GivenAgain, ask_given_again, name_given_mask
from app.ui.layout import header
from app.ui.models import missing_helpers, missing_weights_of, model_choices, pick_model
from app.ui.options import OptionForm, label_of, value_of
from app.ui.signed_in import require_user
from app.ui.submitting import ask_run, offer_again, show_expectation
from app.ui.toolpage import ToolPage
from app.ui.trays import Tray, tray
from app.ui.words import _, said
from db.models import Job, JobOutput
from studio.params import ALL_LOOKS, CartoonParams, CartoonRegion, Look
from studio.tools.cartoon.spec import SPEC
from tasks.files import StoredFile
from tasks.services import get_services

# Strings that stand alone in a page would be written on it, so constants have comments.
OTHER = "other"  # opens the list of cartoon models
PAINTER = "realesr-animevideov3"  # turns bands and strokes into clean shading
TILES = [*Look, ALL_LOOKS, OTHER]
PICTURES = "/account/assets/looks"


def main() -> None:
    page = ToolPage(get_services(), require_user(), SPEC)
    header(said(SPEC.title), _("Turn photographs into drawings, as strongly as you like."))
    toolpage.show(page, compose=compose, beside_result=refine)


def compose(page: ToolPage) -> None:
    held = tray("cartoon")
    initial = toolpage.prefill(page, held)
    form = OptionForm(CartoonParams, initial, key=toolpage.form_key(page))
    is_ready = ask_look(page, form)
    pictures, options = toolpage.sides()
    with pictures:
        toolpage.ask_pictures(page, held)
    with options:
        form.ask("strength")
        form.ask("long_side_px", format_func=name_size, widget="select")
        form.ask("region", widget="select")
        given = ask_given(page, form, held)
        form.ask_format()
        ask_run(
            page,
            form,
            held,
            lambda file: page.item(file, given.beside(file)),
            beside=given.beside,
            is_ready=(is_ready or given.spares_networks(form, held)) and fits(given, form),
        )


def ask_given(page: ToolPage, form: OptionForm, held: Tray) -> GivenAgain:
    """Whether drawing and mask count again that somebody gave the run in ``?from=``."""
    questions: dict[str, Callable[[str], str]] = {"render": name_given_render}
    if form.values["region"] is not CartoonRegion.PICTURE:
        questions["alpha"] = name_given_mask
    return ask_given_again(page, form, held, questions)


def name_given_render(name: str) -> str:
    return _("Use the drawing given for {name} again, in place of a new one", name=name)


def fits(given: GivenAgain, form: OptionForm) -> bool:
    """Whether the drawing given is as large as the result will be; the page says where not."""
    source, renders = given.source, given.files.get("render", ())
    if source is None or not source.width_px or not source.height_px or not renders:
        return True
    size = form.unchecked().output_size(source.width_px, source.height_px)
    if size == (renders[0].width_px, renders[0].height_px):
        return True
    st.warning(
        _(
            "The drawing given is {size}, and the result would be another size. Choose the long "
            "side that it was made with, or draw anew.",
            size=said(dimensions(renders[0].width_px, renders[0].height_px)),
        ),
        icon=":material/info:",
    )
    return False


def refine(page: ToolPage, job: Job) -> None:
    """Another strength, part or format: the full drawing is on record and is used again."""
    initial = initial_values(job)
    source, render = main_input(job), find_output(job, "render")
    if not page.actor.may_run or not initial or source is None or render is None:
        return
    with st.expander(_("Change strength or part"), icon=":material/tune:", expanded=True):
        form = OptionForm(CartoonParams, initial, key=f"refine.{job.id.hex}")
        form.ask("strength")
        form.ask("region", widget="select")
        form.ask_format()
        files = again_from(job, form, render)
        item = page.item(stored_file(source), files, taken_over=made_by_itself(job, files))
        show_expectation(page, form.parse(), [item])
        offer_again(page, form, job, lambda: item, key=form.key)


def again_from(job: Job, form: OptionForm, render: JobOutput) -> Mapping[str, Sequence[StoredFile]]:
    """The full drawing, and the outline of the subject when the run had to find that already."""
    files = {"render": [stored_file(render)]}
    alpha = find_output(job, "alpha")
    if alpha is not None and form.values["region"] is not CartoonRegion.PICTURE:
        files["alpha"] = [stored_file(alpha)]
    return files


def ask_look(page: ToolPage, form: OptionForm) -> bool:
    """Looks with their pictures; returns whether what was chosen is installed."""
    look = form.values["look"]
    settings = page.services.settings
    with st.container(key="looks"):
        tile = st.segmented_control(
            _("Look"),
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
    choices = [one for one in model_choices(settings, page.tool, "cartoon") if one.spec]
    if not choices:
        st.info(_("The catalogue has no cartoon models."))
        return False
    with st.container(border=True, key="cartoon-model"):
        chosen = pick_model(
            choices, look, tool=page.tool, key=f"{form.key}.model", label=_("Cartoon model")
        )
    form.set("look", chosen.id)
    return chosen.is_installed


def show_tile(tile: str) -> str:
    """A small picture and a name, as Markdown; the names stand for themselves."""
    if tile == OTHER:
        name = _("Cartoon model")
        return f"![]({PICTURES}/{tile}.svg) {name}"
    name = _("All on one sheet") if tile == ALL_LOOKS else label_of(tile)
    return f"![]({PICTURES}/{tile}.webp) {name}"


def name_size(long_side_px: int | None) -> str:
    return value_of("long_side_px", long_side_px) if long_side_px else _("As the photograph")


if __name__ == "__main__":
    main()
