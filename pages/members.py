"""Members: who may enter, in which role; for admins."""

from __future__ import annotations

from html import escape
from uuid import UUID

import streamlit as st

from app import accounts
from app.security import require_admin, visitor
from app.ui.format import ago
from app.ui.layout import header
from db.actor import Actor
from db.models import User
from db.types import Role
from studio.errors import StudioError
from tasks.services import Services, get_services

ROLES = {
    Role.ADMIN: "Admin: manages people and sees every run",
    Role.MEMBER: "Member: runs tools",
    Role.VIEWER: "Viewer: looks and compares",
}
ISSUED = "issued-password"
REFUSED = "members-refused"


def main() -> None:
    actor = require_admin()
    services = get_services()
    header("Members", "Who may enter the studio, and what they may do there.")
    show_issued()
    show_refusal()
    people = accounts.everybody(services)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.html(f'<span class="dr-muted dr-small">{count_open(people)}</span>')
        with (
            st.popover("Add a person", icon=":material/person_add:", type="primary"),
            st.container(width=340),
        ):
            ask_new(services, actor)
    for user in people:
        show_person(services, actor, user)


def count_open(people: list[User]) -> str:
    disabled = sum(user.disabled_at is not None for user in people)
    total = f"{len(people)} {'person' if len(people) == 1 else 'people'}"
    return f"{total}, {disabled} disabled" if disabled else total


def ask_new(services: Services, actor: Actor) -> None:
    with st.form("add-person", border=False):
        name = st.text_input("Name", placeholder="For signing in, such as mei.lin")
        role = st.selectbox(
            "Role", list(ROLES), index=list(ROLES).index(Role.MEMBER), format_func=ROLES.__getitem__
        )
        if not st.form_submit_button("Add", type="primary", width="stretch"):
            return
    try:
        account = accounts.create_user(services, name, role, by=actor, visitor=visitor())
    except StudioError as error:
        st.error(error.message, icon=":material/error:")
        return
    issue(account.name, account.one_time_password)


def show_person(services: Services, actor: Actor, user: User) -> None:
    is_self = user.id == actor.id
    with (
        st.container(border=True, key=f"person-{user.id}"),
        st.container(horizontal=True, vertical_alignment="center"),
    ):
        st.html(describe(user, is_self=is_self), width="stretch")
        st.selectbox(
            f"Role of {user.name}",
            list(ROLES),
            index=list(ROLES).index(user.role),
            format_func=lambda role: role.title(),
            key=f"role-{user.id}-{user.role}",
            on_change=change_role,
            args=(services, actor, user.id, f"role-{user.id}-{user.role}"),
            label_visibility="collapsed",
            width=130,
        )
        show_actions(services, actor, user)


def describe(user: User, *, is_self: bool) -> str:
    notes = [f"added {ago(user.created_at)}"]
    if user.disabled_at:
        notes.append("disabled")
    if user.must_change_password:
        notes.append("has a one-time password")
    you = ' <span class="dr-pill dr-queued">you</span>' if is_self else ""
    return (
        f"<b>{escape(user.name)}</b>{you}<br>"
        f'<span class="dr-muted dr-small">{escape(", ".join(notes))}</span>'
    )


def show_actions(services: Services, actor: Actor, user: User) -> None:
    switch = "Enable" if user.disabled_at else "Disable"
    chosen = st.menu_button(
        "Change",
        ["Reset password", switch],
        key=f"actions-{user.id}",
        help=f"Change the account of {user.name}",
    )
    if chosen == "Reset password":
        confirm_reset(services, actor, user)
    elif chosen == "Disable":
        confirm_disable(services, actor, user)
    elif chosen == "Enable":
        accounts.enable(services, user.id, by=actor, visitor=visitor())
        st.rerun()


def change_role(services: Services, actor: Actor, user_id: UUID, key: str) -> None:
    try:
        accounts.set_role(services, user_id, st.session_state[key], by=actor, visitor=visitor())
    except StudioError as error:
        st.session_state[REFUSED] = error.message
        del st.session_state[key]


@st.dialog("Reset the password?", icon=":material/key:")
def confirm_reset(services: Services, actor: Actor, user: User) -> None:
    st.write(f"**{user.name}** is signed out everywhere and needs the new one-time password.")
    if st.button("Reset password", type="primary"):
        issue(user.name, accounts.reset_password(services, user.id, by=actor, visitor=visitor()))


@st.dialog("Disable this account?", icon=":material/person_off:")
def confirm_disable(services: Services, actor: Actor, user: User) -> None:
    st.write(f"**{user.name}** is signed out everywhere and cannot sign in. Their runs stay.")
    if st.button("Disable", type="primary"):
        try:
            accounts.disable(services, user.id, by=actor, visitor=visitor())
        except StudioError as error:
            st.session_state[REFUSED] = error.message
        st.rerun()


def issue(name: str, password: str) -> None:
    """Show the password on the next run, and until it is said to be noted."""
    st.session_state[ISSUED] = (name, password)
    st.rerun()


def show_issued() -> None:
    if ISSUED not in st.session_state:
        return
    name, password = st.session_state[ISSUED]
    with st.container(border=True, key="issued"):
        st.markdown(f":material/key: **One-time password of {name}**")
        st.code(password, language=None)
        st.html(
            '<span class="dr-muted dr-small">Hand it over now, it is shown only here. '
            "It must be changed at the first sign-in.</span>"
        )
        st.button("I have noted it", on_click=lambda: st.session_state.pop(ISSUED))


def show_refusal() -> None:
    if REFUSED in st.session_state:
        st.error(st.session_state.pop(REFUSED), icon=":material/error:")


if __name__ == "__main__":
    main()
