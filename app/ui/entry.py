"""What Streamlit runs for every page: the gate, the navigation, and who is signed in."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path

import streamlit as st

from app.api.pages_first import pages_first
from app.people.tool_switches import switched_off
from app.ui.away import wait_for_database
from app.ui.faults import say_left, saying_faults
from app.ui.navigation import sections, tool_page
from app.ui.outermost import begin_outermost
from app.ui.own_words import own_words
from app.ui.passing import PAGE, drawing
from app.ui.signed_in import require_user
from app.ui.states import role_name
from app.ui.words import _, _n
from db.actor import Actor
from studio.tools.registry import tool_title
from studio.words import Message
from tasks.batches import unfinished
from tasks.services import get_services

_ASSETS = Path(__file__).resolve().parents[1] / "web" / "assets"


def main() -> None:
    """Run the page that the address names, for the person who is signed in."""
    st.set_page_config(
        page_title="Darkroom",
        page_icon=str(_ASSETS / "logo.svg"),
        layout="wide",
        menu_items={"Get help": None, "Report a bug": None, "About": None},
    )
    actor = wait_for_database(require_user)
    page = st.navigation(sections(actor, switched_off(get_services())), expanded=True)
    st.set_page_config(page_title=f"{page.title} · Darkroom")  # the page may say more
    st.logo(str(_ASSETS / "wordmark.svg"), icon_image=str(_ASSETS / "logo.svg"), size="large")
    with st.sidebar:
        _show_batches(actor)
        _show_person(actor)
    with drawing(PAGE), saying_faults(f"page {page.title}"):
        say_left()
        page.run()


def _show_batches(actor: Actor) -> None:
    """A way back, from every page, to the batches of the person that go on."""
    with st.container(key="batches", gap="xxsmall"):  # always, so that what is below stays
        for batch in unfinished(get_services(), actor):
            page = tool_page(batch.tool)
            if page is None:
                continue
            tool = Message(tool_title(batch.tool))
            st.page_link(
                page,
                label=_n("{tool}: {n} run to go", "{tool}: {n} runs to go", batch.left, tool=tool),
                icon=":material/progress_activity:",
                query_params={"batch": str(batch.id)},
            )


def _show_person(actor: Actor) -> None:
    """Who is signed in, and a way out that a link in somebody's mail cannot trigger."""
    st.html(_ASSETS / "frame.css")
    name, role = escape(actor.name), escape(role_name(actor.role))
    away = _(
        "The studio does not answer. What you have sent is safe; this page goes on by itself as "
        "soon as the studio is back."
    )
    out = escape(_("Sign out"))
    words = json.dumps(own_words(get_services().settings.max_upload_bytes)._asdict())
    st.html(
        f"""<div class="dr-person" data-dr-away="{escape(away)}" data-dr-words="{escape(words)}">
        <span class="dr-person-initial" aria-hidden="true">{name[0].upper()}</span>
        <span class="dr-person-name"><b>{name}</b><small>{role}</small></span>
        <form method="post" action="/account/sign-out">
        <button type="submit">{out}</button>
        </form>
        </div>"""
    )


begin_outermost()
with pages_first().drawing(), saying_faults("the frame of the pages"):
    main()
