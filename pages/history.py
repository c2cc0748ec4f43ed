"""History: every run the person may see, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from html import escape
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

import streamlit as st

from app.navigation import CUTOUT
from app.runs import listed
from app.security import require_user
from app.ui import gallery, states
from app.ui.layout import header
from db.actor import Actor
from db.errors import InvalidCursorError
from db.repositories.history import Count, JobFilters, JobPage
from db.repositories.jobs import JobRepository, Person
from db.states import JobState
from studio.tools.spec import AUXILIARY_TOOLS, TOOLS
from tasks.services import Services, get_services

PAGE_SIZE = 30
FILTER_KEYS = ("text", "tool", "state", "person", "from", "to", "show")


def main() -> None:
    actor = require_user()
    services = get_services()
    header("History", "Every run you may see, newest first.")
    with services.database.read() as session:
        people = JobRepository(session).owners(actor, AUXILIARY_TOOLS)
    filters = ask_filters(people)
    page, total = read_page(services, actor, filters)
    if not page.rows:
        show_nothing(filters)
        return
    st.html(
        f'<span class="dr-muted dr-small">{total} {"run" if str(total) == "1" else "runs"}</span>'
    )
    gallery.cards(page.rows, key="history", show_tool=True, show_owner=len(people) > 1)
    turn_pages(page)


def ask_filters(people: Sequence[Person]) -> JobFilters:
    with st.container(horizontal=True, vertical_alignment="bottom", key="filters"):
        text = st.text_input(
            "Search",
            key="text",
            bind="query-params",
            placeholder="File name, model, tag or note",
            icon=":material/search:",
            on_change=first_page,
            width=300,
        )
        tool = choose("Tool", "tool", {name: spec.title for name, spec in TOOLS.items()})
        state = choose(
            "State", "state", {str(s): label for s, label in states.STATE_LABELS.items()}
        )
        person = choose("Person", "person", {str(one.id): one.name for one in people})
        since, until = ask_day("From", "from"), ask_day("To", "to")
        show = st.segmented_control(
            "Show",
            ["all", "starred", "trash"],
            default="all",
            required=True,
            format_func=str.capitalize,
            key="show",
            bind="query-params",
            on_change=first_page,
        )
    return JobFilters(
        tool=tool,
        owner_id=UUID(person) if person else None,
        state=JobState(state) if state else None,
        since=midnight(since),
        until=midnight(until + timedelta(days=1)) if until else None,
        text=text or "",
        starred=show == "starred",
        trashed=show == "trash",
    )


def ask_day(label: str, key: str) -> date | None:
    return st.date_input(
        label, value=None, key=key, bind="query-params", on_change=first_page, width=165
    )


def choose(label: str, key: str, labels: dict[str, str]) -> str | None:
    """A select box that reads "Any" until something is chosen, kept in the address."""
    return st.selectbox(
        label,
        list(labels),
        index=None,
        format_func=labels.__getitem__,
        placeholder="Any",
        key=key,
        bind="query-params",
        on_change=first_page,
        width=140,
    )


def midnight(day: date | None) -> datetime | None:
    """The start of ``day`` where the browser is."""
    zone = ZoneInfo(st.context.timezone) if st.context.timezone else UTC
    return datetime.combine(day, time(), tzinfo=zone) if day else None


def first_page() -> None:
    """A cursor points into the list it came from; other filters start from the top."""
    st.query_params.pop("cursor", None)


def read_page(services: Services, actor: Actor, filters: JobFilters) -> tuple[JobPage, Count]:
    with services.database.read() as session:
        jobs = JobRepository(session)
        cursor = st.query_params.get("cursor")
        try:
            page = jobs.page(actor, listed(filters), PAGE_SIZE, cursor)
        except InvalidCursorError:
            first_page()
            page = jobs.page(actor, listed(filters), PAGE_SIZE)
        return page, jobs.count(actor, listed(filters))


def show_nothing(filters: JobFilters) -> None:
    if filters == JobFilters(trashed=True):
        states.empty(
            "The trash is empty", "Runs you delete wait here and can be restored.", icon="delete"
        )
    elif filters == JobFilters():
        states.empty("No runs yet", "Cut out or enlarge a picture and it will be kept here.")
        with st.container(horizontal_alignment="center"):
            st.page_link(CUTOUT, label="Cut out a picture", icon=":material/content_cut:")
    else:
        states.empty("Nothing matches", "No run fits these filters.", icon="search_off")
        with st.container(horizontal_alignment="center"):
            st.button("Clear the filters", on_click=clear_filters)


def clear_filters() -> None:
    for key in FILTER_KEYS:
        st.session_state.pop(key, None)
    st.query_params.clear()


def turn_pages(page: JobPage) -> None:
    """Links rather than buttons: they can be shared, and a new page starts at its top."""
    turns = (("← Newer", page.previous_cursor), ("Older →", page.next_cursor))
    links = [
        f'<a href="?{escape(urlencode({**st.query_params.to_dict(), "cursor": cursor}))}" '
        f'target="_self">{label}</a>'
        for label, cursor in turns
        if cursor
    ]
    if links:
        st.html(f'<nav class="dr-buttons dr-turns" aria-label="Pages">{"".join(links)}</nav>')


if __name__ == "__main__":
    main()
