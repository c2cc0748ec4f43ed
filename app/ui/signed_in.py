"""Who looks at a page: the session behind its cookie, looked up in every run of a page."""

from __future__ import annotations

from typing import NoReturn

import streamlit as st

from app.people.sessions import SignedIn, Visitor, find_session, session_cookie
from app.runs.reading import LiveRun
from app.ui.outermost import is_part_alone
from app.ui.unbroken import end_run
from app.ui.words import _, speak_as_chosen
from db.actor import Actor
from db.models import Job
from db.repositories.history import JobRow
from tasks.services import get_services

_PERSON = "signed-in-person"
_NOBODY = "nobody"
_RELOAD = "<script>window.location.reload()</script>"


def current_session() -> SignedIn | None:
    """The person behind the page that is being run, or none."""
    services = get_services()
    token = st.context.cookies.get(session_cookie(services.settings))
    return find_session(services, token) if token else None


def require_session() -> SignedIn:
    """As :func:`require_user`, with the session itself.

    A tab that somebody else has signed in with meanwhile is over, whoever comes next: nothing of
    before is theirs, not what was set, nor what was clicked. The browser loads the page anew.
    """
    signed_in = current_session()
    if signed_in is None or signed_in.must_change_password:
        leave_page(_("Sign in to go on. If nothing happens, reload this page."))
    if st.session_state.setdefault(_PERSON, signed_in.actor.id) != signed_in.actor.id:
        # Not ``st.rerun``: further callbacks of the same message would run after it, and those of
        # the next one, to which all that was set before counts as changed.
        st.session_state[_PERSON] = _NOBODY
        words = _("Somebody else has signed in here. If nothing happens, reload this page.")
        leave_page(words)
    speak_as_chosen(signed_in.actor.locale)
    return signed_in


def require_user() -> Actor:
    """The signed-in person; every page calls this first.

    Otherwise the run of the page ends here and the browser loads it anew, which the gate
    before the pages answers with the sign-in page or the password page.
    """
    return require_session().actor


def require_runner() -> Actor:
    """The signed-in person who may run tools; for others the page begins anew, and says so."""
    actor = require_user()
    if not actor.may_run:
        st.rerun()
    return actor


def require_admin() -> Actor:
    """The signed-in admin; for others the page ends with a sentence, also where a part asks."""
    actor = require_user()
    if not actor.is_admin:
        if is_part_alone():
            st.rerun()
        st.error(_("Only admins can open this page."), icon=":material/lock:")
        end_run()
    return actor


def may_change(actor: Actor, run: Job | JobRow | LiveRun) -> bool:
    """Whether the person is offered to change the run; the record asks once more."""
    return actor.is_admin or (actor.may_run and run.owner_id == actor.id)


def visitor() -> Visitor:
    """Where the run of this page was asked from."""
    headers = st.context.headers
    return Visitor(ip=st.context.ip_address or "", agent=headers.get("User-Agent", ""))


def leave_page(words: str) -> NoReturn:
    """End the run of the page, say ``words``, and have the browser ask the gate where to go."""
    st.info(words, icon=":material/login:")
    st.html(_RELOAD, unsafe_allow_javascript=True)
    end_run()
