"""History: every run the person may see, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from html import escape
from uuid import UUID

import streamlit as st

from app.people.tool_switches import first_tool, switched_off
from app.runs.following import FOLLOW_S, count_news, read_again
from app.runs.reading import listed
from app.ui import gallery, states
from app.ui.filters import Filters
from app.ui.guard import acting, fragment
from app.ui.layout import header
from app.ui.navigation import tool_page
from app.ui.signed_in import require_user
from app.ui.words import _, _n, reader_zone, said
from db.actor import Actor
from db.errors import InvalidCursorError
from db.repositories.history import Count, JobFilters, JobPage, JobRow
from db.repositories.jobs import JobRepository, Person
from db.states import JobState
from db.types import utc_now
from studio.tools.registry import AUXILIARY_TOOLS, TOOLS
from studio.words import N_
from tasks.services import Services, get_services

PAGE_SIZE = 30
OPENED, FOLLOWED = "history-opened", "history-followed"
# What names the page of the list in the address: a cursor, which points into one list.
PLACE = "cursor"
SHOWN = {"all": N_("All"), "starred": N_("Starred"), "trash": N_("Trash")}


def main() -> None:
    actor = require_user()
    services = get_services()
    header(_("History"), _("Every run you may see, newest first."))
    with services.database.read() as session:
        people = JobRepository(session).owners(actor, AUXILIARY_TOOLS)
    filters = Filters(PLACE)
    wanted = ask_filters(filters, people)
    opened = open_list(services, actor, filters, wanted)
    follow(services, opened)
    page = opened.page
    if not page.rows:
        show_nothing(services, filters, wanted)
        return
    gallery.cards(page.rows, key="history", show_tool=True, show_owner=len(people) > 1)
    turns = ((_("← Newer"), page.previous_cursor), (_("Older →"), page.next_cursor))
    filters.show_turns(turns)


@dataclass(frozen=True, slots=True)
class Opened:
    """The list as somebody has it before them: its runs stay in their places until they ask."""

    wanted: JobFilters
    page: JobPage
    total: Count
    at: datetime
    cursor: str | None


def open_list(services: Services, actor: Actor, filters: Filters, wanted: JobFilters) -> Opened:
    """The list read anew; or the one that is open, with what became of its runs."""
    kept: Opened | None = st.session_state.get(OPENED)
    is_same = kept is not None and (kept.wanted, kept.cursor) == (wanted, cursor())
    if st.session_state.pop(FOLLOWED, False) and kept and is_same:
        rows = [calm(row, kept) for row in read_again(services, actor, kept.page.rows)]
        opened = replace(kept, page=replace(kept.page, rows=rows))
    else:
        page, total = read_page(services, actor, filters, wanted)
        opened = Opened(wanted, page, total, utc_now(), cursor())
    st.session_state[OPENED] = opened
    return opened


def follow(services: Services, opened: Opened) -> None:
    """How many runs there are, and that there are more by now.

    Polls, and has the page drawn once more when one of the runs it shows looks otherwise.
    """

    @fragment(run_every=FOLLOW_S)
    def bar(actor: Actor) -> None:
        rows = opened.page.rows
        if list(map(look, read_again(services, actor, rows))) != list(map(look, rows)):
            st.session_state[FOLLOWED] = True
            st.rerun()
        news = count_news(services, actor, opened.wanted, opened.page, opened.at)
        if not rows:
            if news.value:
                st.rerun()
            return
        with st.container(horizontal=True, vertical_alignment="center", key="history-bar"):
            count = escape(count_words(opened.total))
            st.html(f'<span class="dr-muted dr-small">{count}</span>', width="content")
            if news.value:
                st.button(
                    news_words(news),
                    icon=":material/arrow_upward:",
                    type="tertiary",
                    key="news",
                    on_click=acting(show_news),
                )

    bar()


def show_news(_actor: Actor) -> None:
    """Have the whole page drawn, not the bar alone: it reads the list anew."""
    st.rerun()


def look(row: JobRow) -> tuple[object, ...]:
    """What a card shows of a run that may change."""
    return row.id, row.state, row.preview_sha256, row.starred, row.visibility


def calm(row: JobRow, opened: Opened) -> JobRow:
    """``row`` without the reason of a failure that is new: it would push away what is below."""
    before = next(one for one in opened.page.rows if one.id == row.id)
    return replace(row, error_message=before.error_message)


def news_words(news: Count) -> str:
    if news.is_exact:
        return _n("Show {n} new run", "Show {n} new runs", news.value)
    return _n("Show {n}+ new run", "Show {n}+ new runs", news.value)


def count_words(total: Count) -> str:
    if total.is_exact:
        return _n("{n} run", "{n} runs", total.value)
    return _n("{n}+ run", "{n}+ runs", total.value)


def ask_filters(filters: Filters, people: Sequence[Person]) -> JobFilters:
    with st.container(horizontal=True, vertical_alignment="bottom", key="filters"):
        text = filters.ask_text(_("File name, model, tag or note"))
        tool = filters.ask_choice(
            _("Tool"), "tool", {name: said(spec.title) for name, spec in TOOLS.items()}
        )
        state = filters.ask_choice(
            _("State"), "state", {str(s): said(label) for s, label in states.STATE_LABELS.items()}
        )
        person = filters.ask_choice(
            _("Person"), "person", {str(one.id): one.name for one in people}
        )
        since, until = filters.ask_day(_("From"), "from"), filters.ask_day(_("To"), "to")
        show = filters.ask_shown({show: said(title) for show, title in SHOWN.items()})
    filters.say_unknown()
    return JobFilters(
        tool=tool,
        owner_id=UUID(person) if person else None,
        state=JobState(state) if state else None,
        since=midnight(since),
        until=midnight(until + timedelta(days=1)) if until else None,
        text=text,
        starred=show == "starred",
        trashed=show == "trash",
    )


def midnight(day: date | None) -> datetime | None:
    """The start of ``day`` where the browser is."""
    return datetime.combine(day, time(), tzinfo=reader_zone()) if day else None


def cursor() -> str | None:
    """The place in the history that the address names."""
    return st.query_params.get(PLACE)


def read_page(
    services: Services, actor: Actor, filters: Filters, wanted: JobFilters
) -> tuple[JobPage, Count]:
    with services.database.read() as session:
        jobs = JobRepository(session)
        try:
            page = jobs.page(actor, listed(wanted), PAGE_SIZE, cursor())
        except InvalidCursorError:
            filters.start_over(actor)
            page = jobs.page(actor, listed(wanted), PAGE_SIZE)
        return page, jobs.count(actor, listed(wanted))


def show_nothing(services: Services, filters: Filters, wanted: JobFilters) -> None:
    if wanted == JobFilters(trashed=True):
        states.empty(
            _("The trash is empty"),
            _("Runs you delete wait here and can be restored."),
            icon="delete",
        )
    elif wanted == JobFilters():
        states.empty(_("No runs yet"), _("Cut out or enlarge a picture and it will be kept here."))
        with st.container(horizontal_alignment="center"):
            first = TOOLS[first_tool(switched_off(services))]
            st.page_link(
                tool_page(first.name) or "",
                label=said(first.action_on(1)),
                icon=f":material/{first.icon}:",
            )
    else:
        is_backwards = wanted.since and wanted.until and wanted.since >= wanted.until
        reason = (
            _("“From” is a later day than “To”, so there is no day between them.")
            if is_backwards
            else _("No run fits these filters.")
        )
        states.empty(_("Nothing matches"), reason, icon="search_off")
        with st.container(horizontal_alignment="center"):
            st.button(_("Clear the filters"), on_click=acting(filters.clear))


if __name__ == "__main__":
    main()
