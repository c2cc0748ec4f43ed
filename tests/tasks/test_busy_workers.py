"""A real worker whose only slot is taken, and one whose connection has died without a word."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from uuid import UUID

import pytest
from PIL import Image

from db.repositories.queue import QueueRepository
from db.states import JobState
from db.types import Lane
from studio.params import InpaintParams
from studio.params.inpaint import Filler, MaskPreset
from tasks.status import live_workers
from tasks.submit import cancel
from tests.proxy import TcpProxy
from tests.scratch import scratch_settings
from tests.servers import RedisServer, wait_until
from tests.workers import START_S, Studio, running

pytestmark = pytest.mark.slow

LEASE_S = 5.0


def submit_long_call(studio: Studio) -> UUID:
    """Minutes inside one call of a library, which nothing can interrupt."""
    file = BytesIO()
    Image.linear_gradient("L").resize((5000, 4000)).convert("RGB").save(file, "PNG")
    params = InpaintParams(
        model=Filler.TELEA, preset=MaskPreset.CENTRE, preset_size_ratio=0.9, feather_px=0
    )
    return studio.submit_run(params, "long.png", file.getvalue())


def lose(studio: Studio, job_id: UUID) -> None:
    """A worker takes the job and is never heard of again."""
    with studio.services.database.write() as session:
        claim = QueueRepository(session).claim(Lane.CPU, "lost", lease_s=0.001)
    assert claim is not None
    assert claim.job_id == job_id


def test_slot_that_is_taken_for_long_holds_up_no_upkeep_and_is_freed_by_a_cancel(
    tmp_path: Path,
) -> None:
    settings = scratch_settings(tmp_path, light_workers=1, lease_s=LEASE_S, reconcile_s=0.5)
    with running(settings) as studio:
        long = submit_long_call(studio)
        wait_until(
            lambda: studio.job(long).progress > 0, timeout_s=START_S, what="the call to begin"
        )
        short = studio.submit()
        lose(studio, short)
        wait_until(
            lambda: studio.state(short) is JobState.QUEUED, timeout_s=START_S, what="its return"
        )
        assert studio.job(short).attempts_spent == 1
        assert studio.state(long) is JobState.RUNNING

        assert cancel(studio.services, studio.actor, long)
        studio.wait_for(short)
        assert studio.state(long) is JobState.CANCELLED
        assert studio.job(long).attempts_spent == 0


@pytest.mark.redis
def test_worker_that_has_gone_deaf_is_ended_and_the_next_one_works(tmp_path: Path) -> None:
    server = RedisServer(tmp_path)
    proxy = TcpProxy("127.0.0.1", server.port)
    settings = scratch_settings(
        tmp_path,
        light_workers=1,
        broker_url=f"redis://127.0.0.1:{proxy.port}/0",
        lease_s=LEASE_S,
        deaf_after_s=6,
    )
    try:
        with running(settings) as studio:
            [before] = live_workers(studio.services)
            proxy.mute()
            studio.wait_for(studio.submit())
            # One that had to be killed signs nothing off: it goes by its silence.
            wait_until(
                lambda: before.name not in [one.name for one in live_workers(studio.services)],
                timeout_s=START_S,
                what="the end of the deaf one",
            )
            assert len(live_workers(studio.services)) == 1
        log = (tmp_path / "logs" / "worker-light.log").read_text(encoding="utf-8")
        assert "though there was some: ending" in log
    finally:
        proxy.stop()
        server.kill()
