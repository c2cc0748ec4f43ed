"""How long a run may take here, judged by what this studio has already done."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from app.formatting import estimate
from app.runs.parameters import find_params
from app.runs.reading import main_input, stored_file
from db.actor import Actor
from db.models import Job
from db.repositories.past_runs import PastRunRepository, Timing
from studio.errors import UserInputError
from studio.models.catalogue import ModelSpec, load_catalogue
from studio.params import ToolParams
from studio.tools.estimate import Estimate, PastRun, estimate_seconds
from studio.tools.registry import AUXILIARY_TOOLS, get_tool, load_params
from studio.words import Message, msg, msgs
from tasks.files import StoredFile
from tasks.reuse import ReuseKeys
from tasks.services import Services


class Estimator:
    """Seconds for pictures of any size, from one look at the past runs of a method.

    ``made_roles`` are those of stored outputs that the runs re-use. A method without a model
    of its own, of a tool that re-uses nothing, is judged by all of its runs: it may open a
    network or not, as the picture asks.
    """

    def __init__(
        self, services: Services, params: ToolParams, made_roles: Collection[str] = ()
    ) -> None:
        spec = get_tool(params.tool)
        needs_network = params.needs_network({spec.main_role, *made_roles})
        self._params = params
        self._model = _model(params.method) if needs_network else None
        is_told_apart = bool(spec.reuse or self._model or not needs_network)
        with services.database.read() as session:
            runs = PastRunRepository(session)
            timings = runs.timings(params.tool, params.method)
            self._past = _past(params.tool, timings, needs_network if is_told_apart else None)
            self._others = [] if self._past or not self._model else _others(runs, self._model)

    def estimate(self, width_px: int, height_px: int) -> Estimate | None:
        """For one picture; None when nothing has run yet to judge by, or it cannot be run.

        Raises:
            UserInputError: as ``ToolParams.output_size`` does.

        """
        worked = self._params.worked_megapixels(width_px, height_px)
        return estimate_seconds(self._model, worked, self._past, self._others)

    def estimate_file(self, file: StoredFile) -> Estimate | None:
        """For one upload."""
        return self.estimate(file.width_px or 0, file.height_px or 0)


def estimate_job(services: Services, job: Job) -> Estimate | None:
    """Seconds for a submitted run; None also where its parameters cannot be read.

    And for one whose picture has yet to be made.
    """
    params, picture = find_params(job), main_input(job)
    if params is None or picture is None:
        return None
    estimator = Estimator(services, params, {file.role for file in job.inputs})
    return estimator.estimate_file(stored_file(picture))


def estimate_files(
    services: Services, actor: Actor, params: ToolParams, files: Sequence[StoredFile]
) -> list[Estimate | None]:
    """Seconds for each of ``files``; those that can re-use a stored output need no network."""
    reuse = get_tool(params.tool).reuse
    known = find_known(services, actor, params, files)
    anew = Estimator(services, params)
    again = Estimator(services, params, {reuse.role}) if reuse else anew
    return [(again if file.sha256 in known else anew).estimate_file(file) for file in files]


def find_known(
    services: Services, actor: Actor, params: ToolParams, files: Sequence[StoredFile]
) -> set[str]:
    """Digests of those whose stored output such a run would re-use."""
    keys, main_role = ReuseKeys(services.settings, params), get_tool(params.tool).main_role
    by_file = {file.sha256: keys.key({main_role: [file.sha256]}) for file in files}
    sought = {sha256: key[1] for sha256, key in by_file.items() if key}
    with services.database.read() as session:
        found = PastRunRepository(session).find_outputs(actor, set(sought.values()))
    return {sha256 for sha256, key in sought.items() if key in found}


def describe(expected: Estimate | None) -> Message:
    """One phrase for people, honest about what it rests on."""
    if expected is None:
        return msg("no run yet to judge by")
    time, runs = estimate(expected.seconds), expected.judged_by_runs
    if expected.is_same_model:
        return msgs(
            "{time}, from {n} run of this model",
            "{time}, from {n} runs of this model",
            runs,
            time=time,
        )
    return msgs(
        "{time}, from {n} run of other models",
        "{time}, from {n} runs of other models",
        runs,
        time=time,
    )


def _past_megapixels(params: ToolParams, timing: Timing) -> float:
    """What the seconds of a run went with; its shape was not kept and is taken for 4:3."""
    height_px = (timing.input_megapixels * 1e6 * 3 / 4) ** 0.5
    size = max(round(height_px * 4 / 3), 1), max(round(height_px), 1)
    return params.worked_megapixels(*size)


def _others(runs: PastRunRepository, model: ModelSpec) -> list[tuple[ModelSpec, PastRun]]:
    """Runs of all other networks, of any tool: a first enlargement is judged by a cutout."""
    return [
        (other, run)
        for other in load_catalogue()
        for tool in other.tools
        if other.id != model.id and tool not in AUXILIARY_TOOLS
        for run in _past(tool, runs.timings(tool, other.id), used_model=True)
    ]


def _past(tool: str, timings: Sequence[Timing], used_model: bool | None) -> list[PastRun]:
    """Those in which a network ran, or none did; all when ``used_model`` is None.

    One whose parameters cannot be read says nothing of the work it did, and is left out.
    """
    return [
        PastRun.from_stages(timing.seconds, _past_megapixels(params, timing))
        for timing in timings
        if used_model in (None, timing.used_model) and (params := _params_of(tool, timing))
    ]


def _params_of(tool: str, timing: Timing) -> ToolParams | None:
    try:
        return load_params(tool, timing.params_version, timing.params)
    except UserInputError:
        return None


def _model(model_id: str) -> ModelSpec | None:
    catalogue = load_catalogue()
    return catalogue.get(model_id) if model_id in catalogue else None
