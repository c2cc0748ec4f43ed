"""What a run made, handed to another tool or once more to the same."""

from __future__ import annotations

import streamlit as st

from app.people.tool_switches import switched_off
from app.runs.reading import find_output
from app.ui.navigation import tool_page
from app.ui.unbroken import unbroken
from app.ui.uploader import tray
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
        for spec in TOOLS.values():
            page = tool_page(spec.name)
            if page is None or spec.name in off:
                continue
            st.page_link(
                page,
                label=said(spec.title),
                icon=f":material/{spec.icon}:",
                query_params={USE: str(job.id)},
            )


def is_to_come(actor: Actor, job: Job) -> bool:
    """Whether this is the person's own run, whose result others of theirs may wait for."""
    return job.owner_id == actor.id and not job.state.is_terminal


def bring(tool: str, result: JobOutput) -> None:
    """Have ``result`` alone lie on the page of ``tool``, whose address names its run.

    Once: the address says so from now on, so that a reload brings nothing back that was taken out.
    """
    mark = result.job_id.hex
    if st.query_params.get(_BROUGHT) != mark:
        with unbroken():
            tray(tool).hold(result)
            st.query_params[_BROUGHT] = mark
