"""What a run made, handed to another tool or once more to the same."""

from __future__ import annotations

from html import escape

import streamlit as st

from app.people.tool_switches import switched_off
from app.runs.reading import find_output
from app.ui.navigation import tool_page
from app.ui.trays import tray
from app.ui.unbroken import unbroken
from app.ui.words import _, said
from db.actor import Actor
from db.models import Job, JobOutput
from studio.tools.registry import TOOLS
from tasks.services import Services

USE = "use"
"""Names in the address of a tool's page the run whose result lies in its tray, or is to come."""

_BROUGHT = "brought"


def offer_further_use(services: Services, actor: Actor, job: Job) -> None:
    """A link for each tool that opens its page with the result of ``job`` as its picture.

    That of one's own run may be yet to come.
    """
    result = find_output(job)
    if not actor.may_run or (result is None and not is_to_come(actor, job)):
        return
    off = switched_off(services)
    with st.popover(_("Use this result in…"), icon=":material/arrow_forward:", width="stretch"):
        if result is None:
            st.caption(_("Set the next run up now: it waits for this one."))
        links = (
            f'<a href="/{escape(spec.name)}?{USE}={job.id}" target="_self">'
            f"{escape(said(spec.title))}</a>"
            for spec in TOOLS.values()
            if tool_page(spec.name) and spec.name not in off
        )
        # Plain links: those of Streamlit leave the address that they are on in the browser's way
        # back, with what was to be used.
        st.html(f'<div class="dr-buttons dr-stacked">{"".join(links)}</div>')


def is_to_come(actor: Actor, job: Job) -> bool:
    """Whether this is the person's own run, whose result others of theirs may wait for."""
    return job.owner_id == actor.id and not job.state.is_terminal


def bring(tool: str, result: JobOutput) -> None:
    """Have ``result`` alone lie on the page of ``tool``, whose address names its run.

    Once: the address says so from now on, so that a reload brings nothing back that was taken out;
    and this visit knows it, so that neither does the way back to the address of before.
    """
    mark = result.job_id.hex
    known = st.session_state.setdefault(f"{tool}.{_BROUGHT}", set())
    if mark in known or st.query_params.get(_BROUGHT) == mark:
        return
    with unbroken():
        tray(tool).hold(result)
        known.add(mark)
        st.query_params[_BROUGHT] = mark
