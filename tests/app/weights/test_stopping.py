"""An archive that unfolds for minutes: Stop on the page Models ends what reads it."""

from __future__ import annotations

import time

import pytest

from app.weights import management as weights
from app.weights.background import WeightWork, WorkFolder, WorkState
from db.types import Role
from tasks.services import Services
from tests.people import HERE, make_person
from tests.servers import wait_until
from tests.studio.models.weight_factories import make_long_tarball

pytestmark = pytest.mark.slow

_LONG_BYTES = 15 << 30
"""Just below what an archive may hold: most of a minute, on one processor."""
_ENDS_WITHIN_S = 3


def test_import_of_an_archive_that_unfolds_for_long_is_ended_by_stop(services: Services) -> None:
    boss = make_person(services, "boss", Role.ADMIN)
    folder = WorkFolder(services.settings)
    path = make_long_tarball(folder.incoming() / "net.tgz", _LONG_BYTES)
    work = folder.import_file(path, model_id=None, actor_id=boss.id, ip="")
    wait_until(lambda: now(folder).state is WorkState.RUNNING, what="the import")
    time.sleep(1)
    assert now(folder).state is WorkState.RUNNING

    weights.stop(services, work, by=boss, visitor=HERE)
    begun_s = time.monotonic()
    wait_until(lambda: now(folder).state is WorkState.FAILED, what="its end")
    assert time.monotonic() - begun_s < _ENDS_WITHIN_S
    assert str(now(folder).message) == "This was interrupted. Drop the file again."
    assert not folder.arrived(work).parent.exists()


def now(folder: WorkFolder) -> WeightWork:
    [work] = folder.all()
    return work
