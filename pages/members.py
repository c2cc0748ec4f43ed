"""Members: who may enter, in which role; for admins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from html import escape
from uuid import UUID

import streamlit as st

from app.formatting import ago
from app.people import accounts
from app.ui.asked import asked, once, turn
from app.ui.guard import acting, dialog
from app.ui.issued import Secret, issued, show_issued
from app.ui.layout import header
from app.ui.literal import literal, literal_sentence
from app.ui.signed_in import require_admin, visitor
from app.ui.states import role_name
from app.ui.words import _, _n, said
from db.actor import Actor
from db.models import User
from db.types import Role
from studio.errors import StudioError
from studio.words import N_, msg
from tasks.services import Services, get_services

ROLES = {
    Role.ADMIN: N_("Admin: manages people and sees every run"),
    Role.MEMBER: N_("Member: runs tools"),
    Role.VIEWER: N_("Viewer: looks and compares"),
}
ACTIONS = {"reset": N_("Reset password"), "enable": N_("Enable"), "disable": N_("Disable")}
PASSWORD = "password"  # noqa: S105 — a kind of secret
ADD_PERSON_KEY = "add-person.do"
REFUSED = "members-refused"
REFUSALS = "members-refusals"


def main() -> None:
    actor = require_admin()
    services = get_services()
    header(_("Members"), _("Who may enter the studio, and what they may do there."))
    show_issued(PASSWORD)
    show_refusal()
    people = accounts.everybody(services)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.html(f'<span class="dr-muted dr-small">{escape(count_open(people))}</span>')
        with (
            st.popover(_("Add a person"), icon=":material/person_add:", type="primary"),
            st.container(width=340),
        ):
            ask_new(services, actor)
    for user in people:
        show_person(services, actor, user)


def count_open(people: Sequence[User]) -> str:
    disabled = sum(user.disabled_at is not None for user in people)
    if not disabled:
        return _n("{n} person", "{n} people", len(people))
    return _n(
        "{n} person, {disabled} disabled",
        "{n} people, {disabled} disabled",
        len(people),
        disabled=disabled,
    )


def ask_new(services: Services, actor: Actor) -> None:
    with st.form("add-person", border=False):
        name = st.text_input(
            _("Name"),
            placeholder=_("For signing in, such as mei.lin"),
            key=f"add-name-{turn(ADD_PERSON_KEY)}",
        )
        role = st.selectbox(
            _("Role"),
            list(ROLES),
            index=list(ROLES).index(Role.MEMBER),
            format_func=lambda role: said(ROLES[role]),
        )
        asked(
            _("Add"),
            lambda: add(services, actor, name, role),
            key=ADD_PERSON_KEY,
            submits=True,
            type="primary",
            width="stretch",
        )


def add(services: Services, actor: Actor, name: str, role: Role) -> bool:
    try:
        account = accounts.create_user(services, name, role, by=actor, visitor=visitor())
    except StudioError as error:
        st.error(literal_sentence(error), icon=":material/error:")
        return False
    issued(PASSWORD).append(one_time_password(account.name, account.one_time_password))
    return True


def show_person(services: Services, actor: Actor, user: User) -> None:
    is_self = user.id == actor.id
    with (
        st.container(border=True, key=f"person-{user.id}"),
        st.container(horizontal=True, vertical_alignment="center"),
    ):
        st.html(describe(user, is_self=is_self), width="stretch")
        key = role_key(user)
        st.selectbox(
            _("Role of {name}", name=literal(user.name)),
            list(ROLES),
            index=list(ROLES).index(user.role),
            format_func=role_name,
            key=key,
            on_change=acting(change_role, who=require_admin),
            args=(services, user.id, key),
            label_visibility="collapsed",
            width=130,
        )
        show_actions(services, user)


def describe(user: User, *, is_self: bool) -> str:
    notes = [msg("added {when}", when=ago(user.created_at))]
    if user.disabled_at:
        notes.append(msg("disabled"))
    if user.must_change_password:
        notes.append(msg("has a one-time password"))
    you = escape(_("you"))
    pill = f' <span class="dr-pill dr-queued">{you}</span>' if is_self else ""
    return (
        f"<b>{escape(user.name)}</b>{pill}<br>"
        f'<span class="dr-muted dr-small">{escape(" · ".join(map(said, notes)))}</span>'
    )


def show_actions(services: Services, user: User) -> None:
    key = f"actions-{user.id}"
    match st.menu_button(
        _("Change"),
        ["reset", "enable" if user.disabled_at else "disable"],
        format_func=lambda action: said(ACTIONS[action]),
        key=key,
        help=_("Change the account of {name}", name=literal(user.name)),
        on_click=acting(enable_if_chosen, who=require_admin),
        args=(services, user.id, key),
    ):
        case "reset":
            confirm_reset(services, user)
        case "disable":
            confirm_disable(services, user)


def enable_if_chosen(actor: Actor, services: Services, user_id: UUID, key: str) -> None:
    if st.session_state[key] == "enable":
        with refusing():
            accounts.enable(services, user_id, by=actor, visitor=visitor())


def role_key(user: User) -> str:
    """Of the box with the person's role: another one after each change and each refusal.

    A browser keeps what was chosen in a box of the same key, also when it was refused.
    """
    return f"role-{user.id}-{user.role}-{st.session_state.get(REFUSALS, 0)}"


def change_role(actor: Actor, services: Services, user_id: UUID, key: str) -> None:
    with refusing():
        accounts.set_role(services, user_id, st.session_state[key], by=actor, visitor=visitor())


@dialog(N_("Reset the password?"), icon=":material/key:", who=require_admin)
def confirm_reset(_actor: Actor, services: Services, user: User) -> None:
    st.write(
        _(
            "**{name}** is signed out everywhere and needs the new one-time password.",
            name=literal(user.name),
        )
    )
    key = f"reset-{user.id}"
    st.button(
        _("Reset password"),
        type="primary",
        key=key,
        on_click=once(key, reset_password, who=require_admin),
        args=(services, user),
    )


def reset_password(actor: Actor, services: Services, user: User) -> None:
    with refusing():
        password = accounts.reset_password(services, user.id, by=actor, visitor=visitor())
        issued(PASSWORD).append(one_time_password(user.name, password))


@dialog(N_("Disable this account?"), icon=":material/person_off:", who=require_admin)
def confirm_disable(_actor: Actor, services: Services, user: User) -> None:
    st.write(
        _(
            "**{name}** is signed out everywhere and cannot sign in. Their runs stay.",
            name=literal(user.name),
        )
    )
    st.button(
        _("Disable"),
        type="primary",
        on_click=once(f"disable-{user.id}", disable, who=require_admin),
        args=(services, user.id),
    )


def disable(actor: Actor, services: Services, user_id: UUID) -> None:
    with refusing():
        accounts.disable(services, user_id, by=actor, visitor=visitor())


@contextmanager
def refusing() -> Iterator[None]:
    """Say on the next run, above the list, why something was not done."""
    try:
        yield
    except StudioError as error:
        st.session_state[REFUSED] = literal_sentence(error)
        st.session_state[REFUSALS] = st.session_state.get(REFUSALS, 0) + 1


def one_time_password(name: str, password: str) -> Secret:
    note = _("Hand it over now, it is shown only here. It must be changed at the first sign-in.")
    return Secret(_("One-time password of {name}", name=literal(name)), password, note)


def show_refusal() -> None:
    if REFUSED in st.session_state:
        st.error(st.session_state.pop(REFUSED), icon=":material/error:")


if __name__ == "__main__":
    main()
