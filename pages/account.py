"""Account: my password, the browsers I am signed in with, my API tokens."""

from __future__ import annotations

from html import escape

import streamlit as st

from app import sessions
from app.agents import describe_agent
from app.middleware import PASSWORD_PATH
from app.security import require_session, visitor
from app.sessions import SignedIn
from app.ui.format import ago
from app.ui.layout import header
from db.actor import Actor
from db.models import ApiToken, UserSession
from tasks.services import Services, get_services

ISSUED = "issued-token"


def main() -> None:
    signed_in = require_session()
    services = get_services()
    header("Account", f"{signed_in.actor.name} · {signed_in.actor.role.title()}")
    st.subheader("Password", anchor=False)
    st.html(f'<a class="dr-button" href="{PASSWORD_PATH}" target="_self">Change password</a>')
    show_sessions(services, signed_in)
    show_tokens(services, signed_in.actor)


def show_sessions(services: Services, signed_in: SignedIn) -> None:
    found = sessions.sessions_of(services, signed_in.actor)
    st.subheader("Signed in with", anchor=False)
    for session in found:
        is_here = session.id == signed_in.session_id
        with st.container(border=True, key=f"session-{session.id}"):
            st.html(describe_session(session, is_here=is_here))
    if len(found) > 1 and st.button("Sign out everywhere else", icon=":material/logout:"):
        sessions.end_other_sessions(services, signed_in, visitor())
        st.rerun()


def describe_session(session: UserSession, *, is_here: bool) -> str:
    here = ' <span class="dr-pill dr-succeeded">this browser</span>' if is_here else ""
    where = f" from {escape(session.ip)}" if session.ip else ""
    return (
        f"<b>{escape(describe_agent(session.agent))}</b>{here}<br>"
        f'<span class="dr-muted dr-small">signed in {ago(session.created_at)}{where}</span>'
    )


def show_tokens(services: Services, actor: Actor) -> None:
    st.subheader("API tokens", anchor=False)
    st.html(
        '<p class="dr-muted dr-small">With a token, a script can do what you can do. '
        "Send it as <code>Authorization: Bearer …</code> to <code>/api/v1</code>.</p>"
    )
    show_issued()
    for token in sessions.api_tokens_of(services, actor):
        show_token(services, actor, token)
    with (
        st.popover("New token", icon=":material/add:"),
        st.form("new-token", border=False, width=320),
    ):
        name = st.text_input("Name", placeholder="What it is for")
        if st.form_submit_button("Create", type="primary") and name.strip():
            st.session_state[ISSUED] = sessions.create_api_token(services, actor, name, visitor())
            st.rerun()


def show_token(services: Services, actor: Actor, token: ApiToken) -> None:
    used = f"last used {ago(token.last_used_at)}" if token.last_used_at else "never used"
    with (
        st.container(border=True, key=f"token-{token.id}"),
        st.container(horizontal=True, vertical_alignment="center"),
    ):
        st.html(
            f"<b>{escape(token.name)}</b> <code>{escape(token.prefix)}…</code><br>"
            f'<span class="dr-muted dr-small">created {ago(token.created_at)}, {used}</span>',
            width="stretch",
        )
        if st.button("Revoke", key=f"revoke-{token.id}"):
            sessions.revoke_api_token(services, actor, token.id, visitor())
            st.rerun()


def show_issued() -> None:
    if ISSUED not in st.session_state:
        return
    with st.container(border=True, key="issued"):
        st.markdown(":material/key: **Your new token**")
        st.code(st.session_state[ISSUED], language=None)
        st.html('<span class="dr-muted dr-small">Copy it now, it is shown only here.</span>')
        st.button("I have noted it", on_click=lambda: st.session_state.pop(ISSUED))


if __name__ == "__main__":
    main()
