"""Models: every network the studio knows, on what terms, and whether it is installed.

Everybody may look, for who runs a model should know its terms; admins change what is there.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from html import escape
from urllib.parse import urlencode

import streamlit as st

from app import weights
from app.security import require_user, visitor
from app.ui import states
from app.ui.format import count, file_size
from app.ui.layout import header
from app.ui.model_card import model_markup, tool_titles
from app.ui.weight_drop import drop_weights
from app.ui.weight_watch import watch_work
from db.actor import Actor
from studio.errors import StudioError
from studio.models.catalogue import ModelSpec
from studio.models.weights import Installed, Missing, Status
from studio.tools.spec import TOOLS
from tasks.services import Services, get_services

PAGE_SIZE = 20
SAID = "weights-said"
SHOWN = {
    "all": "All",
    "installed": "Installed",
    "missing": "Not installed",
    "commercial": "For commercial use",
}
Row = tuple[ModelSpec, Status]


def main() -> None:
    actor = require_user()
    services = get_services()
    header("Models", "Every network the studio can use, on what terms, and what is installed.")
    show_said()
    rows = list_models(services)
    if actor.is_admin:
        watch_work(services)
        offer_import(rows)
    found = filtered(rows)
    show_summary(rows, found)
    if not found:
        states.empty("Nothing matches", "No model fits these filters.", icon="search_off")
        return
    page = current_page(len(found))
    for spec, status in found[page * PAGE_SIZE : (page + 1) * PAGE_SIZE]:
        show_model(services, actor, spec, status)
    turn_pages(page, len(found))


def list_models(services: Services) -> list[Row]:
    """Every model with its state, in the order of the tools that they are there for."""
    store = weights.open_store(services.settings)
    order = list(TOOLS)
    specs = sorted(store.catalogue, key=lambda spec: order.index(spec.tools[0]))
    return [(spec, store.status(spec.id)) for spec in specs]


def filtered(rows: Sequence[Row]) -> list[Row]:
    """The rows that the filters, kept in the address, leave."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="filters"):
        text = st.text_input(
            "Search",
            key="text",
            bind="query-params",
            placeholder="Name, purpose or licence",
            icon=":material/search:",
            on_change=first_page,
            width=300,
        )
        take_from_address("tool", TOOLS, None)
        tool = st.selectbox(
            "Tool",
            list(TOOLS),
            format_func=lambda name: TOOLS[name].title,
            index=None,
            placeholder="Any",
            key="tool",
            on_change=keep_in_address,
            args=("tool", None),
            width=150,
        )
        take_from_address("show", SHOWN, "all")
        show = st.segmented_control(
            "Show",
            list(SHOWN),
            required=True,
            format_func=SHOWN.__getitem__,
            key="show",
            on_change=keep_in_address,
            args=("show", "all"),
        )
    return [
        (spec, status)
        for spec, status in rows
        if (tool is None or tool in spec.tools)
        and is_shown(spec, status, show)
        and all(word in described(spec) for word in (text or "").casefold().split())
    ]


def take_from_address(key: str, choices: Collection[str], default: str | None) -> None:
    """Set a widget to the choice that the address names; Streamlit's own binding takes labels."""
    wanted = st.query_params.get(key)
    st.session_state[key] = wanted if wanted in choices else default


def keep_in_address(key: str, default: str | None) -> None:
    """Name the new choice of a widget in the address, from the first page on."""
    if st.session_state[key] == default:
        st.query_params.pop(key, None)
    else:
        st.query_params[key] = st.session_state[key]
    first_page()


def is_shown(spec: ModelSpec, status: Status, show: str) -> bool:
    if show == "commercial":
        return spec.licence.commercial == "yes"
    return show == "all" or isinstance(status, Missing) == (show == "missing")


def described(spec: ModelSpec) -> str:
    """What a search looks through."""
    parts = (spec.id, spec.title, spec.task, spec.note, spec.family, spec.licence.name, *spec.tools)
    return " ".join(parts).casefold()


def show_summary(rows: Sequence[Row], found: Sequence[Row]) -> None:
    installed = [status for _, status in rows if isinstance(status, Installed)]
    total = file_size(sum(status.bytes for status in installed))
    words = (
        f"{count(len(found), 'model')} shown, {len(installed)} of {len(rows)} installed, {total}"
    )
    st.html(f'<span class="dr-muted dr-small">{words}</span>')


def show_model(services: Services, actor: Actor, spec: ModelSpec, status: Status) -> None:
    with st.container(border=True, key=f"model-{spec.id}"):
        if not actor.is_admin:
            st.html(model_markup(spec, status))
            return
        with st.container(horizontal=True, gap="small"):
            st.html(model_markup(spec, status), width="stretch")
            show_actions(services, actor, spec, status)


def show_actions(services: Services, actor: Actor, spec: ModelSpec, status: Status) -> None:
    is_missing = isinstance(status, Missing)
    mend = ["Pull"] if not isinstance(status, Installed) else []
    chosen = st.menu_button(
        "Change",
        [*mend, *([] if is_missing else ["Verify", "Delete"])],
        key=f"actions-{spec.id}",
        help=f"Change {spec.title}",
    )
    try:
        if chosen == "Pull":
            weights.pull(services, spec.id, by=actor, visitor=visitor())
            st.rerun()
        elif chosen == "Verify":
            with st.spinner(f"Reading {spec.title}…"):
                found = weights.verify(services, spec.id, by=actor, visitor=visitor())
            say_verified(spec, found)
        elif chosen == "Delete":
            confirm_delete(services, actor, spec, status)
    except StudioError as error:
        say("error", error.message)


def say_verified(spec: ModelSpec, found: Status) -> None:
    if isinstance(found, Installed):
        say("success", f"{spec.title} is sound: every file has the digest it should have.")
    else:
        words = weights.state_words(found)
        say("error", f"{spec.title} is {words}. Pull it again, or drop a good file.")


@st.dialog("Delete this model?", icon=":material/delete:")
def confirm_delete(services: Services, actor: Actor, spec: ModelSpec, status: Status) -> None:
    size = f" {file_size(status.bytes)} come free." if isinstance(status, Installed) else ""
    st.write(
        f"**{spec.title}** is used by {tool_titles(spec)}, and missing there until it is pulled or "
        f"imported again.{size}"
    )
    if spec.default:
        st.write("It is one of the models that a fresh studio installs.")
    if st.button("Delete", type="primary"):
        try:
            freed_bytes = weights.delete(services, spec.id, by=actor, visitor=visitor())
        except StudioError as error:
            say("error", error.message)
        say("success", f"{spec.title} is deleted, {file_size(freed_bytes)} are free.")


def offer_import(rows: Sequence[Row]) -> None:
    with st.expander("Import a file", icon=":material/upload_file:", key="import"):
        model_id = st.selectbox(
            "Model it is for",
            [spec.id for spec, _ in rows],
            index=None,
            format_func={spec.id: spec.title for spec, _ in rows}.__getitem__,
            placeholder="Recognise it by its digest or name",
            help="Only needed for a file of another name whose digest nobody publishes.",
            key="import-model",
        )
        drop_weights(model_id, key="weight-drop")


def say(kind: str, text: str) -> None:
    """Show a sentence on the next run, above the list that has changed."""
    st.session_state[SAID] = (kind, text)
    st.rerun()


def show_said() -> None:
    if SAID in st.session_state:
        kind, text = st.session_state.pop(SAID)
        if kind == "success":
            st.success(text, icon=":material/check_circle:")
        else:
            st.error(text, icon=":material/error:")


def first_page() -> None:
    """Other filters start from the top."""
    st.query_params.pop("page", None)


def current_page(total: int) -> int:
    """The page that the address names, from 0, within what there is."""
    wanted = st.query_params.get("page", "1")
    last = (total - 1) // PAGE_SIZE
    return min(max(int(wanted) - 1, 0), last) if wanted.isdigit() else 0


def turn_pages(page: int, total: int) -> None:
    turns = [("← Before", page)] if page else []
    if (page + 1) * PAGE_SIZE < total:
        turns.append(("More →", page + 2))
    links = [
        f'<a href="?{escape(urlencode({**st.query_params.to_dict(), "page": number}))}" '
        f'target="_self">{label}</a>'
        for label, number in turns
    ]
    if links:
        st.html(f'<nav class="dr-buttons dr-turns" aria-label="Pages">{"".join(links)}</nav>')


if __name__ == "__main__":
    main()
