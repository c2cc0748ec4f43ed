"""Models: every network the studio knows, on what terms, and whether it is installed.

Everybody may look, for who runs a model should know its terms; admins change what is there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from html import escape

import streamlit as st

from app.formatting import file_size
from app.ui import states
from app.ui.asked import do_noted, note, once, turn
from app.ui.filters import Filters
from app.ui.guard import acting, dialog
from app.ui.layout import header
from app.ui.literal import literal, literal_sentence
from app.ui.model_card import model_markup, tool_titles
from app.ui.signed_in import require_admin, require_user, visitor
from app.ui.weight_drop import drop_weights
from app.ui.weight_watch import watch_work
from app.ui.words import _, _n, said
from app.weights import management as weights
from db.actor import Actor
from studio.errors import StudioError
from studio.models.catalogue import ModelSpec
from studio.models.weights import Installed, Missing, Status
from studio.tools.registry import TOOLS, tool_title
from studio.words import N_, Message, Value, msg, paragraph
from tasks.services import Services, get_services

PAGE_SIZE = 20
# What names the page of the list in the address.
PLACE = "page"
_MAX_PAGE_DIGITS = 10
SAID = "weights-said"
ACTIONS = {"pull": N_("Install"), "verify": N_("Verify"), "delete": N_("Delete")}
SHOWN = {
    "all": N_("All"),
    "installed": N_("Installed"),
    "missing": N_("Not installed"),
    "commercial": N_("For commercial use"),
}
Row = tuple[ModelSpec, Status]


def main() -> None:
    actor = require_user()
    services = get_services()
    header(
        _("Models"),
        _("Every network the studio can use, on what terms, and what is installed."),
    )
    show_said()
    rows = list_models(services)
    if actor.is_admin:
        watch_work(services)
        offer_import(rows)
    filters = Filters(PLACE)
    found = filtered(filters, rows)
    page = current_page(len(found))
    shown = range(len(found))[page * PAGE_SIZE : (page + 1) * PAGE_SIZE]
    show_summary(rows, len(found), shown)
    if not found:
        states.empty(_("Nothing matches"), _("No model fits these filters."), icon="search_off")
        return
    for spec, status in found[shown.start : shown.stop]:
        show_model(services, actor, spec, status)
    turn_pages(filters, page, len(found))


def list_models(services: Services) -> list[Row]:
    """Every model with its state, what is here before what is not.

    Both in the order of the tools that they are there for.
    """
    store = weights.open_store(services.settings)
    order = {tool: place for place, tool in enumerate(TOOLS)}
    specs = sorted(store.catalogue, key=lambda spec: order.get(spec.tools[0], len(order)))
    rows = [(spec, store.status(spec.id)) for spec in specs]
    return sorted(rows, key=lambda row: isinstance(row[1], Missing))


def filtered(filters: Filters, rows: Sequence[Row]) -> list[Row]:
    """The rows that the filters leave."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="filters"):
        text = filters.ask_text(_("Name, purpose or licence"))
        tool = filters.ask_choice(
            _("Tool"), "tool", {name: said(tool_title(name)) for name in TOOLS}
        )
        show = filters.ask_shown({show: said(title) for show, title in SHOWN.items()})
    filters.say_unknown()
    return [
        (spec, status)
        for spec, status in rows
        if (tool is None or tool in spec.tools)
        and is_shown(spec, status, show)
        and all(word in described(spec) for word in text.casefold().split())
    ]


def is_shown(spec: ModelSpec, status: Status, show: str) -> bool:
    if show == "commercial":
        return spec.licence.commercial == "yes"
    return show == "all" or isinstance(status, Missing) == (show == "missing")


def described(spec: ModelSpec) -> str:
    """What a search looks through."""
    names = (spec.id, spec.title, spec.task, spec.family, spec.licence.name, *spec.tools)
    return "\n".join([*names, said(spec.advice)]).casefold()


def show_summary(rows: Sequence[Row], found: int, shown: range) -> None:
    """How many models are ``found``, which of them are ``shown``, and what is installed of all."""
    installed = [status for _, status in rows if isinstance(status, Installed)]
    here: dict[str, Value] = {
        "installed": len(installed),
        "all": len(rows),
        "size": file_size(sum(status.bytes for status in installed)),
    }
    if len(shown) == found:
        words = _n(
            "{n} model, {installed} of {all} installed, {size}",
            "{n} models, {installed} of {all} installed, {size}",
            found,
            **here,
        )
    elif len(shown) == 1:
        words = _(
            "Model {place} of {found}, {installed} of {all} installed, {size}",
            place=shown.start + 1,
            found=found,
            **here,
        )
    else:
        words = _n(
            "{first} to {last} of {n} model, {installed} of {all} installed, {size}",
            "{first} to {last} of {n} models, {installed} of {all} installed, {size}",
            found,
            first=shown.start + 1,
            last=shown.stop,
            **here,
        )
    st.html(f'<span class="dr-muted dr-small">{escape(words)}</span>')


def show_model(services: Services, actor: Actor, spec: ModelSpec, status: Status) -> None:
    with st.container(border=True, key=f"model-{spec.id}"):
        if not actor.is_admin:
            st.html(model_markup(spec, status))
            return
        with st.container(horizontal=True, gap="small"):
            st.html(model_markup(spec, status), width="stretch")
            show_actions(services, actor, spec, status)


def show_actions(services: Services, actor: Actor, spec: ModelSpec, status: Status) -> None:
    if isinstance(status, Missing):
        st.button(
            said(ACTIONS["pull"]),
            icon=":material/download:",
            key=f"pull-{spec.id}",
            help=_("Install {model}", model=literal(spec.title)),
            on_click=acting(pull, who=require_admin),
            args=(services, spec.id),
        )
        return
    key = f"actions-{spec.id}"
    mend = [] if isinstance(status, Installed) else ["pull"]
    match st.menu_button(
        _("Change"),
        [*mend, "verify", "delete"],
        format_func=lambda action: said(ACTIONS[action]),
        key=key,
        help=_("Change {model}", model=literal(spec.title)),
        on_click=acting(begin, who=require_admin),
        args=(services, spec.id, key, turn(verifying(spec.id))),
    ):
        case "delete":
            confirm_delete(services, spec, status)
    do_noted(verifying(spec.id), lambda: verify(services, actor, spec))


def begin(actor: Actor, services: Services, model_id: str, key: str, number: int) -> None:
    """Do what takes a moment only; have the page do the rest, where it says so meanwhile."""
    chosen = st.session_state[key]
    if chosen == "pull":
        pull(actor, services, model_id)
    elif chosen == "verify":
        note(actor, verifying(model_id), number)


def pull(actor: Actor, services: Services, model_id: str) -> None:
    with saying():
        weights.pull(services, model_id, by=actor, visitor=visitor())


def verifying(model_id: str) -> str:
    return f"verify-{model_id}"


def verify(services: Services, actor: Actor, spec: ModelSpec) -> bool:
    with saying(), st.spinner(_("Reading {model}…", model=literal(spec.title))):
        say_verified(spec, weights.verify(services, spec.id, by=actor, visitor=visitor()))
    return True


def say_verified(spec: ModelSpec, found: Status) -> None:
    if isinstance(found, Installed):
        say(
            "success",
            msg("{model} is sound: every file has the digest it should have.", model=spec.title),
        )
    else:
        say(
            "error",
            msg(
                "{model} is {state}. Install it again, or drop a good file.",
                model=spec.title,
                state=weights.state_words(found),
            ),
        )


@dialog(N_("Delete this model?"), icon=":material/delete:", who=require_admin)
def confirm_delete(_actor: Actor, services: Services, spec: ModelSpec, status: Status) -> None:
    sentences = [
        msg(
            "**{model}** is used by {tools}, and missing there until it is installed or imported "
            "again.",
            model=literal(spec.title),
            tools=tool_titles(spec),
        )
    ]
    if isinstance(status, Installed):
        sentences.append(msg("{size} come free.", size=file_size(status.bytes)))
    st.write(said(paragraph(sentences)))
    if spec.default:
        st.write(_("It is one of the models that a fresh studio installs."))
    st.button(
        _("Delete"),
        type="primary",
        on_click=once(f"delete-{spec.id}", delete, who=require_admin),
        args=(services, spec),
    )


def delete(actor: Actor, services: Services, spec: ModelSpec) -> None:
    with saying():
        freed = file_size(weights.delete(services, spec.id, by=actor, visitor=visitor()))
        say("success", msg("{model} is deleted, {size} are free.", model=spec.title, size=freed))


def offer_import(rows: Sequence[Row]) -> None:
    with st.expander(_("Import a file"), icon=":material/upload_file:", key="import"):
        model_id = st.selectbox(
            _("Model it is for"),
            [spec.id for spec, _ in rows],
            index=None,
            format_func={spec.id: spec.title for spec, _ in rows}.__getitem__,
            placeholder=_("Recognise it by its digest or name"),
            help=_("Only needed for a file of another name whose digest nobody publishes."),
            key="import-model",
        )
        drop_weights(model_id, key="weight-drop")


def say(kind: str, words: Message) -> None:
    """Show a sentence on the next run, above the list that has changed."""
    st.session_state[SAID] = (kind, words)


@contextmanager
def saying() -> Iterator[None]:
    """Say on the next run why something was not done."""
    try:
        yield
    except StudioError as error:
        say("error", error.message)


def show_said() -> None:
    if SAID in st.session_state:
        kind, words = st.session_state.pop(SAID)
        if kind == "success":
            st.success(literal_sentence(words), icon=":material/check_circle:")
        else:
            st.error(literal_sentence(words), icon=":material/error:")


def current_page(total: int) -> int:
    """The page that the address names, from 0, within what there is."""
    wanted = st.query_params.get(PLACE, "1")
    last = (total - 1) // PAGE_SIZE
    is_number = wanted.isdecimal() and len(wanted) < _MAX_PAGE_DIGITS  # "²" is a digit, too
    return min(max(int(wanted) - 1, 0), last) if is_number else 0


def turn_pages(filters: Filters, page: int, total: int) -> None:
    before = page or None
    more = page + 2 if (page + 1) * PAGE_SIZE < total else None
    filters.show_turns([(_("← Before"), before), (_("More →"), more)])


if __name__ == "__main__":
    main()
