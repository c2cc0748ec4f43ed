from __future__ import annotations

import re
import socket

import pytest

from db.repositories.workers import WorkerRepository
from db.types import Lane, utc_now
from tasks.services import get_services
from tasks.status import beat_name, keeper_name, live_workers
from tests.app.commands.outcome import Studio


@pytest.mark.parametrize("part", ["web", "worker-gpu", "worker-light", "beat"])
def test_serve_check_of_a_part_that_does_not_run_fails_with_a_sentence(
    studio: Studio, part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio("migrate")
    monkeypatch.setenv("STUDIO_PORT", "1")

    outcome = studio("serve", part, "--check")

    assert outcome.code == 1
    assert part in outcome.err


@pytest.mark.parametrize(
    ("part", "names"),
    [
        ("worker-gpu", ["STUDIO_NETWORK_WORKERS"]),
        ("worker-light", ["STUDIO_LIGHT_WORKERS"]),
        ("beat", ["STUDIO_NETWORK_WORKERS", "STUDIO_LIGHT_WORKERS"]),
    ],
)
def test_serve_of_a_part_that_is_switched_off_names_the_setting(
    studio: Studio, monkeypatch: pytest.MonkeyPatch, part: str, names: list[str]
) -> None:
    for name in names:
        monkeypatch.setenv(name, "0")

    outcome = studio("serve", part)

    assert outcome.code == 1
    assert re.findall("STUDIO_[A-Z_]+", outcome.err) == names


def report(name: str, *, deaf_for_s: float) -> None:
    with get_services().database.write() as session:
        WorkerRepository(session).report(
            name, [Lane.GPU], 1, started_at=utc_now(), deaf_for_s=deaf_for_s
        )


def test_serve_check_worker_that_lives_and_takes_no_work_is_not_at_work(studio: Studio) -> None:
    studio("migrate")
    host = socket.gethostname()
    report(f"gpu@{host}:1", deaf_for_s=0)
    report("gpu@elsewhere:1", deaf_for_s=3600)
    assert studio("serve", "worker-gpu", "--check").code == 0
    report(f"gpu@{host}:2", deaf_for_s=60.0)  # two of a kind share the machine

    outcome = studio("serve", "worker-gpu", "--check")

    assert outcome.code == 1
    assert "worker-gpu" in outcome.err


def test_serve_check_beat_that_sends_tokens_and_keeps_the_queue_is_at_work(
    studio: Studio,
) -> None:
    studio("migrate")
    services = get_services()
    with services.database.write() as session:
        WorkerRepository(session).report(beat_name(), [], 0, started_at=utc_now())
    assert studio("serve", "beat", "--check").code != 0
    with services.database.write() as session:
        WorkerRepository(session).report(keeper_name(), [], 0, started_at=utc_now())

    assert studio("serve", "beat", "--check").code == 0
    assert live_workers(services) == []


def test_doctor_names_a_worker_that_takes_no_work(studio: Studio) -> None:
    studio("migrate")
    report("gpu@here:1", deaf_for_s=60.0)

    workers = next(found for found in studio("doctor", "--json").json if found["part"] == "workers")

    assert workers["state"] == "fault"
    assert "gpu@here:1" in workers["detail"]
