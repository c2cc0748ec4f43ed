"""Studio: which tools there are for everybody; for admins."""

from __future__ import annotations

from html import escape

import streamlit as st

from app.formatting import ago
from app.people.tool_switches import switch, switches
from app.ui.guard import acting
from app.ui.layout import header
from app.ui.literal import literal_sentence
from app.ui.signed_in import require_admin, visitor
from app.ui.words import _, said
from db.actor import Actor
from db.repositories.tool_switches import SwitchRow
from studio.tools.registry import TOOL_FAULTS, TOOLS
from studio.tools.spec import ToolSpec
from studio.words import Message, msg, paragraph
from tasks.services import Services, get_services


def main() -> None:
    require_admin()
    services = get_services()
    header(_("Studio"), _("What everybody in this studio can use."))
    st.subheader(_("Tools"), anchor=False)
    words = _(
        "A tool that is switched off leaves the navigation and takes no new runs, from pages and "
        "scripts alike. Its earlier runs stay, and runs already waiting still go ahead."
    )
    st.html(f'<p class="dr-muted dr-small">{escape(words)}</p>')
    for fault in TOOL_FAULTS:
        st.error(literal_sentence(fault.message), icon=":material/extension_off:")
    known = switches(services)
    for spec in TOOLS.values():
        if not spec.is_auxiliary:
            show_tool(services, spec, known.get(spec.name))


def show_tool(services: Services, spec: ToolSpec, row: SwitchRow | None) -> None:
    is_on = row is None or row.is_on
    title = Message(spec.title)
    with (
        st.container(border=True, key=f"tool-{spec.name}"),
        st.container(horizontal=True, vertical_alignment="center"),
    ):
        st.html(describe(spec, row), width="stretch")
        key = f"switch-{spec.name}-{is_on}"
        st.toggle(
            _("{tool} is on", tool=title) if is_on else _("{tool} is off", tool=title),
            value=is_on,
            key=key,
            on_change=acting(change, who=require_admin),
            args=(services, spec.name, key),
        )


def describe(spec: ToolSpec, row: SwitchRow | None) -> str:
    sentences = [Message(spec.summary)]
    if row:
        who, when = row.changed_by, ago(row.changed_at)
        sentences.append(
            msg("Switched on by {who}, {when}.", who=who, when=when)
            if row.is_on
            else msg("Switched off by {who}, {when}.", who=who, when=when)
        )
    return (
        f"<b>{escape(said(spec.title))}</b><br><span class="
        f'"dr-muted dr-small">{escape(said(paragraph(sentences)))}</span>'
    )


def change(actor: Actor, services: Services, tool: str, key: str) -> None:
    switch(services, actor, tool, visitor(), is_on=st.session_state[key])


if __name__ == "__main__":
    main()
