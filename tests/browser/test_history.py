"""A run found again, run again, edited, thrown away and kept from others, in a real browser."""

from __future__ import annotations

import re
from uuid import UUID

import pytest
from playwright.sync_api import expect

from db.types import Role, Visibility
from studio.params import INTERPOLATION, UpscaleParams
from tasks.submit import store_upload, submit
from tests.browser.conftest import OpenPage, Studio
from tests.browser.steps import SignIn, find_actor, wait_for_end
from tests.pictures import png
from tests.requests import request

pytestmark = pytest.mark.browser
PARAMS = UpscaleParams(model=INTERPOLATION, scale=3)


@pytest.fixture(autouse=True)
def _workers(studio: Studio) -> None:
    studio.start_workers()


def enlarge(
    studio: Studio, name: str, file_name: str, visibility: Visibility = Visibility.TEAM
) -> UUID:
    """A run of ``name``'s, submitted as a script would."""
    stored = store_upload(studio.services, file_name, png())
    items = [{"image": stored}]
    owner = find_actor(studio.services, name)
    [job_id] = submit(studio.services, owner, request(PARAMS, *items, visibility=visibility))
    return job_id


def test_run_is_found_and_run_again_and_edited(
    studio: Studio, open_page: OpenPage, sign_in: SignIn
) -> None:
    name = studio.add_user()
    job_id = enlarge(studio, name, "harbour at dusk.png")
    enlarge(studio, name, "market.png")
    page = open_page()
    sign_in(page, name)

    page.goto("/history")
    expect(page.get_by_text("market.png")).to_be_visible()
    page.get_by_role("textbox", name="Search").fill("dusk")
    page.get_by_role("textbox", name="Search").press("Enter")
    expect(page.get_by_text("market.png")).to_have_count(0)
    page.reload()
    expect(page.get_by_text("market.png")).to_have_count(0)
    page.get_by_role("link", name="harbour at dusk.png").click()
    page.wait_for_url(re.compile(f"/run.*{job_id}"))
    expect(page.get_by_role("slider", name="Divide")).to_be_visible()
    expect(page.get_by_text("72 × 48 px").first).to_be_visible()

    page.get_by_role("button", name="Run again", exact=True).click()
    page.wait_for_url(lambda address: str(job_id) not in address)
    again = UUID(page.url.rpartition("id=")[2])
    expect(page.get_by_text(str(again), exact=True)).to_be_visible()
    expect(page.get_by_role("slider", name="Divide")).to_be_visible()
    [first_output], [again_output] = (
        wait_for_end(studio.services, each).outputs for each in (job_id, again)
    )
    assert again_output.blob.width_px == first_output.blob.width_px == 72

    page.get_by_role("link", name="Edit and run again").click()
    page.wait_for_url(re.compile("/upscale.*from="))
    expect(page.get_by_role("figure", name="harbour at dusk.png")).to_be_visible()
    expect(page.get_by_role("radio", name="×3")).to_be_checked()
    expect(page.get_by_role("combobox", name="Model")).to_have_value("Classic interpolation")
    page.get_by_role("radio", name="×2").click()
    page.get_by_role("button", name="Enlarge", exact=True).click()
    expect(page.get_by_text("48 × 32 px").first).to_be_visible()


def test_filters_that_nothing_fits_are_cleared_with_one_click(
    studio: Studio, open_page: OpenPage, sign_in: SignIn
) -> None:
    name = studio.add_user()
    enlarge(studio, name, "pier.png")
    page = open_page()
    sign_in(page, name)
    page.goto("/history?text=nowhere&from=2020-01-01&to=2020-01-02&tool=upscale&show=starred")
    page.get_by_role("button", name="Clear the filters").click()
    expect(page.get_by_text("pier.png")).to_be_visible()
    expect(page.get_by_role("textbox", name="Search")).to_have_value("")
    page.wait_for_url(re.compile("/history$"))
    page.reload()
    expect(page.get_by_text("pier.png")).to_be_visible()


def test_deleted_run_waits_in_the_trash_and_comes_back(
    studio: Studio, open_page: OpenPage, sign_in: SignIn
) -> None:
    name = studio.add_user()
    job_id = enlarge(studio, name, "regretted.png")
    page = open_page()
    sign_in(page, name)
    page.goto(f"/run?id={job_id}")
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Move to the trash").click()
    expect(page.get_by_text("in the trash")).to_be_visible()

    page.goto("/history")
    expect(page.get_by_text(re.compile("No runs yet|[0-9] runs?$"))).to_be_visible()
    expect(page.get_by_text("regretted.png")).to_have_count(0)
    page.get_by_role("radio", name="Trash").click()
    page.get_by_role("link", name="regretted.png").click()
    page.get_by_role("button", name="Restore").click()
    expect(page.get_by_role("button", name="Delete")).to_be_visible()
    page.goto("/history")
    expect(page.get_by_text("regretted.png")).to_be_visible()


def test_private_run_is_hidden_from_another_member(
    studio: Studio, open_page: OpenPage, sign_in: SignIn
) -> None:
    owner, other = studio.add_user(), studio.add_user()
    secret = enlarge(studio, owner, "secret.png", Visibility.PRIVATE)
    enlarge(studio, owner, "shared.png")
    page = open_page()
    sign_in(page, other)
    page.goto("/history")
    expect(page.get_by_text("shared.png")).to_be_visible()
    expect(page.get_by_text("secret.png")).to_have_count(0)
    page.goto(f"/run?id={secret}")
    expect(page.get_by_text("No such run")).to_be_visible()
    page.goto(f"/upscale?job={secret}")
    expect(page.get_by_text("does not exist, or it is private")).to_be_visible()


def test_viewer_looks_and_is_offered_no_run(
    studio: Studio, open_page: OpenPage, sign_in: SignIn
) -> None:
    owner, viewer = studio.add_user(), studio.add_user(Role.VIEWER)
    job_id = enlarge(studio, owner, "seen.png")
    page = open_page(width=400, height=800)
    sign_in(page, viewer)
    expect(page.get_by_text("You can look, but not run")).to_be_visible()
    page.goto(f"/run?id={job_id}")
    expect(page.get_by_role("slider", name="Divide")).to_be_visible()
    for role, label in (
        ("button", "Run again"),
        ("link", "Edit and run again"),
        ("button", "Delete"),
        ("button", "Star"),
    ):
        expect(page.get_by_role(role, name=label, exact=True)).to_have_count(0)
