"""One run: what went in, what came out, with which parameters, weights and versions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from uuid import UUID

import streamlit as st

from app.runs.chains import (
    Chain,
    chain_command,
    chain_fault,
    chain_fields,
    chain_of,
    chain_recipe,
)
from app.runs.keeping import MAX_NOTE_CHARS, Change, change_run, read_note, retag
from app.runs.parameters import Described, described_params, params_fault
from app.runs.reading import get_run, lineage
from app.ui import gallery, states
from app.ui.asked import once
from app.ui.awaited import show_awaited
from app.ui.further_use import offer_further_use
from app.ui.guard import acting, dialog
from app.ui.layout import go_to, header, show_address
from app.ui.literal import literal, literal_sentence
from app.ui.mask_figure import mask_of_run
from app.ui.moments import when
from app.ui.navigation import HISTORY, tool_page
from app.ui.options import value_of
from app.ui.progress import watch
from app.ui.result import show_downloads, show_result, show_source
from app.ui.run_files import show_files
from app.ui.run_record import fact, show_record
from app.ui.signed_in import may_change, require_user
from app.ui.toolpage import query_id
from app.ui.words import _, _n, said
from db.actor import Actor
from db.models import Job
from db.repositories.history import JobRow
from db.types import Visibility
from studio.errors import RetriableError, UserInputError
from studio.tools.registry import tool_title
from studio.words import N_, msg, paragraph
from tasks.services import Services, get_services
from tasks.submit import rerun

RUN_PLACE = "run"


def main() -> None:
    actor, services = require_user(), get_services()
    show_address(RUN_PLACE)
    job_id = query_id("id")
    job = get_run(services, actor, job_id) if job_id else None
    if job is None:
        header(_("Run"))
        states.empty(
            _("No such run"),
            _("It does not exist, or it is private and belongs to somebody else."),
            icon="search_off",
        )
        st.page_link(HISTORY, label=_("Open the history"), icon=":material/history:")
        return
    header(job.title or said(tool_title(job.tool)))
    chain = chain_of(services, actor, job)
    show_summary(job, chain)
    show_buttons(services, actor, job, chain)
    picture, side = st.columns([5, 3], gap="medium")
    with picture:
        show_outcome(services, actor, job)
        show_mask(services, job)
    with side:
        show_downloads(job)
        offer_further_use(services, actor, job)
        show_params(job)
        show_tags(services, actor, job)
        show_note(services, actor, job)
    show_chain(chain)
    show_files(services, job)
    show_record(job)
    show_lineage(services, actor, job, chain)


def show_summary(job: Job, chain: Chain) -> None:
    facts = [
        escape(said(tool_title(job.tool))),
        *([escape(step_words(chain))] if is_chain(chain) else []),
        escape(_("by {name}", name=job.owner.name)),
        when(job.queued_at),
    ]
    if job.visibility is Visibility.PRIVATE:
        facts.append(escape(_("private")))
    if job.starred:
        facts.append("★")
    if job.deleted_at:
        facts.append(escape(_("in the trash")))
    line = " · ".join(facts)
    st.html(f'<p class="dr-summary">{states.state_pill(job.state)}<span>{line}</span></p>')


def is_chain(chain: Chain) -> bool:
    return len(chain.jobs) > 1


def step_words(chain: Chain) -> str:
    """Which step of its chain the run is."""
    total = len(chain.jobs)
    return _n("step {number} of {n}", "step {number} of {n}", total, number=chain.number)


def show_buttons(services: Services, actor: Actor, job: Job, chain: Chain) -> None:
    with st.container(horizontal=True, key="run-actions"):
        if actor.may_run:
            key = f"again.{job.id.hex}"
            st.button(
                _("Run again"),
                icon=":material/replay:",
                type="primary",
                key=key,
                on_click=once(key, run_again),
                args=(services, job.id),
            )
            if page := tool_page(job.tool):
                st.page_link(
                    page,
                    label=_("Edit and run again"),
                    icon=":material/edit:",
                    query_params={"from": str(job.id)},
                )
        offer_recipe(job, chain)
        if may_change(actor, job):
            show_keeping(services, job)


def offer_recipe(job: Job, chain: Chain) -> None:
    """How to do the same without the pages, with the steps before it."""
    before = len(chain.so_far) - 1
    with st.popover(_("Recipe"), icon=":material/receipt_long:"):
        if fault := chain_fault(chain):
            reason = [msg("This studio cannot repeat the run."), fault.message]
            st.markdown(literal_sentence(paragraph(reason)))
        else:
            st.markdown(
                _n(
                    "To repeat this step and the step before it, run this in the folder that "
                    "holds their files:",
                    "To repeat this step and the {n} steps before it, run this in the folder that "
                    "holds their files:",
                    before,
                )
                if before
                else _("To repeat this run, run this in the folder that holds its files:")
            )
            st.code(chain_command(chain), language="bash", wrap_lines=True)
        st.download_button(
            _("Steps for REST") if before else _("Parameters for REST"),
            json.dumps(chain_recipe(chain), indent=2),
            f"{job.tool}-recipe.json",
            "application/json",
            icon=":material/download:",
            on_click="ignore",
        )
        if taken := chain_fields(chain):
            st.caption(_("The steps hold no files. Send these fields with them:"))
            st.code("\n".join(taken), language=None)


def show_keeping(services: Services, job: Job) -> None:
    """Star, trash, restore: what its owner and admins may do."""
    is_private = job.visibility is Visibility.PRIVATE
    wanted = Visibility.TEAM if is_private else Visibility.PRIVATE
    st.button(
        _("Show to the team") if is_private else _("Make private"),
        icon=":material/group:" if is_private else ":material/lock:",
        help=_("Only you and the admins see a private run; others are seen by the whole team."),
        on_click=acting(keep),
        args=(services, lambda jobs, me: jobs.set_visibility(me, job.id, wanted)),
    )
    st.button(
        _("Unstar") if job.starred else _("Star"),
        icon=":material/star:",
        on_click=acting(keep),
        args=(services, lambda jobs, me: jobs.set_starred(me, job.id, not job.starred)),
    )
    if job.deleted_at:
        st.button(
            _("Restore"),
            icon=":material/restore_from_trash:",
            on_click=acting(keep),
            args=(services, lambda jobs, me: jobs.restore(me, job.id)),
        )
    elif job.state.is_terminal and st.button(_("Delete"), icon=":material/delete:"):
        confirm_delete(services, job)


@dialog(N_("Delete this run?"), icon=":material/delete:")
def confirm_delete(_actor: Actor, services: Services, job: Job) -> None:
    st.markdown(
        _n(
            "It moves to the trash and can be restored there for {n} day. After that it is gone "
            "for good, with its files.",
            "It moves to the trash and can be restored there for {n} days. After that it is gone "
            "for good, with its files.",
            services.settings.trash_days,
        )
    )
    st.button(
        _("Move to the trash"),
        type="primary",
        on_click=once(f"trash.{job.id.hex}", keep),
        args=(services, lambda jobs, me: jobs.trash(me, job.id)),
    )


def run_again(actor: Actor, services: Services, job_id: UUID) -> None:
    go_to(RUN_PLACE, id=str(rerun(services, actor, job_id)))


def show_outcome(services: Services, actor: Actor, job: Job) -> None:
    is_unfinished = watch(
        services,
        actor,
        lambda me: [found] if (found := get_run(services, me, job.id)) else [],
        key="run",
        drawn=[job],
    )
    if is_unfinished:
        show_source(job)
    else:
        show_result(job)
    show_awaited(services, actor, job)


def show_mask(services: Services, job: Job) -> None:
    """What an inpaint run repainted: painted, given, ready-made and finished."""
    try:
        figure = mask_of_run(services, job)
    except RetriableError as busy:
        st.info(literal_sentence(busy), icon=":material/hourglass_empty:")
        return
    if figure:
        st.subheader(_("Mask"), anchor=False)
        st.html(figure.markup(_("Repainted, in red: {share}", share=figure.share)))


def show_params(job: Job) -> None:
    """Every parameter under its title, what decides most first; usual values are folded away."""
    st.subheader(_("Parameters"), anchor=False)
    if fault := params_fault(job):
        words = paragraph([fault.message, msg("This is what was kept.")])
        st.caption(f":material/info: {literal_sentence(words)}")
    described = described_params(job)
    st.html(param_facts([one for one in described if one.is_main or one.is_changed]))
    usual = [one for one in described if not (one.is_main or one.is_changed)]
    if usual:
        label = escape(_n("{n} more at its default", "{n} more at their defaults", len(usual)))
        st.html(
            f'<details class="dr-more"><summary>{label}</summary>{param_facts(usual)}</details>'
        )


def param_facts(described: Sequence[Described]) -> str:
    rows = (
        fact(
            said(one.title),
            said(one.words) if one.words else value_of(one.name, one.value),
            is_changed=one.is_changed,
        )
        for one in described
    )
    return f'<dl class="dr-facts">{"".join(rows)}</dl>'


def show_note(services: Services, actor: Actor, job: Job) -> None:
    if not may_change(actor, job):
        if job.note:
            st.subheader(_("Note"), anchor=False)
            st.text(job.note)
        return
    st.subheader(_("Note"), anchor=False)
    key = f"note.{job.id.hex}"
    st.text_area(
        _("Note"),
        job.note,
        key=key,
        placeholder=_("Why this run, what to remember. The search finds it."),
        label_visibility="collapsed",
        max_chars=MAX_NOTE_CHARS,
        on_change=acting(keep),
        args=(
            services,
            lambda jobs, me: jobs.set_note(me, job.id, read_note(st.session_state[key])),
        ),
    )


def show_tags(services: Services, actor: Actor, job: Job) -> None:
    """Words to find the run by; those who may not change them see them."""
    if not may_change(actor, job):
        if job.tags:
            st.caption(_("Tags: {tags}", tags=tuple(map(literal, job.tags))))
        return
    key = f"tags.{job.id.hex}"
    st.session_state[key] = job.tags  # those of now, whatever was chosen here before
    st.multiselect(
        _("Tags"),
        job.tags,
        key=key,
        accept_new_options=True,
        placeholder=_("Add words to find it by"),
        on_change=acting(keep),
        args=(
            services,
            lambda jobs, me: jobs.change_tags(me, job.id, retag(job.tags, st.session_state[key])),
        ),
    )


def keep(actor: Actor, services: Services, make: Change) -> None:
    """Save one change, only when it is made, so that an old tab overwrites nothing.

    Raises:
        UserInputError: ``job.not_found``: the run is gone by now, or not theirs to change.

    """
    if not change_run(services, actor, make):
        raise UserInputError(
            msg("That could not be kept"),
            remedy=msg("Reload the page to see how the run stands now."),
            code="job.not_found",
        )


def show_chain(chain: Chain) -> None:
    """Each step with what it made, in order."""
    if is_chain(chain):
        total = len(chain.jobs)
        st.subheader(_n("Chain of {n} step", "Chain of {n} steps", total), anchor=False)
        gallery.cards(chain.rows, key="chain", are_steps=True, min_width_px=150)


def show_lineage(services: Services, actor: Actor, job: Job, chain: Chain) -> None:
    """What the run came from and what came of it, apart from the steps of its chain."""
    found, steps = lineage(services, actor, job.id), {step.id for step in chain.jobs}
    ancestors = [row for row in found.ancestors if row.id not in steps]
    children = [row for row in found.children if row.id not in steps]
    show_family(_("Made from"), ancestors, "ancestors")
    show_family(_("Runs made from this one"), children, "children")


def show_family(title: str, rows: Sequence[JobRow], key: str) -> None:
    if rows:
        st.subheader(title, anchor=False)
        gallery.cards(rows, key=key, show_tool=True, show_owner=True, min_width_px=150)


if __name__ == "__main__":
    main()
