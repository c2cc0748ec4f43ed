"""Jobs that wait for one another: a fan, what joins it, and what follows that."""

from __future__ import annotations

from db.actor import Actor
from studio.params import CutoutOutput, CutoutParams, ToolParams
from tasks.files import StoredFile
from tasks.requests import ResultOf
from tasks.services import Services
from tasks.submit import submit
from tests.chaos.studio import PARAMS
from tests.requests import request

KNOT_JOBS = 6
JOIN = CutoutParams(output=CutoutOutput.PICTURE)


def submit_knot(services: Services, actor: Actor, stored: StoredFile) -> None:
    """``KNOT_JOBS`` jobs: three need the first, one needs these three, and the last needs it."""

    def then(params: ToolParams, **files: StoredFile | ResultOf) -> ResultOf:
        [job_id] = submit(services, actor, request(params, files))
        return ResultOf(job_id)

    first = then(PARAMS, image=stored)
    image, alpha, background = (then(PARAMS, image=first) for _ in range(3))
    joined = then(JOIN, image=image, alpha=alpha, background=background)
    then(PARAMS, image=joined)
