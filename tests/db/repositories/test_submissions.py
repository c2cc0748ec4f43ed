from __future__ import annotations

import pytest
from sqlalchemy.exc import IntegrityError

from db.repositories.jobs import JobRepository
from db.repositories.submissions import NewInput, NewJob, SubmissionRepository
from db.session import Database
from db.states import JobState
from db.types import Lane, Visibility
from tests.factories import make_actor, make_blob, make_new_job, make_user


def test_add_all_titles_the_run_after_its_first_file_and_keeps_its_inputs(
    database: Database,
) -> None:
    with database.write() as session:
        user = make_actor(session)
        image, background = make_blob(session), make_blob(session)
        submissions = SubmissionRepository(session)
        new = NewJob(
            owner_id=user.id,
            tool="cutout",
            method="isnet",
            params={"model": "isnet", "output": "picture"},
            params_version=3,
            main_role="image",
            lane=Lane.CPU,
            inputs=[
                NewInput(role="image", blob_sha256=image.sha256, file_name="Cat.JPG"),
                NewInput(role="background", blob_sha256=background.sha256, file_name="sky.png"),
            ],
            batch=submissions.add_batch(owner_id=user.id, name="Spring", tool="cutout", params={}),
            visibility=Visibility.PRIVATE,
            priority=2,
        )
        submissions.add_all([new])
    with database.read() as session:
        job = JobRepository(session).get(user, new.id)
        assert job is not None
        assert (job.title, job.model, job.state) == ("Cat.JPG", "isnet", JobState.QUEUED)
        assert (job.lane, job.params_version, job.priority) == (Lane.CPU, 3, 2)
        assert job.visibility is Visibility.PRIVATE
        assert job.search_text.split() == ["cat.jpg", "isnet", "spring"]
        assert {item.role: item.blob.sha256 for item in job.inputs} == {
            "image": image.sha256,
            "background": background.sha256,
        }


def test_add_all_with_a_blob_that_is_not_there_is_refused(database: Database) -> None:
    def add() -> None:
        with database.write() as session:
            new = make_new_job(make_user(session).id, "f" * 64)
            SubmissionRepository(session).add_all([new])

    with pytest.raises(IntegrityError):
        add()
