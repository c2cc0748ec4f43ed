"""The frame that all tool pages share: what was run, or a form to run something."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any
from uuid import UUID

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.navigation.page import Page

from app.formatting import file_size
from app.people.tool_switches import switched_off
from app.runs.addresses import archive_url
from app.runs.following import FOLLOW_S, has_open, read_again
from app.runs.parameters import initial_values, params_fault
from app.runs.reading import batch_runs, find_output, get_run, recent_runs
from app.runs.sample import sample_picture
from app.ui import gallery, memory, states
from app.ui.awaited import show_awaited
from app.ui.further_use import USE, bring, is_to_come, offer_further_use
from app.ui.guard import acting, fragment
from app.ui.held import show_tray
from app.ui.layout import go_to, name_tab, show_address
from app.ui.literal import literal, literal_sentence
from app.ui.navigation import HISTORY, RUN, STUDIO, tool_page
from app.ui.progress import watch
from app.ui.refused import say_left_out
from app.ui.result import (
    offer_formats,
    show_downloads,
    show_notes,
    show_result,
    show_source,
)
from app.ui.trays import Tray
from app.ui.unbroken import unbroken
from app.ui.uploader import pick_files
from app.ui.words import _, _n, said
from db.actor import Actor
from db.models import Job
from db.repositories.history import JobRow
from db.states import JobState
from studio.imaging.refusals import READABLE
from studio.tools.spec import ToolSpec
from studio.words import msg
from tasks.files import StoredFile
from tasks.requests import ResultOf, RunItem
from tasks.services import Services

RECENT = 6


@dataclass(frozen=True, slots=True)
class ToolPage:
    """Who is on which tool's page, and with what services."""

    services: Services
    actor: Actor
    spec: ToolSpec

    @property
    def tool(self) -> str:
        """The tool's name."""
        return self.spec.name

    @property
    def path(self) -> str | Page:
        """Of this page, for links."""
        return tool_page(self.tool) or RUN

    def item(
        self,
        main: StoredFile,
        files: Mapping[str, Sequence[StoredFile | ResultOf]] | None = None,
        *,
        taken_over: Collection[str] = (),
    ) -> RunItem:
        """A run on ``main``, and on ``files`` in further roles, some perhaps ``taken_over``."""
        return RunItem({self.spec.main_role: [main], **(files or {})}, taken_over=taken_over)


def query_id(name: str) -> UUID | None:
    """The run or batch that the address names; None when it names none."""
    try:
        return UUID(st.query_params[name])
    except (KeyError, ValueError):
        return None


def form_key(page: ToolPage) -> str:
    """Prefix of the form's widgets; another run to start from is another form."""
    source, number = query_id("from"), memory.form_number(page.spec.params)
    return f"{page.tool}.{source.hex if source else 'new'}{f'.{number}' if number else ''}"


def show(
    page: ToolPage,
    *,
    compose: Callable[[ToolPage], None],
    beside_result: Callable[[ToolPage, Job], None] | None = None,
) -> None:
    """What the address names, or the form to run something, above the person's last runs."""
    show_address(page.tool)
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
        st.info(_("That run does not exist, or it is private."), icon=":material/search_off:")
    if page.tool in switched_off(page.services):
        _say_switched_off(page)
    elif page.actor.may_run:
        _compose(page, compose)
    else:
        _refuse_viewer()
    _show_recent(page)


def _compose(page: ToolPage, compose: Callable[[ToolPage], None]) -> None:
    """The form: ``compose``, or a plain one while the picture to use has yet to be made."""
    job_id = query_id(USE)
    job = get_run(page.services, page.actor, job_id) if job_id else None
    if job and is_to_come(page.actor, job):
        from app.ui.generic_page import compose_on  # stands on this module

        compose_on(page, job)
        return
    if job:
        _bring(page, job)
    compose(page)


def _bring(page: ToolPage, job: Job) -> None:
    """Have the result of the run that the address names in the tray, once; or say it has none."""
    made = find_output(job)
    if made:
        bring(page.tool, made)
    elif job.state.is_terminal:
        label = said(states.STATE_LABELS[job.state])
        words = msg(
            "“{title}” was to be used here, and has no picture: {state}.",
            title=job.title,
            state=label,
        )
        st.warning(literal_sentence(words), icon=":material/image_not_supported:")


def _show_batch(page: ToolPage, batch_id: UUID, rows: Sequence[JobRow]) -> None:
    _title_bar(page, _n("{n} picture", "{n} pictures", len(rows)))
    say_left_out(page.tool, batch_id)
    watch(
        page.services,
        page.actor,
        lambda actor: batch_runs(page.services, actor, batch_id),
        key="batch",
        drawn=rows,
        batch_id=batch_id,
    )
    finished = [row for row in rows if row.state.is_terminal]
    done = sum(row.state is JobState.SUCCEEDED for row in finished)
    if done:
        label = _n("Download {n} result as ZIP", "Download {n} results as ZIP", done)
        st.html(
            f'<div class="dr-buttons"><a class="dr-primary" href="{archive_url(batch_id)}" '
            f"download>{escape(label)}</a></div>"
        )
    if finished:
        gallery.cards(finished, key="batch", page=page.path, parameter="job")


def _show_job(
    page: ToolPage, job: Job, beside_result: Callable[[ToolPage, Job], None] | None
) -> None:
    _title_bar(page, job.title)
    say_left_out(page.tool, job.id)
    picture, side = st.columns([5, 3], gap="medium")
    with picture:
        is_unfinished = watch(
            page.services,
            page.actor,
            lambda actor: [found] if (found := get_run(page.services, actor, job.id)) else [],
            key="job",
            drawn=[job],
        )
        if is_unfinished:
            show_source(job)
        else:
            show_result(job)
        show_awaited(page.services, page.actor, job)
    with side:
        show_downloads(job)
        show_notes(job)
        offer_formats(page.services, job)
        offer_further_use(page.services, page.actor, job)
        is_on = page.tool not in switched_off(page.services)
        _show_ways_on(page, job, is_on=is_on)
        if beside_result and is_on and job.state is JobState.SUCCEEDED:
            beside_result(page, job)


def _show_ways_on(page: ToolPage, job: Job, *, is_on: bool) -> None:
    if page.actor.may_run and is_on and job.state.is_terminal:
        st.page_link(
            page.path,
            label=_("Edit and run again"),
            icon=":material/edit:",
            query_params={"from": str(job.id)},
        )
    st.page_link(
        RUN,
        label=_("Run details"),
        icon=":material/description:",
        query_params={"id": str(job.id)},
    )
    if job.batch_id:
        st.page_link(
            page.path,
            label=_("All pictures of this batch"),
            icon=":material/grid_view:",
            query_params={"batch": str(job.batch_id)},
        )


def sides() -> tuple[DeltaGenerator, DeltaGenerator]:
    """Where the pictures go, and the frame for the options beside them."""
    pictures, options = st.columns([5, 3], gap="medium")
    return pictures, options.container(border=True, key="options")


def prefill(
    page: ToolPage, held: Tray, others: Mapping[str, Tray] | None = None
) -> Mapping[str, Any]:
    """The options to start with: as they were left, or those of the run in ``?from=``.

    Such a run is taken up once, with its picture, so that a reload keeps what was changed since.
    ``others`` are the trays of further roles, filled with what the run read in them.
    """
    params, job_id = page.spec.params, query_id("from")
    memory.say_outdated(params)
    job = get_run(page.services, page.actor, job_id) if job_id else None
    if job is None or job.tool != page.tool:
        return memory.recall(params).params
    if fault := params_fault(job):
        st.warning(
            _(
                "{fault} The options below are the usual ones.",
                fault=literal_sentence(fault),
            ),
            icon=":material/info:",
        )
    if memory.recall(params).from_id != job.id:
        with unbroken():
            _fill(held, job, page.spec.main_role)
            for role, tray in (others or {}).items():
                _fill(tray, job, role)
            memory.start_from(params, initial_values(job), job.id)
    return memory.recall(params).params


def _fill(tray: Tray, job: Job, role: str) -> None:
    tray.hold(*(file for file in job.inputs if file.role == role))


def ask_pictures(
    page: ToolPage, held: Tray, add: Callable[[StoredFile], str] | None = None
) -> None:
    """The drop zone, a sample for who has no picture at hand, and what was chosen."""
    settings = page.services.settings
    limit = settings.max_files_per_run
    pick_files(page.services, held, key=page.tool, limit=limit, label=_("Pictures"))
    if not held.chosen:
        st.caption(
            _n(
                "{n} picture of up to {size}: {kinds}.",
                "Up to {n} pictures of {size} each: {kinds}.",
                limit,
                size=file_size(settings.max_upload_bytes),
                kinds=READABLE,
            )
        )
        st.button(
            _("Try a sample"),
            icon=":material/face:",
            key=f"{page.tool}.sample",
            on_click=acting(_take_sample),
            args=(page.services, held),
        )
        return
    with st.container(horizontal=True, vertical_alignment="center", key="tray-bar"):
        st.markdown(_n("**{n} picture**", "**{n} pictures**", len(held.chosen)))
        st.button(
            _("Clear"),
            type="tertiary",
            icon=":material/close:",
            key=f"{page.tool}.clear",
            on_click=acting(_empty),
            args=(held,),
        )
    show_tray(held, key=page.tool, describe=add)


def _take_sample(_actor: Actor, services: Services, held: Tray) -> None:
    held.take(services, [sample_picture()], limit=services.settings.max_files_per_run)


def _empty(_actor: Actor, held: Tray) -> None:
    held.empty()


def _show_recent(page: ToolPage) -> None:
    """The person's own last runs of this tool, followed in their places until all have ended."""
    services, path = page.services, page.path
    rows = recent_runs(services, page.actor, page.tool, RECENT)
    if not rows:
        return
    st.subheader(_("Your recent runs"), anchor=False)
    is_going = has_open(rows)

    @fragment(run_every=FOLLOW_S if is_going else None)
    def show(actor: Actor) -> None:
        now = read_again(services, actor, rows)
        if is_going and not has_open(now):
            st.rerun()
        gallery.cards(now, key="recent", page=path, parameter="job", min_width_px=130)

    show()


def _refuse_viewer() -> None:
    """Viewers look and compare; the page says so instead of showing a form."""
    states.empty(
        _("You can look, but not run"),
        _("Your account may see results. Ask an admin to make you a member to run tools."),
        icon="visibility",
    )
    st.page_link(HISTORY, label=_("Open the history"), icon=":material/history:")


def _say_switched_off(page: ToolPage) -> None:
    states.empty(
        _("{tool} is switched off", tool=said(page.spec.title)),
        _("An admin has switched this tool off. Its earlier runs can still be seen."),
        icon="toggle_off",
    )
    if page.actor.is_admin:
        st.page_link(STUDIO, label=_("Switch tools on and off"), icon=":material/tune:")


def _title_bar(page: ToolPage, title: str) -> None:
    name_tab(title, said(page.spec.title))
    tool = page.tool
    with st.container(horizontal=True, vertical_alignment="center", key="result-bar"):
        st.subheader(literal(title), anchor=False)
        if page.actor.may_run:
            st.button(
                _("New run"),
                icon=":material/add:",
                key="new-run",
                on_click=acting(_begin_anew),
                args=(tool,),
            )


def _begin_anew(_actor: Actor, tool: str) -> None:
    go_to(tool)
