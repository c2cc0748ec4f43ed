"""A studio to break: set-ups with a proxy before each server, jobs, and what became of them."""

from __future__ import annotations

import logging
import shutil
import subprocess
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import pytest
from moto.server import ThreadedMotoServer
from sqlalchemy import func, make_url, select

from db.models import FairShare, Job, JobOutput
from db.states import JobState
from db.types import Lane
from studio.params import UpscaleParams
from studio.settings import Settings
from studio.tools.registry import TOOLS
from studio.tools.spec import RESULT_ROLE
from tasks.celery_app import broker_folder
from tasks.services import Services
from tasks.status import live_workers
from tasks.supervisor import Program, programs, worker
from tests.chaos.parts import (
    BlockedFolder,
    FullDisk,
    LockedDatabase,
    MissingFolder,
    NotMountedError,
    Part,
    own_disk,
)
from tests.databases import postgres_url, require_postgres
from tests.proxy import TcpProxy
from tests.scratch import scratch_settings
from tests.servers import RedisServer, ServerMissingError, free_port

TREES, CHILDREN = 2, 2
PARAMS = UpscaleParams(model="interpolation", scale=2)
PICTURE_PX = (400, 300)
LEASE_S = 5.0
"""Long enough for a busy machine to renew it in time."""
TELL_EVERY_S = 10.0

logger = logging.getLogger(__name__)


@dataclass
class Setup:
    """Settings of a studio, and the parts of its surroundings by name.

    ``left_out`` says of parts that cannot be taken away here why not; ``broker_server`` is a
    broker that may be killed, when there is one of our own.
    """

    settings: Settings
    parts: dict[str, Part] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    broker_server: RedisServer | None = None

    def ways(self, part: str) -> tuple[bool, ...]:
        """Whether ``part`` can go silently: loudly first, then silently where that differs."""
        return (False, True) if isinstance(self.parts[part], TcpProxy) else (False,)


@contextmanager
def embedded(folder: Path) -> Iterator[Setup]:
    """SQLite, tokens and pictures as files."""
    settings = _settings(folder)
    blobs = folder / "blobs"
    blobs.mkdir(exist_ok=True)
    yield Setup(
        settings,
        {
            "database": LockedDatabase(settings.resolved_database_url),
            "broker": BlockedFolder(broker_folder(settings)),
            "storage": MissingFolder(blobs),
        },
    )


@contextmanager
def embedded_on_own_disk(folder: Path) -> Iterator[Setup]:
    """As ``embedded``, on a disk of its own that can be filled, where this user may mount one."""
    with ExitStack() as stack:
        try:
            disk = stack.enter_context(own_disk(folder))
        except NotMountedError as error:
            setup = stack.enter_context(embedded(folder))
            setup.left_out["disk"] = str(error)
        else:
            setup = stack.enter_context(embedded(disk))
            environment = stack.enter_context(pytest.MonkeyPatch.context())
            environment.setenv("TMPDIR", str(disk))
            setup.parts["disk"] = FullDisk(disk)
        yield setup


@contextmanager
def production(folder: Path) -> Iterator[Setup]:
    """PostgreSQL, a Redis of our own, and an S3 server."""
    broker = RedisServer(folder)
    try:
        with _servers(folder, broker.url) as setup:
            setup.broker_server = broker
            yield setup
    finally:
        broker.kill()


@contextmanager
def rabbitmq(folder: Path) -> Iterator[Setup]:
    """PostgreSQL, RabbitMQ, and an S3 server."""
    with _virtual_host() as url, _servers(folder, url) as setup:
        yield setup


@contextmanager
def _servers(folder: Path, broker_url: str) -> Iterator[Setup]:
    require_postgres()
    with ExitStack() as stack, pytest.MonkeyPatch.context() as environment:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            environment.setenv(name, "chaos")
        environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
        database_url = stack.enter_context(postgres_url())
        s3_port = free_port()
        logging.getLogger("werkzeug").setLevel(logging.WARNING)
        s3 = ThreadedMotoServer(port=s3_port, verbose=False)
        s3.start()
        stack.callback(s3.stop)
        proxies = {}
        for name, url in (
            ("database", database_url),
            ("broker", broker_url),
            ("storage", f"http://127.0.0.1:{s3_port}"),
        ):
            address = make_url(url)
            assert address.host is not None
            assert address.port is not None
            proxies[name] = TcpProxy(address.host, address.port)
            stack.callback(proxies[name].stop)

        def through(name: str, url: str) -> str:
            address = make_url(url).set(host="127.0.0.1", port=proxies[name].port)
            return address.render_as_string(hide_password=False)

        settings = _settings(
            folder,
            database_url=through("database", database_url),
            broker_url=through("broker", broker_url),
            storage_url=f"s3://chaos-{uuid4().hex[:8]}",
            storage_endpoint_url=f"http://127.0.0.1:{proxies['storage'].port}",
        )
        Services.from_settings(settings).blobs.prepare()
        yield Setup(settings, dict(proxies))


@contextmanager
def _virtual_host() -> Iterator[str]:
    """A virtual host of our own on this machine's RabbitMQ.

    Raises:
        ServerMissingError: none can be made.

    """
    control = shutil.which("rabbitmqctl")
    if control is None:
        raise ServerMissingError("no rabbitmqctl on this machine; install RabbitMQ")
    name = f"chaos-{uuid4().hex[:8]}"
    with ExitStack() as at_the_end:
        try:
            _run(control, "add_vhost", name)
            at_the_end.callback(_run, control, "delete_vhost", name)
            _run(control, "set_permissions", "-p", name, "guest", ".*", ".*", ".*")
        except subprocess.CalledProcessError as error:
            why = error.stderr.strip()
            raise ServerMissingError(f"no virtual host of our own on RabbitMQ: {why}") from error
        yield f"amqp://guest:guest@127.0.0.1:5672/{name}"


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)


def _settings(folder: Path, **addresses: str) -> Settings:
    return scratch_settings(
        folder,
        lease_s=LEASE_S,
        heartbeat_s=0.5,
        reconcile_s=1,
        max_attempts=30,
        **addresses,
    )


def work_programs(settings: Settings, trees: int = TREES) -> list[Program]:
    """Worker trees of both light lanes, and beat."""
    lanes = [Lane.CPU, Lane.MAINTENANCE]
    names = [f"worker{number}" for number in range(trees)]
    beat = [program for program in programs(settings) if program.name == "beat"]
    return [Program(name, worker(lanes, CHILDREN, name)) for name in names] + beat


@dataclass
class Outcome:
    """What became of the jobs of one run."""

    states: Counter[str] = field(default_factory=Counter)
    outputs: int = 0
    without_their_outputs: int = 0
    """Jobs that have not each output of their tool exactly once."""
    missing_files: int = 0
    attempts: int = 0
    attempts_spent: int = 0
    most_attempts: int = 0
    counters: tuple[int, int] = (0, 0)
    errors: Counter[str] = field(default_factory=Counter)

    @property
    def succeeded(self) -> int:
        """Jobs that did, each with outputs whose files are there."""
        return self.states[JobState.SUCCEEDED.value]

    def is_sound(self, jobs: int) -> bool:
        """Whether every job succeeded exactly once, and nothing is left over."""
        return (
            self.states == {JobState.SUCCEEDED.value: jobs}
            and self.without_their_outputs == 0
            and self.missing_files == 0
            and self.counters == (0, 0)
        )


def inspect(services: Services) -> Outcome:
    """Count everything in the record and in storage."""
    outcome = Outcome()
    with services.database.read() as session:
        jobs = session.execute(
            select(Job.id, Job.tool, Job.state, Job.attempt, Job.attempts_spent, Job.error_code)
        ).all()
        made = session.execute(
            select(JobOutput.job_id, JobOutput.role, JobOutput.blob_sha256)
        ).all()
        outcome.counters = tuple(
            session.execute(select(func.sum(FairShare.queued), func.sum(FairShare.running))).one()
        )
    outcome.states = Counter(job.state.value for job in jobs)
    outcome.errors = Counter(job.error_code for job in jobs if job.error_code)
    outcome.attempts = sum(job.attempt for job in jobs)
    outcome.most_attempts = max((job.attempt for job in jobs), default=0)
    outcome.attempts_spent = sum(job.attempts_spent for job in jobs)
    roles = defaultdict(list)
    for output in made:
        roles[output.job_id].append(output.role)
    outcome.outputs = len(made)
    outcome.without_their_outputs = sum(
        sorted(roles[job.id]) != _roles_made(job.tool) for job in jobs
    )
    outcome.missing_files = sum(not services.blobs.exists(output.blob_sha256) for output in made)
    return outcome


def _roles_made(tool: str) -> list[str]:
    """Of its outputs, in order: the result, and what later runs take over."""
    reuse = TOOLS[tool].reuse
    return sorted([RESULT_ROLE, reuse.role] if reuse else [RESULT_ROLE])


def wait_for_end(services: Services, jobs: int, patience_s: float) -> None:
    """Return when ``jobs`` have ended, or none more has for ``patience_s``."""
    done, moved_s = ended(services), time.monotonic()
    told_s = moved_s
    while done < jobs and time.monotonic() < moved_s + patience_s:
        time.sleep(0.2)
        now_s = time.monotonic()
        if (now_done := ended(services)) > done:
            done, moved_s = now_done, now_s
        if now_s >= told_s + TELL_EVERY_S:
            told_s = now_s
            logger.info("%s", standing(services))


def standing(services: Services) -> str:
    """How far all is, for whoever watches."""
    with services.database.read() as session:
        counted = session.execute(select(Job.state, func.count()).group_by(Job.state)).all()
        resting = session.scalars(select(func.count()).where(Job.not_before.is_not(None))).one()
    states = ", ".join(f"{count} {state.value}" for state, count in sorted(counted))
    return f"{states}; {resting} rest; {len(live_workers(services))} workers"


def ended(services: Services) -> int:
    """How many jobs have ended."""
    states = [state for state in JobState if state.is_terminal]
    with services.database.read() as session:
        return session.scalars(select(func.count()).where(Job.state.in_(states))).one()
