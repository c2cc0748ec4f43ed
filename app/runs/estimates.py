"""How long a run may take here, judged by what this studio has already done."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from app.formatting import estimate
from app.runs.parameters import find_params
from app.runs.reading import main_input, stored_file
from db.actor import Actor
from db.models import Job
from db.repositories.past_runs import PastRunRepository, Timing
from db.types import Lane
from studio.errors import UserInputError
from studio.models.catalogue import ModelSpec, load_catalogue
from studio.params import ToolParams
from studio.tools.estimate import Estimate, PastRun, estimate_seconds
from studio.tools.registry import AUXILIARY_TOOLS, get_tool, load_params
from studio.words import Message, msg, msgs
from tasks.files import StoredFile
from tasks.planning import lane_of
from tasks.requests import RunItem
from tasks.reuse import Digests, ReuseKeys, digests_by_role
from tasks.services import Services


class Estimator:
    """Seconds for pictures of any size, from one look at the past runs of a method.

    ``further_roles`` are those of files that the runs start from beside the main one, stored
    outputs among them. A method without a model of its own, of a tool that re-uses nothing, is
    judged by all of its runs: it may open a network or not, as the picture asks.
    """

    def __init__(
        self, services: Services, params: ToolParams, further_roles: Collection[str] = ()
    ) -> None:
        spec = get_tool(params.tool)
        needs_network = params.needs_network({spec.main_role, *further_roles})
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


@dataclass(frozen=True, slots=True)
class Expected:
    """What is known of a run before it is submitted.

    Attributes:
        lane: where it will wait.
        is_spared: whether what is made already spares it every network.
        estimate: how long it may take once it has started; None where nothing says.

    """

    lane: Lane
    is_spared: bool
    estimate: Estimate | None


def expect_runs(
    services: Services, actor: Actor, params: ToolParams, items: Sequence[RunItem]
) -> list[Expected]:
    """What a run of each of ``items`` will be like; their pictures are there."""
    reuse = get_tool(params.tool).reuse
    made = {reuse.role} if reuse else set()
    known = _find_known(services, actor, params, items)
    all_roles = [
        frozenset(_digests(item)) | (made if is_known else set())
        for item, is_known in zip(items, known, strict=True)
    ]
    estimators = {roles: Estimator(services, params, roles) for roles in set(all_roles)}
    return [
        _expect(params, item, estimators[roles], roles, made)
        for item, roles in zip(items, all_roles, strict=True)
    ]


def _expect(
    params: ToolParams,
    item: RunItem,
    estimator: Estimator,
    roles: Collection[str],
    made: Collection[str],
) -> Expected:
    """``roles`` are those of all that the run starts from, ``made`` what may spare its networks."""
    lane = lane_of(params, roles)
    [picture] = item.files[get_tool(params.tool).main_role]
    is_spared = lane is Lane.CPU and not set(made).isdisjoint(roles)
    known = estimator.estimate_file(picture) if isinstance(picture, StoredFile) else None
    return Expected(lane, is_spared, known)


def _find_known(
    services: Services, actor: Actor, params: ToolParams, items: Sequence[RunItem]
) -> list[bool]:
    """Of each item, whether its run would re-use a stored output."""
    keys = ReuseKeys(services.settings, params)
    sought = [keys.key(_digests(item)) for item in items]
    wanted = {role_and_key[1] for role_and_key in sought if role_and_key}
    if not wanted:
        return [False] * len(items)
    with services.database.read() as session:
        found = PastRunRepository(session).find_outputs(actor, wanted)
    return [bool(role_and_key and role_and_key[1] in found) for role_and_key in sought]


def _digests(item: RunItem) -> Digests:
    """Of the files that ``item`` reads and that are there."""
    return digests_by_role(
        (role, file.sha256)
        for role, group in item.files.items()
        for file in group
        if isinstance(file, StoredFile)
    )


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
