"""Studio: which tools there are for everybody; for admins."""

from __future__ import annotations

from html import escape

import streamlit as st

from app.security import require_admin, visitor
from app.switches import switch, switches
from app.ui.format import ago
from app.ui.layout import header
from db.actor import Actor
from db.repositories.tool_switches import SwitchRow
from studio.tools.spec import TOOLS, ToolSpec
from tasks.services import Services, get_services

WHAT_THEY_DO = {
    "cutout": "Removes backgrounds.",
    "cartoon": "Draws photographs.",
    "inpaint": "Removes what is painted over.",
    "faceswap": "Replaces faces. Each person confirms once that those shown have agreed.",
    "upscale": "Enlarges pictures.",
}


def main() -> None:
    actor = require_admin()
    services = get_services()
    header("Studio", "What everybody in this studio can use.")
    st.subheader("Tools", anchor=False)
    st.html(
        '<p class="dr-muted dr-small">A tool that is switched off leaves the navigation and takes '
        "no new runs, from pages and scripts alike. Its earlier runs stay, and runs that wait "
        "already still run.</p>"
    )
    known = switches(services)
    for spec in TOOLS.values():
        if not spec.is_auxiliary:
            show_tool(services, actor, spec, known.get(spec.name))


def show_tool(services: Services, actor: Actor, spec: ToolSpec, row: SwitchRow | None) -> None:
    is_on = row is None or row.is_on
    with (
        st.container(border=True, key=f"tool-{spec.name}"),
        st.container(horizontal=True, vertical_alignment="center"),
    ):
        st.html(describe(spec, row), width="stretch")
        key = f"switch-{spec.name}-{is_on}"
        st.toggle(
            f"{spec.title} is {'on' if is_on else 'off'}",
            value=is_on,
            key=key,
            on_change=change,
            args=(services, actor, spec.name, key),
        )


def describe(spec: ToolSpec, row: SwitchRow | None) -> str:
    changed = ""
    if row:
        state = "on" if row.is_on else "off"
        changed = f" Switched {state} by {escape(row.changed_by)}, {ago(row.changed_at)}."
    return (
        f"<b>{escape(spec.title)}</b><br><span class="
        f'"dr-muted dr-small">{escape(WHAT_THEY_DO.get(spec.name, ""))}{changed}</span>'
    )


def change(services: Services, actor: Actor, tool: str, key: str) -> None:
    switch(services, actor, tool, visitor(), is_on=st.session_state[key])


if __name__ == "__main__":
    main()
