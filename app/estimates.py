"""How long a run may take here, judged by what this studio has already done."""

from __future__ import annotations

from collections.abc import Sequence

from db.actor import Actor
from db.models import Job
from db.repositories.jobs import JobRepository, Timing
from studio.models.catalogue import ModelSpec, load_catalogue
from studio.params import CartoonParams, ToolParams, parse_params
from studio.tools.estimate import Estimate, PastRun, estimate_seconds, megapixels, output_size
from studio.tools.spec import AUXILIARY_TOOLS, get_tool
from tasks.files import StoredFile
from tasks.reuse import find_reusable
from tasks.services import Services


class Estimator:
    """Seconds for pictures of any size, from one look at the past runs of a model.

    ``runs_network`` is False for a run that re-uses a stored output; a tool that re-uses
    nothing is judged by all of its runs. Built-in methods may run networks, too.
    """

    def __init__(
        self, services: Services, tool: str, model_id: str, *, runs_network: bool = True
    ) -> None:
        self._model = _model(model_id) if runs_network else None
        used_model = runs_network if get_tool(tool).reuse or self._model else None
        with services.database.read() as session:
            jobs = JobRepository(session)
            self._past = _past(jobs.timings(tool, model_id), used_model)
            self._others = [] if self._past or not self._model else _others(jobs, self._model)

    def estimate(self, input_megapixels: float) -> Estimate | None:
        """For one picture; None when nothing has run yet to judge by."""
        return estimate_seconds(self._model, input_megapixels, self._past, self._others)

    def estimate_file(self, file: StoredFile) -> Estimate | None:
        """For one upload."""
        return self.estimate(megapixels(file.width_px or 0, file.height_px or 0))


def estimate_job(services: Services, job: Job) -> Estimate | None:
    """Seconds for a submitted run."""
    picture = next(file for file in job.inputs if file.role == "image").blob
    reuse = get_tool(job.tool).reuse
    runs_network = reuse is None or all(file.role != reuse.role for file in job.inputs)
    estimator = Estimator(services, job.tool, job.model, runs_network=runs_network)
    params = parse_params(job.tool, job.params)
    size = (picture.width_px or 0, picture.height_px or 0)
    return estimator.estimate(_worked_megapixels(params, *size))


def estimate_files(
    services: Services, actor: Actor, params: ToolParams, files: Sequence[StoredFile]
) -> list[Estimate | None]:
    """Seconds for each of ``files``; those that can re-use a stored output need no network."""
    known = find_known(services, actor, params, files)
    anew = Estimator(services, params.tool, params.method)
    again = Estimator(services, params.tool, params.method, runs_network=False)
    return [
        (again if file.sha256 in known else anew).estimate(
            _worked_megapixels(params, file.width_px or 0, file.height_px or 0)
        )
        for file in files
    ]


def find_known(
    services: Services, actor: Actor, params: ToolParams, files: Sequence[StoredFile]
) -> set[str]:
    """Digests of those whose stored output such a run would re-use."""
    with services.database.read() as session:
        return {
            file.sha256
            for file in files
            if find_reusable(services, session, actor, params, file.sha256)
        }


def _worked_megapixels(params: ToolParams, width_px: int, height_px: int) -> float:
    """What a run's time goes with: the picture, or the drawing of a size of its own."""
    if isinstance(params, CartoonParams):
        width_px, height_px = output_size(params, width_px, height_px)
    return megapixels(width_px, height_px)


def _past_megapixels(timing: Timing) -> float:
    """As ``_worked_megapixels``, of a run whose shape was not kept: it is taken for 4:3."""
    if timing.params.get("tool") != "cartoon":
        return timing.input_megapixels
    height_px = (timing.input_megapixels * 1e6 * 3 / 4) ** 0.5
    params = CartoonParams.model_validate(timing.params)
    return _worked_megapixels(params, max(round(height_px * 4 / 3), 1), max(round(height_px), 1))


def _others(jobs: JobRepository, model: ModelSpec) -> list[tuple[ModelSpec, PastRun]]:
    """Runs of all other networks, of any tool: a first enlargement is judged by a cutout."""
    return [
        (other, run)
        for other in load_catalogue()
        for tool in other.tools
        if other.id != model.id and tool not in AUXILIARY_TOOLS
        for run in _past(jobs.timings(tool, other.id), used_model=True)
    ]


def _past(timings: Sequence[Timing], used_model: bool | None) -> list[PastRun]:
    """Those in which a network ran, or none did; all when ``used_model`` is None."""
    return [
        PastRun.from_stages(timing.seconds, _past_megapixels(timing))
        for timing in timings
        if used_model in (None, timing.used_model)
    ]


def _model(model_id: str) -> ModelSpec | None:
    catalogue = load_catalogue()
    return catalogue.get(model_id) if model_id in catalogue else None
