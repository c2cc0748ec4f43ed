"""A running studio and a real Chromium.

``studio`` is one studio for a test file: a web server as its own process on a free port, with
its own data folder. ``studio.start_workers()`` adds the real workers. ``open_page`` opens a
fresh browser profile and fails the test if the page asks for anything outside the studio, or one
of its scripts breaks off.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Literal, Protocol
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, Page, Request, expect, sync_playwright

from db.migrate import upgrade
from db.repositories.drawings import DrawingRepository
from db.types import Role
from studio.imaging.drawing import Drawing
from studio.settings import ROOT
from tasks.services import Services
from tasks.supervisor import Program, environment, programs
from tests.browser.canvas import Canvas, Saved, meadow, open_canvas
from tests.browser.steps import SignIn, find_actor
from tests.people import PASSWORD, make_person
from tests.scratch import scratch_settings
from tests.servers import free_port

_START_TIMEOUT_S = 60
_LOG_TAIL_CHARACTERS = 4_000
_PAGES = pytest.StashKey[list[Page]]()
_CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
_CHROMIUM_ARGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    # Not by a route of Playwright's, which has every file of every page loaded and compiled anew.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)

expect.set_options(timeout=15_000)


@dataclass
class Studio:
    """A studio under test: its address, its record, and its processes."""

    services: Services
    _web: subprocess.Popen[bytes] | None = None
    _workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    _names: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.services.settings.port}"

    def add_user(self, role: Role = Role.MEMBER, *, name: str = "") -> str:
        """An account whose password is ``PASSWORD``. Returns its name."""
        self._names += 1
        return make_person(self.services, name or f"person{self._names}", role).name

    def start_web(self) -> None:
        [web] = [program for program in self._programs() if program.name == "web"]
        self._web = self._spawn(web)
        deadline = time.monotonic() + _START_TIMEOUT_S
        while time.monotonic() < deadline:
            if self._web.poll() is not None:
                raise RuntimeError(f"the web process ended:\n{self.log()}")
            try:
                if httpx.get(f"{self.url}/healthz").is_success:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        raise TimeoutError(f"the web process did not answer:\n{self.log()}")

    def stop_web(self) -> None:
        if self._web is not None:
            _stop(self._web)
            self._web = None

    def restart_web(self) -> None:
        self.stop_web()
        self.start_web()

    @contextmanager
    def still_web(self) -> Iterator[None]:
        """The web process hears nothing meanwhile, then everything at once."""
        assert self._web is not None
        self._web.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._web.send_signal(signal.SIGCONT)

    def start_workers(self) -> None:
        """The real workers and their clock, once."""
        if not self._workers:
            others = (program for program in self._programs() if program.name != "web")
            self._workers = [self._spawn(program) for program in others]

    def stop(self) -> None:
        self.stop_web()
        while self._workers:
            _stop(self._workers.pop())

    def log(self) -> str:
        return self._log_path.read_text(errors="replace") if self._log_path.exists() else ""

    @property
    def _log_path(self) -> Path:
        return self.services.settings.data_dir / "test.log"

    def _programs(self) -> list[Program]:
        return programs(self.services.settings)

    def _spawn(self, program: Program) -> subprocess.Popen[bytes]:
        with self._log_path.open("ab") as log:
            return subprocess.Popen(
                program.command,
                cwd=ROOT,
                env=environment(self.services.settings),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )


class OpenPage(Protocol):
    def __call__(
        self,
        *,
        width: int = 1280,
        height: int = 900,
        theme: Literal["light", "dark"] = "light",
        leaves: bool = True,
    ) -> Page: ...


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the process and its children, which share its session."""
    process.terminate()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """A running studio without workers; shared by the tests of one file."""
    data_dir = tmp_path_factory.mktemp("studio")
    settings = scratch_settings(data_dir, port=free_port())
    upgrade(settings.resolved_database_url)
    services = Services.from_settings(settings)
    services.blobs.prepare()
    running = Studio(services)
    running.start_web()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One for each file: as long as Playwright runs, no other event loop may in this process."""
    executable = next(filter(None, map(shutil.which, _CHROMIUM_NAMES)), None)
    if executable is None:
        pytest.skip("Chromium is not installed; run: sudo apt-get install -y chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(_CHROMIUM_ARGS))
        yield browser
        browser.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed test shows what its pages said and what the studio logged."""
    report = yield
    if report.failed and isinstance(item, pytest.Function):
        for page in item.stash.get(_PAGES, []):
            report.sections.append((f"page {page.url}", page.locator("body").inner_text()))
        studio = item.funcargs.get("studio")
        if isinstance(studio, Studio):
            report.sections.append(("studio log", studio.log()[-_LOG_TAIL_CHARACTERS:]))
    return report


@pytest.fixture
def open_page(
    studio: Studio, chromium: Browser, request: pytest.FixtureRequest
) -> Iterator[OpenPage]:
    """Opens a page in a fresh profile; ``page.context.new_page()`` is a second tab of it."""
    contexts = []
    strangers: list[str] = []
    crashes: list[str] = []

    def note_stranger(asked: Request) -> None:
        address = urlsplit(asked.url)
        if address.scheme in ("http", "https") and address.netloc != urlsplit(studio.url).netloc:
            strangers.append(asked.url)

    def open_one(
        *,
        width: int = 1280,
        height: int = 900,
        theme: Literal["light", "dark"] = "light",
        leaves: bool = True,
    ) -> Page:
        context = chromium.new_context(
            base_url=studio.url,
            viewport={"width": width, "height": height},
            color_scheme=theme,
            accept_downloads=True,
        )
        context.on("request", note_stranger)
        context.on("weberror", lambda crash: crashes.append(str(crash.error)))
        # The browser asks whether to leave where the last strokes may not be on record.
        context.on("dialog", lambda asked: asked.accept() if leaves else asked.dismiss())
        contexts.append(context)
        page = context.new_page()
        request.node.stash.setdefault(_PAGES, []).append(page)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert not strangers, f"the page asked for {strangers}"
    assert not crashes, f"scripts of the page broke off: {crashes}"


@pytest.fixture
def sign_in(studio: Studio) -> Callable[..., None]:
    """Signs a page in through the form: ``sign_in(page, name)``."""

    def sign_in_on(page: Page, name: str, password: str = PASSWORD) -> None:
        page.goto("/account/sign-in")
        page.get_by_label("Name").fill(name)
        page.get_by_label("Password", exact=True).fill(password)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(lambda url: "/account/" not in url)

    return sign_in_on


@pytest.fixture
def name(studio: Studio) -> str:
    """Of a new member."""
    return studio.add_user()


@pytest.fixture
def canvas(name: str, open_page: OpenPage, sign_in: SignIn) -> Canvas:
    """The page Inpaint with the meadow on its canvas."""
    return open_canvas(open_page(), sign_in, name)


@pytest.fixture
def saved(studio: Studio, name: str) -> Saved:
    def read() -> Drawing:
        digest = sha256(meadow()).hexdigest()
        with studio.services.database.read() as session:
            row = DrawingRepository(session).in_work(find_actor(studio.services, name), digest)
            assert row is not None
            return Drawing.model_validate_json(row.canvas)

    return read
