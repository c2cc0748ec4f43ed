"""One run: what went in, what came out, with which parameters, weights and versions."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from html import escape

import streamlit as st

from app.navigation import HISTORY, RUN, TOOL_PAGES
from app.runs import command_line, get_run, lineage, recipe
from app.security import require_user
from app.ui import gallery, states
from app.ui.format import ago
from app.ui.layout import header
from app.ui.mask_figure import mask_of_run
from app.ui.options import label_of
from app.ui.progress import watch
from app.ui.result import show_downloads, show_result, show_source
from app.ui.run_files import show_files
from app.ui.run_record import fact, show_record
from app.ui.toolpage import query_id
from db.actor import Actor
from db.models import Job
from db.repositories.history import JobRow
from db.repositories.jobs import JobRepository
from db.types import Visibility
from studio.errors import UserInputError
from studio.tools.spec import TOOLS
from tasks.services import Services, get_services
from tasks.submit import rerun


def main() -> None:
    actor, services = require_user(), get_services()
    job_id = query_id("id")
    job = get_run(services, actor, job_id) if job_id else None
    if job is None:
        header("Run")
        states.empty(
            "No such run",
            "It does not exist, or it is private and belongs to somebody else.",
            icon="search_off",
        )
        st.page_link(HISTORY, label="Open the history", icon=":material/history:")
        return
    header(job.title or TOOLS[job.tool].title)
    show_summary(job)
    show_buttons(services, actor, job)
    picture, side = st.columns([5, 3], gap="medium")
    with picture:
        show_outcome(services, actor, job)
        show_mask(services, job)
    with side:
        show_downloads(job)
        show_params(job)
        show_tags(services, actor, job)
        show_note(services, actor, job)
    show_files(services, job)
    show_record(job)
    show_lineage(services, actor, job)


def show_summary(job: Job) -> None:
    facts = [TOOLS[job.tool].title, f"by {job.owner.name}", ago(job.queued_at)]
    if job.visibility is Visibility.PRIVATE:
        facts.append("private")
    if job.starred:
        facts.append("★")
    if job.deleted_at:
        facts.append("in the trash")
    line = escape(" · ".join(facts))
    st.html(f'<p class="dr-summary">{states.state_pill(job.state)}<span>{line}</span></p>')


def show_buttons(services: Services, actor: Actor, job: Job) -> None:
    may_change = actor.is_admin or (actor.may_run and job.owner_id == actor.id)
    with st.container(horizontal=True, key="run-actions"):
        if actor.may_run:
            if st.button("Run again", icon=":material/replay:", type="primary"):
                run_again(services, actor, job)
            page = TOOL_PAGES.get(job.tool)
            if page and st.button("Edit and run again", icon=":material/edit:"):
                st.switch_page(page, query_params={"from": str(job.id)})
        offer_recipe(job)
        if may_change:
            show_keeping(services, actor, job)


def offer_recipe(job: Job) -> None:
    """How to do the same without the pages."""
    with st.popover("Recipe", icon=":material/receipt_long:"):
        st.markdown("On the command line, beside its files:")
        st.code(command_line(job), language="bash", wrap_lines=True)
        st.download_button(
            "Parameters for REST",
            json.dumps(recipe(job), indent=2),
            f"{job.tool}-recipe.json",
            "application/json",
            icon=":material/download:",
            on_click="ignore",
        )


def show_keeping(services: Services, actor: Actor, job: Job) -> None:
    """Star, trash, restore: what its owner and admins may do."""
    if st.button("Unstar" if job.starred else "Star", icon=":material/star:"):
        change(services, lambda jobs: jobs.set_starred(actor, job.id, not job.starred))
    if job.deleted_at:
        if st.button("Restore", icon=":material/restore_from_trash:"):
            change(services, lambda jobs: jobs.restore(actor, job.id))
    elif job.state.is_terminal and st.button("Delete", icon=":material/delete:"):
        change(services, lambda jobs: jobs.trash(actor, job.id))


def change(services: Services, make: Callable[[JobRepository], bool]) -> None:
    with services.database.write() as session:
        is_made = make(JobRepository(session))
    if is_made:
        st.rerun()
    st.error("That could not be done. Reload the page to see how the run stands now.")


def run_again(services: Services, actor: Actor, job: Job) -> None:
    try:
        new_id = rerun(services, actor, job.id)
    except UserInputError as error:
        st.error(error.message)
        return
    st.switch_page(RUN, query_params={"id": str(new_id)})


def show_outcome(services: Services, actor: Actor, job: Job) -> None:
    is_unfinished = watch(
        services,
        actor,
        lambda: [found] if (found := get_run(services, actor, job.id)) else [],
        key="run",
    )
    if is_unfinished:
        show_source(job)
    else:
        show_result(job)


def show_mask(services: Services, job: Job) -> None:
    """What an inpaint run repainted: painted, given, ready-made and finished."""
    figure = mask_of_run(services, job)
    if figure:
        st.subheader("Mask", anchor=False)
        st.html(figure.markup(f"Repainted, in red: {figure.share}"))


def show_params(job: Job) -> None:
    """Every parameter under its title; what differs from the default is marked."""
    model = TOOLS[job.tool].params
    chosen = model.model_validate(job.params)
    st.subheader("Parameters", anchor=False)
    rows = []
    for name, field in model.model_fields.items():
        # Where faces are paired one by one, the rule for choosing them did nothing.
        if name == "tool" or (name == "choice" and chosen.faces is not None):
            continue
        value = getattr(chosen, name)
        changed = value != field.get_default()
        rows.append(fact(field.title or name, value_words(name, value), changed=changed))
    st.html(f'<dl class="dr-facts">{"".join(rows)}</dl>')


def value_words(name: str, value: object) -> str:
    """A parameter's value; of faces with their sources only those that are replaced."""
    if name == "faces" and isinstance(value, tuple):
        pairs = ((face, source) for face, source in enumerate(value, 1) if source is not None)
        return ", ".join(f"face {face}: source {source}" for face, source in pairs)
    return label_of(value)


def show_note(services: Services, actor: Actor, job: Job) -> None:
    may_change = actor.is_admin or (actor.may_run and job.owner_id == actor.id)
    if not may_change:
        if job.note:
            st.subheader("Note", anchor=False)
            st.text(job.note)
        return
    st.subheader("Note", anchor=False)
    key = f"note.{job.id.hex}"
    st.text_area(
        "Note",
        job.note,
        key=key,
        placeholder="Why this run, what to remember. The search finds it.",
        label_visibility="collapsed",
        max_chars=2000,
        on_change=keep,
        args=(services, lambda jobs: jobs.set_note(actor, job.id, st.session_state[key])),
    )


def show_tags(services: Services, actor: Actor, job: Job) -> None:
    """Words to find the run by; those who may not change them see them."""
    if not (actor.is_admin or (actor.may_run and job.owner_id == actor.id)):
        if job.tags:
            st.caption("Tags: " + ", ".join(job.tags))
        return
    key = f"tags.{job.id.hex}"
    st.multiselect(
        "Tags",
        job.tags,
        job.tags,
        key=key,
        accept_new_options=True,
        placeholder="Add words to find it by",
        on_change=keep,
        args=(services, lambda jobs: jobs.set_tags(actor, job.id, st.session_state[key])),
    )


def keep(services: Services, make: Callable[[JobRepository], bool]) -> None:
    """Save what a field was changed to: only then, so that an old tab overwrites nothing."""
    with services.database.write() as session:
        if not make(JobRepository(session)):
            st.toast("That could not be kept. Reload the page to see how the run stands now.")


def show_lineage(services: Services, actor: Actor, job: Job) -> None:
    found = lineage(services, actor, job.id)
    show_family("Made from", found.ancestors, "ancestors")
    show_family("Runs made from this one", found.children, "children")


def show_family(title: str, rows: Sequence[JobRow], key: str) -> None:
    if rows:
        st.subheader(title, anchor=False)
        gallery.cards(rows, key=key, show_tool=True, show_owner=True, min_width_px=150)


if __name__ == "__main__":
    main()
