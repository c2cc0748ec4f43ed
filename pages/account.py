"""Account: my password, my language, the browsers I am signed in with, my API tokens."""

from __future__ import annotations

from datetime import timedelta
from html import escape
from uuid import UUID

import streamlit as st

from app.formatting import ago, day
from app.people import accounts, sessions
from app.people.agents import describe_agent
from app.people.sessions import SignedIn
from app.ui import states
from app.ui.asked import asked, turn
from app.ui.guard import acting
from app.ui.issued import Secret, issued, show_issued
from app.ui.layout import header
from app.ui.signed_in import require_session, visitor
from app.ui.states import role_name
from app.ui.words import _, _n, said
from app.web.middleware import PASSWORD_PATH
from db.actor import Actor
from db.models import ApiToken, UserSession
from db.types import Scope, utc_now
from studio.words import N_, msg
from studio.words.language import language, locales
from tasks.services import Services, get_services

TOKEN = "token"  # noqa: S105 — a kind of secret
CREATE_TOKEN_KEY = "new-token.do"  # noqa: S105 — of a button
SCOPES = {
    Scope.READ: N_("Reads runs and their files"),
    Scope.RUN: N_("Reads, and runs tools"),
    Scope.ADMIN: N_("Does all that an admin can"),
}
LIFETIMES_DAYS = (30, 90, 365)
LANGUAGE = "language"
# In place of a language: the browser says which.
BROWSERS = ""


def main() -> None:
    signed_in = require_session()
    services = get_services()
    actor = signed_in.actor
    header(_("Account"), f"{actor.name} · {role_name(actor.role)}")
    st.subheader(_("Password"), anchor=False)
    change = escape(_("Change password"))
    st.html(f'<a class="dr-button" href="{PASSWORD_PATH}" target="_self">{change}</a>')
    show_language(actor)
    show_sessions(services, signed_in)
    show_tokens(services, actor)


def show_language(actor: Actor) -> None:
    """What the studio speaks, where there is anything to choose."""
    known = locales()
    if len(known) == 1:
        return
    st.subheader(_("Language"), anchor=False)
    names = {BROWSERS: _("As the browser says")} | {one: language(one).name for one in known}
    offered = list(names)
    st.selectbox(
        _("Language"),
        offered,
        index=offered.index(actor.locale) if actor.locale in known else 0,
        format_func=names.__getitem__,
        key=LANGUAGE,
        on_change=acting(choose_language),
        label_visibility="collapsed",
        width=320,
    )


def choose_language(actor: Actor) -> None:
    locale = st.session_state[LANGUAGE]
    accounts.choose_language(get_services(), actor, locale or None, visitor())


def show_sessions(services: Services, signed_in: SignedIn) -> None:
    found = sessions.sessions_of(services, signed_in.actor)
    st.subheader(_("Signed in with"), anchor=False)
    for session in found:
        is_here = session.id == signed_in.session_id
        with st.container(border=True, key=f"session-{session.id}"):
            st.html(describe_session(session, is_here=is_here))
    if len(found) > 1:
        st.button(
            _("Sign out everywhere else"),
            icon=":material/logout:",
            on_click=acting(sign_out_elsewhere),
            args=(services,),
        )


def sign_out_elsewhere(_actor: Actor, services: Services) -> None:
    sessions.end_other_sessions(services, require_session(), visitor())


def describe_session(session: UserSession, *, is_here: bool) -> str:
    here = escape(_("this browser"))
    pill = f' <span class="dr-pill dr-succeeded">{here}</span>' if is_here else ""
    when = ago(session.created_at)
    words = (
        _("signed in {when} from {address}", when=when, address=session.ip)
        if session.ip
        else _("signed in {when}", when=when)
    )
    return (
        f"<b>{escape(said(describe_agent(session.agent)))}</b>{pill}<br>"
        f'<span class="dr-muted dr-small">{escape(words)}</span>'
    )


def show_tokens(services: Services, actor: Actor) -> None:
    st.subheader(_("API tokens"), anchor=False)
    words = states.sentence(
        msg(
            "With a token, a script acts for you. Send it as `Authorization: Bearer …` to "
            "`/api/v1`. All tokens end when your password changes."
        )
    )
    st.html(f'<p class="dr-muted dr-small">{words}</p>')
    show_issued(TOKEN)
    for token in sessions.api_tokens_of(services, actor):
        show_token(services, token)
    with (
        st.expander(_("New token"), icon=":material/add:"),
        st.form("new-token", border=False, width=320),
    ):
        name = st.text_input(
            _("Name"),
            placeholder=_("What it is for"),
            max_chars=sessions.MAX_TOKEN_NAME_CHARS,
            key=f"token-name-{turn(CREATE_TOKEN_KEY)}",
        )
        scopes = {scope: said(SCOPES[scope]) for scope in SCOPES if may_grant(actor, scope)}
        lifetimes = {days: _n("{n} day", "{n} days", days) for days in LIFETIMES_DAYS}
        scope = st.selectbox(
            _("What it does"),
            list(scopes),
            index=min(1, len(scopes) - 1),
            format_func=scopes.__getitem__,
        )
        days = st.selectbox(
            _("It ends after"),
            list(lifetimes),
            index=1,
            format_func=lifetimes.__getitem__,
        )
        asked(
            _("Create"),
            lambda: create_token(services, actor, name, scope, days),
            key=CREATE_TOKEN_KEY,
            submits=True,
            type="primary",
        )


def create_token(services: Services, actor: Actor, name: str, scope: Scope, days: int) -> bool:
    if not name.strip():
        st.error(_("Give it a name first."))
        return False
    secret = sessions.create_api_token(
        services, actor, name, visitor(), scope=scope, lifetime=timedelta(days=days)
    )
    note = _("Copy it now, it is shown only here.")
    issued(TOKEN).append(Secret(_("Your new token"), secret, note))
    return True


def may_grant(actor: Actor, scope: Scope) -> bool:
    return {Scope.READ: True, Scope.RUN: actor.may_run, Scope.ADMIN: actor.is_admin}[scope]


def show_token(services: Services, token: ApiToken) -> None:
    scope = sessions.scope_of(token)
    facts = [
        said(SCOPES[scope]) if scope else _("May do nothing"),
        _("created {when}", when=ago(token.created_at)),
        _("last used {when}", when=ago(token.last_used_at))
        if token.last_used_at
        else _("never used"),
        ending(token),
    ]
    with (
        st.container(border=True, key=f"token-{token.id}"),
        st.container(horizontal=True, vertical_alignment="center"),
    ):
        st.html(
            f"<b>{escape(token.name)}</b> <code>{escape(token.prefix)}…</code><br>"
            f'<span class="dr-muted dr-small">{escape(" · ".join(facts))}</span>',
            width="stretch",
        )
        st.button(
            _("Revoke"),
            key=f"revoke-{token.id}",
            on_click=acting(revoke),
            args=(services, token.id),
        )


def revoke(actor: Actor, services: Services, token_id: UUID) -> None:
    sessions.revoke_api_token(services, actor, token_id, visitor())


def ending(token: ApiToken) -> str:
    if token.expires_at is None:
        return _("never ends")
    last, is_over = day(token.expires_at), token.expires_at <= utc_now()
    return _("ended on {day}", day=last) if is_over else _("ends on {day}", day=last)


if __name__ == "__main__":
    main()
