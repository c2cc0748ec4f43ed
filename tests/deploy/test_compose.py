"""The Compose file's own commands as plain processes, on PostgreSQL, Redis and S3."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
import yaml
from moto.server import ThreadedMotoServer

from db.states import JobState
from studio.params import INTERPOLATION, UpscaleParams
from studio.settings import ROOT, Settings
from tasks.services import Services
from tasks.submit import store_upload, submit
from tasks.supervisor import programs
from tests.databases import postgres_url, require_postgres
from tests.factories import make_actor
from tests.pictures import png
from tests.requests import request
from tests.rows import job_of
from tests.servers import RedisServer, free_port, wait_until

pytestmark = pytest.mark.slow

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
PARTS = ("web", "worker-gpu", "worker-light", "beat")


def command_of(service: str) -> list[str]:
    words: list[str] = COMPOSE["services"][service]["command"]
    assert words[0] == "studio"
    return [sys.executable, "-c", "from app.commands.cli import main; main()", *words[1:]]


@contextmanager
def started(command: list[str], environment: dict[str, str], log: Path) -> Iterator[None]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """What the Compose file sets, with addresses of servers that run here."""
    require_postgres()
    s3 = ThreadedMotoServer(port=0, verbose=False)
    s3.start()
    redis = RedisServer(tmp_path)
    host, port = s3.get_host_and_port()
    try:
        with postgres_url() as database_url:
            here = {
                "STUDIO_DATABASE_URL": database_url,
                "STUDIO_BROKER_URL": redis.url,
                "STUDIO_STORAGE_URL": COMPOSE["x-studio"]["environment"]["STUDIO_STORAGE_URL"],
                "STUDIO_STORAGE_ENDPOINT_URL": f"http://{host}:{port}",
                "STUDIO_DATA_DIR": str(tmp_path / "data"),
                "STUDIO_WEIGHTS_DIR": str(tmp_path / "weights"),
                "STUDIO_PORT": str(free_port()),
                "AWS_ACCESS_KEY_ID": "testing",
                "AWS_SECRET_ACCESS_KEY": "testing",
                "AWS_DEFAULT_REGION": "us-east-1",
            }
            for name, value in here.items():
                monkeypatch.setenv(name, value)
            yield {**os.environ, **here}
    finally:
        redis.kill()
        s3.stop()


def is_at_work(part: str, environment: dict[str, str]) -> bool:
    words = COMPOSE["services"][part]["healthcheck"]["test"]
    assert words[:2] == ["CMD", "studio"]
    command = [sys.executable, "-c", "from app.commands.cli import main; main()", *words[2:]]
    return subprocess.run(command, env=environment, capture_output=True).returncode == 0


def submit_one(services: Services) -> UUID:
    with services.database.write() as session:
        actor = make_actor(session)
    image = store_upload(services, "cat.png", png())
    params = UpscaleParams(model=INTERPOLATION)
    [job_id] = submit(services, actor, request(params, {"image": image}))
    return job_id


def test_compose_parts_run_a_job_on_postgres_redis_and_s3(
    environment: dict[str, str], tmp_path: Path
) -> None:
    migrated = subprocess.run(
        command_of("migrate"), env=environment, capture_output=True, text=True, check=True
    )
    assert "one-time password" in migrated.stdout
    assert not is_at_work("web", environment)

    with ExitStack() as stack:
        for part in PARTS:
            stack.enter_context(started(command_of(part), environment, tmp_path / f"{part}.log"))
        services = Services.from_settings(Settings(_env_file=None))
        job_id = submit_one(services)

        def is_done() -> bool:
            return job_of(services.database, job_id).state.is_terminal

        wait_until(is_done, timeout_s=120, what="the job")
        job = job_of(services.database, job_id)
        assert (job.state, job.attempt) == (JobState.SUCCEEDED, 1)
        assert services.blobs.read(job.outputs[0].blob_sha256).startswith(b"\x89PNG")
        wait_until(lambda: is_at_work("web", environment), timeout_s=60, what="web")
        assert is_at_work("worker-gpu", environment)
        assert is_at_work("worker-light", environment)
        answer = httpx.get(f"http://127.0.0.1:{environment['STUDIO_PORT']}/healthz")
        assert answer.json() == {"status": "ok"}
    services.database.engine.dispose()


def test_compose_settings_of_the_host_do_not_move_what_lies_in_a_container() -> None:
    inside = COMPOSE["x-studio"]["environment"]
    outside, port = COMPOSE["services"]["web"]["ports"][0].rsplit(":", 1)
    folder = COMPOSE["x-studio"]["volumes"][0].partition(":")[2]
    assert (inside["STUDIO_HOST"], str(inside["STUDIO_PORT"])) == ("0.0.0.0", port)
    assert inside["STUDIO_WEIGHTS_DIR"] == folder
    own_address = f"http://localhost:{outside}"
    assert inside["STUDIO_PUBLIC_URL"] == f"${{STUDIO_PUBLIC_URL:-{own_address}}}"
    named = (ROOT / "Containerfile").read_text(encoding="utf-8")
    for name in ("STUDIO_DATA_DIR", "STUDIO_WEIGHTS_DIR", "STUDIO_HOST"):
        assert f"{name}={inside[name]}" in named


def test_image_holds_no_file_of_secrets() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert ".env*" in ignored


def test_compose_services_that_need_the_schema_wait_for_the_migration() -> None:
    for part in PARTS:
        waits_for = COMPOSE["services"][part]["depends_on"]
        assert waits_for["migrate"] == {"condition": "service_completed_successfully"}


def test_compose_migration_waits_for_all_that_it_prepares() -> None:
    needs = COMPOSE["services"]["migrate"]["depends_on"]
    assert {name: need["condition"] for name, need in needs.items()} == {
        "postgres": "service_healthy",
        "storage": "service_healthy",
    }


def test_compose_names_every_part_that_the_supervisor_starts() -> None:
    assert {program.name for program in programs(Settings(_env_file=None))} == set(PARTS)
