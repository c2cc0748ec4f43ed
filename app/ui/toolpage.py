"""The frame that all tool pages share: what was run, or a form to run something."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import streamlit as st

from app.navigation import HISTORY, RUN, STUDIO
from app.runs import batch_runs, get_run, main_input, recent_runs
from app.sample import sample_picture
from app.switches import switched_off
from app.ui import gallery, states
from app.ui.format import count, file_size
from app.ui.links import archive_url
from app.ui.options import OptionForm
from app.ui.progress import watch
from app.ui.result import (
    offer_formats,
    show_downloads,
    show_notes,
    show_result,
    show_source,
)
from app.ui.uploader import Tray, pick_files, show_tray
from db.actor import Actor
from db.models import Job
from db.repositories.history import JobRow
from db.states import JobState
from db.types import Origin, Visibility
from studio.errors import StudioError
from studio.imaging.decode import READABLE
from studio.tools.estimate import Estimate, describe
from studio.tools.spec import TOOLS
from tasks.services import Services
from tasks.submit import Item, StoredFile, submit

RECENT = 6


@dataclass(frozen=True, slots=True)
class ToolPage:
    """Who is on which tool's page, and with what services.

    Attributes:
        tool: name in the registry.
        path: of the page, for links.
        verb: what its button does, as in "Cut out 3 pictures".

    """

    services: Services
    actor: Actor
    tool: str
    path: str
    verb: str


def query_id(name: str) -> UUID | None:
    """The run or batch that the address names; None when it names none."""
    try:
        return UUID(st.query_params[name])
    except (KeyError, ValueError):
        return None


def form_key(page: ToolPage) -> str:
    """Prefix of the form's widgets; another run to start from is another form."""
    source = query_id("from")
    return f"{page.tool}.{source.hex if source else 'new'}"


def show(
    page: ToolPage,
    *,
    compose: Callable[[ToolPage], None],
    beside_result: Callable[[ToolPage, Job], None] | None = None,
) -> None:
    """What the address names, or the form to run something, above the person's last runs."""
    job_id, batch_id = query_id("job"), query_id("batch")
    job = get_run(page.services, page.actor, job_id) if job_id else None
    batch = batch_runs(page.services, page.actor, batch_id) if batch_id else []
    if job and job.tool == page.tool:
        _show_job(page, job, beside_result)
        return
    if batch and batch_id:
        _show_batch(page, batch_id, batch)
        return
    if job_id or batch_id:
        st.info("That run does not exist, or it is private.", icon=":material/search_off:")
    if page.tool in switched_off(page.services):
        _say_switched_off(page)
    elif page.actor.may_run:
        compose(page)
    else:
        _refuse_viewer()
    _show_recent(page)


def _show_batch(page: ToolPage, batch_id: UUID, rows: Sequence[JobRow]) -> None:
    _title_bar(page, count(len(rows), "picture"))
    watch(
        page.services,
        page.actor,
        lambda: batch_runs(page.services, page.actor, batch_id),
        key="batch",
    )
    finished = [row for row in rows if row.state.is_terminal]
    done = sum(row.state is JobState.SUCCEEDED for row in finished)
    if done:
        label = f"Download {count(done, 'result')} as ZIP"
        st.html(
            f'<div class="dr-buttons"><a class="dr-primary" href="{archive_url(batch_id)}" '
            f"download>{label}</a></div>"
        )
    if finished:
        gallery.cards(finished, key="batch", page=page.path, parameter="job")


def _show_job(
    page: ToolPage, job: Job, beside_result: Callable[[ToolPage, Job], None] | None
) -> None:
    _title_bar(page, job.title)
    picture, side = st.columns([5, 3], gap="medium")
    with picture:
        is_unfinished = watch(
            page.services,
            page.actor,
            lambda: [found] if (found := get_run(page.services, page.actor, job.id)) else [],
            key="job",
        )
        if is_unfinished:
            show_source(job)
        else:
            show_result(job)
    with side:
        show_downloads(job)
        show_notes(job)
        offer_formats(page.services, job)
        is_on = page.tool not in switched_off(page.services)
        _show_ways_on(page, job, is_on=is_on)
        if beside_result and is_on and job.state is JobState.SUCCEEDED:
            beside_result(page, job)


def _show_ways_on(page: ToolPage, job: Job, *, is_on: bool) -> None:
    if page.actor.may_run and is_on and job.state.is_terminal:
        st.page_link(
            page.path,
            label="Edit and run again",
            icon=":material/edit:",
            query_params={"from": str(job.id)},
        )
    st.page_link(
        RUN,
        label="Run details",
        icon=":material/description:",
        query_params={"id": str(job.id)},
    )
    if job.batch_id:
        st.page_link(
            page.path,
            label="All pictures of this batch",
            icon=":material/grid_view:",
            query_params={"batch": str(job.batch_id)},
        )


def prefill(
    page: ToolPage, held: Tray, others: Mapping[str, Tray] | None = None
) -> Mapping[str, Any]:
    """What ``?from=`` asks to start with: that run's picture in the tray, its params.

    ``others`` are the trays of further roles, filled with what the run read in them.
    """
    job_id = query_id("from")
    job = get_run(page.services, page.actor, job_id) if job_id else None
    if job is None or job.tool != page.tool:
        return {}
    taken = f"{page.tool}.prefilled"
    if st.session_state.get(taken) != job.id:
        st.session_state[taken] = job.id
        held.empty()
        held.take_input(main_input(job))
        for role, tray in (others or {}).items():
            tray.empty()
            for file in job.inputs:
                if file.role == role:
                    tray.take_input(file)
    return job.params


def ask_pictures(
    page: ToolPage, held: Tray, add: Callable[[StoredFile], str] | None = None
) -> None:
    """The drop zone, a sample for who has no picture at hand, and what was chosen."""
    settings = page.services.settings
    limit = settings.max_files_per_run
    pick_files(page.services, held, key=page.tool, limit=limit, label="Pictures")
    if not held.chosen:
        st.caption(
            f"Up to {count(limit, 'picture')} of {file_size(settings.max_upload_bytes)} each: "
            f"{READABLE}."
        )
        if st.button("Try a sample", icon=":material/face:", key=f"{page.tool}.sample"):
            held.take(page.services, [sample_picture()], limit=1)
            st.rerun()
        return
    with st.container(horizontal=True, vertical_alignment="center", key="tray-bar"):
        st.markdown(f"**{count(len(held.chosen), 'picture')}**")
        if st.button("Clear", type="tertiary", icon=":material/close:", key=f"{page.tool}.clear"):
            held.empty()
            st.rerun()
    show_tray(held, add)


def show_expectation(each: Sequence[Estimate | None]) -> None:
    """How long all pictures may take together, and what that rests on."""
    if not each:
        return
    known = [one for one in each if one]
    total = replace(known[0], seconds=sum(one.seconds for one in known)) if known else None
    st.caption(f":material/schedule: Time: {describe(total)}")


def run_button(page: ToolPage, held: Tray, *, is_ready: bool) -> bool:
    """The one primary button of the page; True when it was pressed."""
    few = len(held.chosen) <= 1
    label = page.verb if few else f"{page.verb} {count(len(held.chosen), 'picture')}"
    return st.button(
        label,
        type="primary",
        width="stretch",
        disabled=not held.chosen or not is_ready,
        key=f"{page.tool}.run",
    )


def ask_visibility(page: ToolPage) -> Visibility:
    """Who will see the run."""
    is_private = st.checkbox(
        "Private",
        key=f"{page.tool}.private",
        help="Only you and the admins see a private run; others are seen by the whole team.",
    )
    return Visibility.PRIVATE if is_private else Visibility.TEAM


def send(
    page: ToolPage,
    form: OptionForm,
    items: Sequence[Item],
    *,
    visibility: Visibility,
    parent_id: UUID | None = None,
) -> None:
    """Submit and show what was submitted; a refusal is said in place."""
    try:
        job_ids = submit(
            page.services,
            page.actor,
            page.tool,
            form.parse(),
            items,
            visibility=visibility,
            parent_id=parent_id,
            origin=Origin.EDIT if parent_id else None,
        )
    except StudioError as error:
        st.error(error.message, icon=":material/error:")
        return
    _open_runs(page, job_ids)


def _open_runs(page: ToolPage, job_ids: Sequence[UUID]) -> None:
    """Put the runs in the address, so that a reload shows them again."""
    first = get_run(page.services, page.actor, job_ids[0])
    if len(job_ids) > 1 and first and first.batch_id:
        st.query_params.from_dict({"batch": str(first.batch_id)})
    else:
        st.query_params.from_dict({"job": str(job_ids[0])})
    st.rerun()


def _show_recent(page: ToolPage) -> None:
    """The person's own last runs of this tool."""
    rows = recent_runs(page.services, page.actor, page.tool, RECENT)
    if rows:
        st.subheader("Your recent runs", anchor=False)
        gallery.cards(rows, key="recent", page=page.path, parameter="job", min_width_px=130)


def _refuse_viewer() -> None:
    """Viewers look and compare; the page says so instead of showing a form."""
    states.empty(
        "You can look, but not run",
        "Your account may see results. Ask an admin to make you a member to run tools.",
        icon="visibility",
    )
    st.page_link(HISTORY, label="Open the history", icon=":material/history:")


def _say_switched_off(page: ToolPage) -> None:
    states.empty(
        f"{TOOLS[page.tool].title} is switched off",
        "An admin has switched this tool off. Its earlier runs can still be seen.",
        icon="toggle_off",
    )
    if page.actor.is_admin:
        st.page_link(STUDIO, label="Switch tools on and off", icon=":material/tune:")


def _title_bar(page: ToolPage, title: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="result-bar"):
        st.subheader(title, anchor=False)
        if page.actor.may_run and st.button("New run", icon=":material/add:", key="new-run"):
            st.query_params.clear()
            st.rerun()
