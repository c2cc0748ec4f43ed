from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from db.actor import Actor
from db.states import JobState
from db.types import Visibility
from studio.words import msg
from tasks.services import Services
from tests.pages.faceswap.swapping import FACES, SOURCE, TARGET, add_search, fill
from tests.pages.harness import Visit, button, jobs_of
from tests.pages.navigated import markup, open_page

pytestmark = pytest.mark.slow


def test_faceswap_searches_each_picture_once_and_privately(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    add_search(services, mei, TARGET, FACES)
    page = open_page(visit, tmp_path, "FACESWAP", mei)
    fill(page, SOURCE)
    page.run()
    known, started = jobs_of(services, "faces")
    assert known.inputs[0].blob_sha256 == sha256(TARGET).hexdigest()
    assert started.inputs[0].blob_sha256 == sha256(SOURCE).hexdigest()
    assert (started.state, started.visibility) == (JobState.QUEUED, Visibility.PRIVATE)


def test_faceswap_search_that_was_cancelled_is_not_begun_again_unasked(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    add_search(services, mei, TARGET, state=JobState.CANCELLED, record=None)
    page = open_page(visit, tmp_path, "FACESWAP", mei)
    fill(page, SOURCE)

    def searches() -> list[JobState]:
        found = jobs_of(services, "faces")
        target = sha256(TARGET).hexdigest()
        return [job.state for job in found if job.inputs[0].blob_sha256 == target]

    assert searches() == [JobState.CANCELLED]
    assert "The search for faces was stopped." in markup(page)
    button(page, "Look again").click().run()
    assert searches() == [JobState.CANCELLED, JobState.QUEUED]


def test_faceswap_cancelled_search_of_a_source_can_be_repeated(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    add_search(services, mei, TARGET, FACES)
    add_search(services, mei, SOURCE, state=JobState.CANCELLED, record=None)
    page = open_page(visit, tmp_path, "FACESWAP", mei)
    fill(page, SOURCE)
    button(page, "Look again").click().run()
    source = sha256(SOURCE).hexdigest()
    found = [job for job in jobs_of(services, "faces") if job.inputs[0].blob_sha256 == source]
    assert [job.state for job in found] == [JobState.CANCELLED, JobState.QUEUED]


def test_faceswap_search_that_failed_says_why_and_can_be_repeated(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    failed = {
        "state": JobState.FAILED,
        "error_message": msg("The network is gone."),
        "record": None,
    }
    add_search(services, mei, TARGET, **failed)
    page = open_page(visit, tmp_path, "FACESWAP", mei)
    fill(page, SOURCE)
    assert "The network is gone." in markup(page)
    assert page.button(key="faceswap.run").disabled
    button(page, "Look again").click().run()
    again = [job for job in jobs_of(services, "faces") if job.state is JobState.QUEUED]
    assert len(again) == 2  # the target's second, and the source's first


def test_faceswap_no_face_found_is_said_before_the_run(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    add_search(services, mei, TARGET, [])
    page = open_page(visit, tmp_path, "FACESWAP", mei)
    fill(page, SOURCE)
    assert "No face was found: the head fills the frame." in markup(page)
    assert page.button(key="faceswap.run").disabled
