"""What people do on several pages."""

from __future__ import annotations

import time
from collections.abc import Callable
from uuid import UUID

from playwright.sync_api import FilePayload, FloatRect, Locator, Page
from playwright.sync_api import TimeoutError as NotInTimeError

from app.runs.page_memory import recall_options
from db.actor import Actor
from db.models import Job
from db.repositories.accounts import AccountRepository
from studio.params import ToolParams
from tasks.services import Services
from tests.factories import actor_of, load_job

SignIn = Callable[..., None]
_END_TIMEOUT_S = 60


def drop(page: Page, *files: tuple[str, bytes]) -> None:
    """Give the page's first drop zone these files."""
    payloads = [FilePayload(name=name, mimeType="image/png", buffer=data) for name, data in files]
    page.locator("input[type=file]").first.set_input_files(payloads)


def choose(page: Page, label: str, option: str) -> None:
    """Pick ``option`` in the select box ``label``, however often its list has to be opened.

    An expander that unfolds is scrolled to the box that was clicked, which closes the list again.
    """
    wanted = page.get_by_role("option", name=option)
    for _ in range(5):
        page.get_by_role("combobox", name=label).click()
        try:
            wanted.click(timeout=2_000)
        except NotInTimeError:
            continue
        return
    raise AssertionError(f"{label} never offered {option}")


def settle(page: Page) -> None:
    """Wait until the page's script has run to its end, so that nothing is redrawn."""
    page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]')


def steady_box(locator: Locator) -> FloatRect:
    """Where it stands once nothing moves it: parts and fonts of a page arrive after its script."""
    locator.page.evaluate("document.fonts.ready")
    last = None
    while (box := locator.bounding_box()) != last or box is None:
        last = box
        locator.page.wait_for_timeout(500)
    return box


def wait_for_option(
    services: Services, actor: Actor, params: type[ToolParams], name: str, value: object
) -> None:
    """Wait until the studio has taken the option in: a page is drawn before it has told anybody."""
    deadline = time.monotonic() + _END_TIMEOUT_S
    while recall_options(services, actor, params).params.get(name) != value:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{name} never became {value}")
        time.sleep(0.05)


def find_actor(services: Services, name: str) -> Actor:
    """The person with the account ``name``."""
    with services.database.read() as session:
        user = AccountRepository(session).by_name(name)
    assert user is not None
    return actor_of(user)


def wait_for_end(services: Services, job_id: UUID) -> Job:
    """The run once it has ended, however it did."""
    deadline = time.monotonic() + _END_TIMEOUT_S
    while time.monotonic() < deadline:
        job = load_job(services.database, job_id)
        if job.state.is_terminal:
            return job
        time.sleep(0.1)
    raise TimeoutError(f"the run is still {job.state}")
