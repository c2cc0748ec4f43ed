from __future__ import annotations

import re
from datetime import date
from html import unescape
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from streamlit.testing.v1 import AppTest

from app.people.tool_switches import switch
from db.actor import Actor
from db.states import JobState
from db.types import Role, Visibility, utc_now
from tasks.services import Services
from tests.factories import make_actor, make_job
from tests.pages.harness import Visit, button
from tests.pages.navigated import links, markup, open_page
from tests.people import HERE, make_person


def test_history_without_runs_offers_a_first_one(visit: Visit, tmp_path: Path, mei: Actor) -> None:
    page = open_page(visit, tmp_path, "HISTORY", mei)
    assert "No runs yet" in markup(page)
    assert links(page) == ["Cut out a picture"]


def test_history_without_runs_leads_past_a_tool_that_is_switched_off(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    switch(services, make_person(services, "boss", Role.ADMIN), "cutout", HERE, is_on=False)
    page = open_page(visit, tmp_path, "HISTORY", mei)
    [link] = links(page)
    assert link != "Cut out a picture"


def test_history_shows_team_and_own_runs_newest_first(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    with services.database.write() as session:
        other = make_actor(session)
        make_job(session, other, file_name="team.png")
        make_job(session, other, file_name="secret.png", visibility=Visibility.PRIVATE)
        make_job(session, mei, file_name="mine.png", visibility=Visibility.PRIVATE)
    page = open_page(visit, tmp_path, "HISTORY", mei)
    assert links(page) == ["mine.png", "team.png"]
    assert "2 runs" in markup(page)


def add_unlike_runs(services: Services, owner: Actor) -> None:
    with services.database.write() as session:
        make_job(session, owner, file_name="dusk.png")
        make_job(session, owner, file_name="dawn.png", state=JobState.FAILED)
        make_job(session, owner, file_name="noon.png", tool="upscale", params={"model": "x"})


def test_history_search_tool_and_state_narrow_the_list(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    add_unlike_runs(services, mei)
    page = open_page(visit, tmp_path, "HISTORY", mei)
    page.text_input(key="text").set_value("DUSK").run()
    assert links(page) == ["dusk.png"]
    page.text_input(key="text").set_value("").run()
    page.selectbox(key="tool").set_value("upscale").run()
    assert links(page) == ["noon.png"]
    page.selectbox(key="tool").set_value(None).run()
    page.selectbox(key="state").set_value("failed").run()
    assert links(page) == ["dawn.png"]
    assert "It is empty. Save it again." in markup(page)


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ({"tool": "upscale"}, ["noon.png"]),
        ({"state": "failed"}, ["dawn.png"]),
        ({"tool": "nonesuch", "state": "failed"}, ["dawn.png"]),
        ({"show": "starred"}, []),
    ],
)
def test_history_address_filters_by_ids(
    services: Services,
    visit: Visit,
    tmp_path: Path,
    mei: Actor,
    query: dict[str, str],
    shown: list[str],
) -> None:
    add_unlike_runs(services, mei)
    assert links(open_page(visit, tmp_path, "HISTORY", mei, **query)) == shown


def test_history_address_with_an_unknown_choice_says_that_it_is_left_out(
    visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    page = open_page(visit, tmp_path, "HISTORY", mei)
    assert not page.info
    page.query_params["tool"], page.query_params["show"] = "nonesuch", "all"
    page.run()
    assert [each.value for each in page.info] == [
        "The address sets Tool to something that cannot be used, so it is left out."
    ]
    page.selectbox(key="tool").set_value("upscale").run()
    assert not page.info


@pytest.mark.parametrize("no_day", ["2026-99-99", "yesterday", "1999-12-31"])
def test_history_address_with_a_day_that_is_none_says_that_it_is_left_out(
    visit: Visit, tmp_path: Path, mei: Actor, no_day: str
) -> None:
    days = {"from": no_day, "to": "2026-03-02"}
    page = open_page(visit, tmp_path, "HISTORY", mei, **days)
    assert [each.value for each in page.info] == [
        "The address sets From to something that cannot be used, so it is left out."
    ]
    assert page.date_input(key="to").value == date(2026, 3, 2)
    page.date_input(key="from").set_value(date(2026, 3, 1)).run()
    assert not page.info
    assert page.query_params["from"] == "2026-03-01"


def test_history_from_a_day_after_the_last_says_why_nothing_matches(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    with services.database.write() as session:
        make_job(session, mei, file_name="dusk.png")
    page = open_page(visit, tmp_path, "HISTORY", mei)
    page.date_input(key="from").set_value(date(2026, 3, 2)).run()
    page.date_input(key="to").set_value(date(2026, 3, 1)).run()
    assert "“From” is a later day than “To”" in markup(page)
    page.date_input(key="to").set_value(date(2026, 3, 2)).run()
    assert "No run fits these filters." in markup(page)


def test_history_filters_stand_in_the_address_by_ids(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    with services.database.write() as session:
        make_job(session, make_actor(session), file_name="dusk.png")
        make_job(session, mei, file_name="noon.png", tool="upscale", params={"model": "x"})
    page = open_page(visit, tmp_path, "HISTORY", mei)
    page.query_params["cursor"] = "of another list"
    page.selectbox(key="tool").set_value("upscale").run()
    page.selectbox(key="person").set_value(str(mei.id)).run()
    page.segmented_control(key="show").set_value("starred").run()
    assert page.query_params == {"tool": "upscale", "person": str(mei.id), "show": "starred"}
    button(page, "Clear the filters").click().run()
    assert page.query_params == {}
    assert links(page) == ["noon.png", "dusk.png"]


def test_history_filters_without_a_match_can_be_cleared(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    with services.database.write() as session:
        make_job(session, mei, file_name="dusk.png")
    page = open_page(visit, tmp_path, "HISTORY", mei)
    page.text_input(key="text").set_value("nothing like it").run()
    assert "Nothing matches" in markup(page)
    button(page, "Clear the filters").click().run()
    assert links(page) == ["dusk.png"]


def test_history_turns_pages_both_ways(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    with services.database.write() as session:
        for number in range(31):
            make_job(session, mei, file_name=f"{number}.png")
    page = open_page(visit, tmp_path, "HISTORY", mei)
    assert links(page) == [f"{number}.png" for number in range(30, 0, -1)]
    turn(page, "Older")
    assert links(page) == ["0.png"]
    turn(page, "Newer")
    assert len(links(page)) == 30


def turn(page: AppTest, label: str) -> None:
    """Follow the link to another page, as a browser does: with everything in the address."""
    found = re.search(rf'href="\?([^"]*)"[^>]*>[^<]*{label}', markup(page))
    assert found is not None
    for name, value in parse_qsl(unescape(found[1])):
        page.query_params[name] = value
    page.run()


def test_history_broken_cursor_shows_the_first_page(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    with services.database.write() as session:
        make_job(session, mei, file_name="dusk.png")
    page = open_page(visit, tmp_path, "HISTORY", mei)
    page.query_params["cursor"] = "older-nonsense"
    page.run()
    assert not page.exception
    assert links(page) == ["dusk.png"]


def test_history_trash_is_apart(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    with services.database.write() as session:
        make_job(session, mei, file_name="kept.png")
        make_job(session, mei, file_name="gone.png", deleted_at=utc_now())
    page = open_page(visit, tmp_path, "HISTORY", mei)
    assert links(page) == ["kept.png"]
    page.segmented_control(key="show").set_value("trash").run()
    assert links(page) == ["gone.png"]
