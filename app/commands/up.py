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

from app.commands.first_admin import greet_first_admin
from app.commands.health import is_web_healthy
from app.commands.sample_job import run_sample, was_anything_run
from db.migrate import upgrade
from db.types import Lane
from studio.errors import StudioError
from studio.models.catalogue import load_catalogue
from studio.models.weights import Installed, WeightStore
from studio.settings import Settings
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
    services = get_services()
    settings = services.settings
    _require_free_port(settings)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    upgrade(services.database.url)
    greet_first_admin(services)
    lacking = _lacking_weights(settings)
    with _stop_on_signal(), _supervised(settings) as process:
        _wait_until_ready(services, process)
        if sample or (sample is None and not was_anything_run(services)):
            _show_sample(services, lacking)
        typer.echo(f"The studio is open at {address(settings)}  (Ctrl-C stops it)")
        process.wait()
        raise StartError(
            f"The supervisor ended by itself. Its log is in {settings.data_dir / 'logs'}."
        )


def address(settings: Settings) -> str:
    """Where people find the studio."""
    host = "localhost" if settings.host in {"0.0.0.0", "::"} else settings.host  # noqa: S104 — compared, not bound
    return settings.public_url or f"http://{host}:{settings.port}"


def _require_free_port(settings: Settings) -> None:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise StartError(
                f"Port {settings.port} of {settings.host} cannot be used ({error.strerror}). The "
                "studio may be running already; if not, choose another with STUDIO_PORT.",
                code="start.port",
            ) from error


def _lacking_weights(settings: Settings) -> list[str]:
    store = WeightStore(settings.weights_dir, load_catalogue())
    lacking = [
        spec.id
        for spec in store.catalogue.defaults()
        if not isinstance(store.status(spec.id), Installed)
    ]
    if lacking:
        typer.echo(
            f"Weights are missing: {', '.join(lacking)}. The studio starts without them; "
            f"`studio weights pull {' '.join(lacking)}` fetches them.",
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
        typer.echo("The studio is closed.")
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
                f"The studio did not come up. Its logs are in {settings.data_dir / 'logs'}.",
                code="start.failed",
            )
        time.sleep(_POLL_S)


def _show_sample(services: Services, lacking: list[str]) -> None:
    if lacking:
        typer.echo("No sample job was run, as weights are missing.", err=True)
        return
    try:
        done = run_sample(services)
    except StudioError as error:
        typer.echo(f"The sample job failed: {error.message}", err=True)
    else:
        typer.echo(f"Sample job: {done.path} in {done.seconds:.1f} s")
