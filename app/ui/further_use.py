"""What a run made, handed to another tool or once more to the same."""

from __future__ import annotations

from uuid import UUID

import streamlit as st

from app.people.tool_switches import switched_off
from app.runs.reading import find_output
from app.ui.navigation import tool_page
from app.ui.uploader import tray
from app.ui.words import _, said
from db.actor import Actor
from db.models import Job, JobOutput
from studio.tools.registry import TOOLS
from tasks.services import Services

USE = "use"
"""Names in the address of a tool's page the run whose result lies in its tray, or is to come."""


def offer_further_use(services: Services, actor: Actor, job: Job) -> None:
    """A button for each tool that opens its page with the result of ``job`` as its picture.

    That of one's own run may be yet to come.
    """
    result = find_output(job)
    if not actor.may_run or (result is None and not is_to_come(actor, job)):
        return
    off = switched_off(services)
    with st.popover(_("Use this result in…"), icon=":material/arrow_forward:", width="stretch"):
        if result is None:
            st.caption(_("Set the next run up now: it waits for this one."))
        for spec in TOOLS.values():
            page = tool_page(spec.name)
            if page is None or spec.name in off:
                continue
            icon, where = f":material/{spec.icon}:", {USE: str(job.id)}
            if result is None:
                st.page_link(page, label=said(spec.title), icon=icon, query_params=where)
                continue
            key = f"use.{job.id.hex}.{spec.name}"
            if st.button(said(spec.title), icon=icon, key=key, width="stretch"):
                put_in_tray(spec.name, result)
                st.switch_page(page, query_params=where)


def is_to_come(actor: Actor, job: Job) -> bool:
    """Whether this is the person's own run, whose result others of theirs may wait for."""
    return job.owner_id == actor.id and not job.state.is_terminal


def put_in_tray(tool: str, result: JobOutput) -> None:
    """Have ``result`` lie on the page of ``tool`` alone."""
    tray(tool).hold(result)
    note_brought(tool, result.job_id)


def note_brought(tool: str, job_id: UUID) -> None:
    """Of the run that an address names, the result was put in the tray; it may be taken out."""
    st.session_state[f"{tool}.brought"] = job_id


def is_brought(tool: str, job_id: UUID) -> bool:
    """Whether the result of that run was put in the tray in this tab."""
    return bool(st.session_state.get(f"{tool}.brought") == job_id)
