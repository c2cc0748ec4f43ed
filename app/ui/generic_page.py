"""The page of a tool that brings none: built from its facts and its parameter model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from app.runs.reading import get_run
from app.ui import toolpage
from app.ui.consent import waits_for_consent
from app.ui.held import show_tray
from app.ui.layout import header
from app.ui.models import model_choices, pick_model
from app.ui.options import OptionForm, can_ask
from app.ui.progress import watch
from app.ui.signed_in import require_user
from app.ui.submitting import ask_run, ask_run_on
from app.ui.toolpage import ToolPage
from app.ui.trays import tray
from app.ui.uploader import pick_files
from app.ui.words import _, said
from db.models import Job
from studio.tools.spec import Media, ToolSpec
from tasks.files import StoredFile
from tasks.requests import ResultOf
from tasks.services import get_services

_ASKED_APART = ("tool", "format", "quality")


def show_tool(spec: ToolSpec) -> None:
    """What the address names, or a form with every file and option that the tool takes."""
    page = ToolPage(get_services(), require_user(), spec)
    header(said(spec.title), said(spec.summary))
    toolpage.show(page, compose=_compose)


def _compose(page: ToolPage) -> None:
    if waits_for_consent(page):
        return
    held = tray(page.tool)
    others = {role: tray(f"{page.tool}.{role}") for role in _further_roles(page.spec)}
    form = OptionForm(
        page.spec.params, toolpage.prefill(page, held, others), key=toolpage.form_key(page)
    )
    pictures, options = toolpage.sides()
    with pictures:
        toolpage.ask_pictures(page, held)
        files = {role: given for role in others if (given := _ask_files(page, role))}
    with options:
        is_installed = _ask_options(page, form)
        form.ask_format()
        ask_run(
            page,
            form,
            held,
            lambda file: page.item(file, files),
            beside=lambda _file: files,
            is_ready=is_installed and files.keys() >= set(page.spec.required_roles[1:]),
        )


def compose_on(page: ToolPage, coming: Job) -> None:
    """As any tool's form, for the one picture that ``coming`` has yet to make."""
    if waits_for_consent(page):
        return
    form = OptionForm(
        page.spec.params, toolpage.prefill(page, tray(page.tool)), key=toolpage.form_key(page)
    )
    pictures, options = st.columns([5, 3], gap="medium")
    with pictures:
        st.subheader(_("Its picture is made by"), anchor=False)
        watch(
            page.services,
            page.actor,
            lambda me: [found] if (found := get_run(page.services, me, coming.id)) else [],
            key="coming",
            drawn=[coming],
        )
        st.caption(_("Run it now, and it waits for that. Or wait here: the picture then appears."))
        if any(role.media is Media.DRAWING for role in page.spec.roles):
            st.caption(_("To paint on the picture, wait until it is here."))
        files = {
            role: given for role in _further_roles(page.spec) if (given := _ask_files(page, role))
        }
    with options, st.container(border=True, key="options"):
        is_installed = _ask_options(page, form)
        form.ask_format()
        ask_run_on(
            page,
            form,
            ResultOf(coming.id),
            files,
            is_ready=is_installed and files.keys() >= set(page.spec.required_roles[1:]),
        )


def _further_roles(spec: ToolSpec) -> list[str]:
    """What is taken beside the main picture; painted masks need a page of their own.

    What an earlier run on one picture has made is no matter of a form that is filled for any.
    """
    made = spec.reuse.role if spec.reuse else None
    return [
        role.name
        for role in spec.roles
        if role.name not in (spec.main_role, made) and role.media is not Media.DRAWING
    ]


def _ask_files(page: ToolPage, name: str) -> Sequence[StoredFile]:
    role, key = page.spec.role(name), f"{page.tool}.{name}"
    held = tray(key)
    st.subheader(said(role.title), anchor=False)
    st.caption(said(role.help))
    pick_files(page.services, held, key=key, limit=role.max_files, label=said(role.title))
    show_tray(held, key=key)
    return held.files


def _ask_options(page: ToolPage, form: OptionForm) -> bool:
    """Every parameter that has a widget and decides anything after those above it.

    Returns whether the chosen model is installed.
    """
    method = page.spec.params.METHOD_FIELD
    is_installed = True
    above: dict[str, Any] = {}
    for name in page.spec.params.model_fields:
        if (
            name in _ASKED_APART
            or name in page.spec.params.model_construct(**above).without_effect()
        ):
            continue
        choices = model_choices(page.services.settings, page.tool) if name == method else []
        if choices:
            key = f"{form.key}.{name}"
            choice = pick_model(choices, form.values[name], tool=page.tool, key=key)
            form.set(name, choice.id)
            is_installed = choice.is_installed
        elif can_ask(page.spec.params.model_fields[name]):
            form.ask(name)
        above[name] = form.values[name]
    return is_installed
