"""What Streamlit runs for every page: the gate, the navigation, and who is signed in."""

from __future__ import annotations

from html import escape
from pathlib import Path

import streamlit as st

from app.navigation import sections
from app.security import require_user, watch_session
from app.switches import switched_off
from db.actor import Actor
from tasks.services import get_services

_ASSETS = Path(__file__).resolve().parent / "assets"


def main() -> None:
    """Run the page that the address names, for the person who is signed in."""
    st.set_page_config(
        page_title="Darkroom",
        page_icon=str(_ASSETS / "logo.svg"),
        layout="wide",
        menu_items={"Get help": None, "Report a bug": None, "About": None},
    )
    actor = require_user()
    page = st.navigation(sections(actor, switched_off(get_services())), expanded=True)
    st.logo(str(_ASSETS / "wordmark.svg"), icon_image=str(_ASSETS / "logo.svg"), size="large")
    with st.sidebar:
        _show_person(actor)
        watch_session()
    page.run()


def _show_person(actor: Actor) -> None:
    """Who is signed in, and a way out that a link in somebody's mail cannot trigger."""
    st.html(_ASSETS / "frame.css")
    name = escape(actor.name)
    st.html(
        f"""<div class="dr-person">
        <span class="dr-person-initial" aria-hidden="true">{name[0].upper()}</span>
        <span class="dr-person-name"><b>{name}</b><small>{actor.role.title()}</small></span>
        <form method="post" action="/account/sign-out">
        <button type="submit">Sign out</button>
        </form>
        </div>"""
    )


main()
