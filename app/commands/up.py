"""``studio up``: everything on this machine, from an empty folder to a page that answers."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Annotated

import typer

from app.commands.default_weights import lacking_defaults
from app.commands.first_admin import greet_first_admin
from app.commands.health import is_web_healthy, web_address
from app.commands.sample_job import run_sample, was_anything_run
from app.commands.told import told
from app.language import _
from app.weights.management import open_store
from db.errors import RecordError
from db.migrate import upgrade
from db.types import Lane
from studio.errors import StudioError
from studio.settings import Settings, get_settings
from studio.words import msg
from tasks import supervisor
from tasks.services import Services, get_services
from tasks.status import slots

START_TIMEOUT_S = 120.0
_POLL_S = 0.1


class StartError(StudioError):
    """The studio cannot be started; the message says why."""

    code = "start"


def up(
    sample: Annotated[
        bool | None,
        typer.Option(
            "--sample/--no-sample", help="Run one sample job; by default on the first start only."
        ),
    ] = None,
) -> None:
    """Start the studio here: database, first admin, web and workers. Ctrl-C stops it."""
    settings = get_settings()
    _require_free_port(settings)  # before anything is made on the disk
    services = get_services()
    upgrade(services.database.url)
    services.blobs.prepare()
    greet_first_admin(services)
    lacking = _lacking_weights(settings)
    with _stop_on_signal(), _supervised(settings) as process:
        _wait_until_ready(services, process)
        _show_sample(services, lacking, is_wanted=sample)
        typer.echo(
            _("The studio is open at {address}  (Ctrl-C stops it)", address=address(settings))
        )
        process.wait()
        raise StartError(
            msg(
                "The supervisor ended by itself. Its log is in {folder}.",
                folder=str(settings.data_dir / "logs"),
            )
        )


def address(settings: Settings) -> str:
    """Where people find the studio."""
    host = "localhost" if settings.host in {"0.0.0.0", "::"} else settings.host  # noqa: S104 — compared, not bound
    return settings.public_url or web_address(host, settings.port)


def _require_free_port(settings: Settings) -> None:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise StartError(
                msg(
                    "Port {port} of {host} cannot be used ({fault}). The studio may be "
                    "running already; if not, choose another with STUDIO_PORT.",
                    port=str(settings.port),
                    host=settings.host,
                    fault=str(error.strerror),
                ),
                code="start.port",
            ) from error


def _lacking_weights(settings: Settings) -> list[str]:
    lacking = lacking_defaults(open_store(settings))
    if lacking:
        typer.echo(
            _(
                "Weights are missing: {models}. The studio starts without them; "
                "`studio weights pull {ids}` fetches them.",
                models=tuple(lacking),
                ids=" ".join(lacking),
            ),
            err=True,
        )
    return lacking


@contextmanager
def _stop_on_signal() -> Iterator[None]:
    """Turn Ctrl-C and SIGTERM into a clean end with exit code 0."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    previous = {n: signal.signal(n, stop) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    except KeyboardInterrupt:
        typer.echo(_("The studio is closed."))
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


@contextmanager
def _supervised(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    """The supervisor and all its programs; stopped in order at the end."""
    process = supervisor.start(settings)
    try:
        yield process
    finally:
        # A second Ctrl-C must not leave half of it running.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        process.terminate()
        process.wait()


def _wait_until_ready(services: Services, process: subprocess.Popen[bytes]) -> None:
    """Return once pages are served and every lane that should have a worker has one."""
    settings = services.settings
    lanes = [Lane.GPU] * bool(settings.network_workers) + [Lane.CPU] * bool(settings.light_workers)
    deadline = time.monotonic() + START_TIMEOUT_S
    while not (is_web_healthy(settings) and all(slots(services, lane) for lane in lanes)):
        if process.poll() is not None or time.monotonic() > deadline:
            raise StartError(
                msg(
                    "The studio did not come up. Its logs are in {folder}.",
                    folder=str(settings.data_dir / "logs"),
                ),
                code="start.failed",
            )
        time.sleep(_POLL_S)


def _show_sample(services: Services, lacking: list[str], *, is_wanted: bool | None) -> None:
    """Run the sample job if it ``is_wanted``, by default on the first start; the studio goes on."""
    try:
        if is_wanted is False or (is_wanted is None and was_anything_run(services)):
            return
        if lacking:
            typer.echo(_("No sample job was run, as weights are missing."), err=True)
            return
        done = run_sample(services)
    except (StudioError, RecordError) as error:
        sentence = msg("The sample job failed: {reason}", reason=error.message)
        typer.echo(told(error, sentence), err=True)
    else:
        typer.echo(
            _("Sample job: {path} in {seconds:.1f} s", path=str(done.path), seconds=done.seconds)
        )
