"""From a request to the jobs that serve it: their inputs, what they re-use, and their lane."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from uuid import UUID

from sqlalchemy.orm import Session

from db.actor import Actor
from db.models import Batch, Job
from db.repositories.blobs import BlobRepository
from db.repositories.jobs import JobRepository
from db.repositories.past_runs import FoundOutput, PastRunRepository
from db.repositories.submissions import NewInput, NewJob, NewNeed, SubmissionRepository
from db.types import Lane, Origin, Visibility
from studio.errors import UserInputError
from studio.models.catalogue import load_catalogue
from studio.params import ToolParams
from studio.text import file_name, tidy
from studio.tools.choice import require_known
from studio.words import msg
from tasks.files import StoredFile
from tasks.permissions import held_job, held_jobs
from tasks.requests import ResultOf, RunItem, RunRequest
from tasks.reuse import ReuseKeys, digests_by_role
from tasks.services import Services


def plan(services: Services, session: Session, actor: Actor, request: RunRequest) -> list[NewJob]:
    """The jobs of a well-formed request, in the order of its items; adds the row of a batch.

    Raises:
        UserInputError: ``job.not_found`` when the parent is not the actor's to see,
            or whose result is asked for; ``params.invalid`` for overrides,
            ``submit.expired``, or ``model.other_tool``.
        ModelUnavailableError: ``model.unknown``.

    """
    batch = add_batch(session, actor, request)
    return plan_items(services, session, actor, request, batch=batch, coming={})


def plan_items(
    services: Services,
    session: Session,
    actor: Actor,
    request: RunRequest,
    *,
    batch: Batch | None,
    coming: Mapping[UUID, NewJob],
) -> list[NewJob]:
    """As ``plan``, as part of ``batch``; what items take may be made by a job in ``coming``.

    Those are planned already, by their ids, and are added in the same transaction.
    """
    parent_id = request.parent_id
    parent = held_job(session, actor, parent_id) if parent_id is not None else None
    all_params = [request.params_of(item) for item in request.items]
    _require_stored(session, request.items)
    sources = _sources(session, actor, request.items, coming)
    planner = _Planner(services, actor, request, batch, parent, sources)
    drafts = [
        planner.draft(item, params) for item, params in zip(request.items, all_params, strict=True)
    ]
    found = _hold_made(session, actor, {draft.reuse[1] for draft in drafts if draft.reuse})
    return [planner.plan_job(draft, found) for draft in drafts]


@dataclass(frozen=True, slots=True)
class _Draft:
    """What is known of an item's job before it is looked for what earlier runs have made."""

    item: RunItem
    params: ToolParams
    inputs: list[NewInput]
    needs: list[NewNeed]
    reuse: tuple[str, str] | None
    """Role and key of what an earlier run may have made of the same files already."""


@dataclass(frozen=True, slots=True)
class _Planner:
    """What all jobs of one request share."""

    services: Services
    actor: Actor
    request: RunRequest
    batch: Batch | None
    parent: Job | None
    sources: Mapping[UUID, Job | NewJob]
    """The jobs whose results are asked for; new ones have made nothing yet."""
    reuse_keys: dict[str, ReuseKeys] = field(default_factory=dict)
    """By the parameters; most items share theirs, and to know the weights takes reading files."""

    def draft(self, item: RunItem, params: ToolParams) -> _Draft:
        inputs, needs = self._inputs(item)
        return _Draft(item, params, inputs, needs, self._reuse(inputs, needs, params))

    def plan_job(self, draft: _Draft, found: Mapping[str, FoundOutput]) -> NewJob:
        """The job, which starts from what was ``found`` under its key."""
        item, params, needs = draft.item, draft.params, draft.needs
        inputs, maker_id = _with_made(draft, found)
        roles = {file.role for file in inputs} | {need.role for need in needs}
        main = self.request.main_file(item)
        parent_id, origin = self.request.parent_id, self.request.origin
        if parent_id is None and isinstance(main, ResultOf):
            parent_id, origin = main.job_id, Origin.MADE_FROM
        if parent_id is None and maker_id is not None:
            # The run whose output is re-used: it says which weights made that.
            parent_id, origin = maker_id, Origin.MADE_FROM
        require_networks(params, roles)
        return NewJob(
            owner_id=self.actor.id,
            tool=params.tool,
            method=params.method,
            params=params.model_dump(mode="json"),
            params_version=params.version(),
            main_role=self.request.spec.main_role,
            lane=lane_of(params, roles),
            inputs=inputs,
            needs=needs,
            title=main.file_name if isinstance(main, StoredFile) else self._title(main),
            batch=self.batch,
            parent_id=parent_id,
            origin=origin,
            visibility=self.request.visibility or self._visibility(item),
        )

    def _inputs(self, item: RunItem) -> tuple[list[NewInput], list[NewNeed]]:
        """The files that are there, the main one first, and what has still to be made."""
        inputs: list[NewInput] = []
        needs: list[NewNeed] = []
        main_role = self.request.spec.main_role
        for role, files in sorted(item.files.items(), key=lambda pair: pair[0] != main_role):
            for position, file in enumerate(files):
                given = self._made(file) if isinstance(file, ResultOf) else file
                if isinstance(given, ResultOf):
                    needs.append(_need(given, role, position))
                else:
                    is_taken_over = role in item.taken_over
                    inputs.append(_input(given, role, position, is_taken_over=is_taken_over))
        return inputs, needs

    def _visibility(self, item: RunItem) -> Visibility:
        """Whose it is to see where nobody said: what comes of a private job is private."""
        made_from = [self.sources[result.job_id] for result in _results(item)]
        jobs = [self.parent, *made_from] if self.parent else made_from
        is_private = any(job.visibility is Visibility.PRIVATE for job in jobs)
        return Visibility.PRIVATE if is_private else Visibility.TEAM

    def _title(self, result: ResultOf) -> str:
        """That of the job which makes the file: a chain is called as its picture is."""
        return self.sources[result.job_id].title

    def _made(self, result: ResultOf) -> StoredFile | ResultOf:
        """The file, once the job has made it: so that what is known of it can be used again."""
        source = self.sources[result.job_id]
        if isinstance(source, NewJob):
            return result
        outputs = [file for file in source.outputs if file.role == result.role]
        if len(outputs) <= result.position:
            return result
        file = outputs[result.position]
        blob = file.blob
        return StoredFile(
            blob.sha256, file.file_name, blob.media_type, blob.width_px, blob.height_px
        )

    def _reuse(
        self, inputs: Sequence[NewInput], needs: Sequence[NewNeed], params: ToolParams
    ) -> tuple[str, str] | None:
        reuse = self.request.spec.reuse
        if reuse is None or any(need.role not in reuse.free_roles for need in needs):
            return None
        digests = digests_by_role((file.role, file.blob_sha256) for file in inputs)
        new_keys = ReuseKeys(self.services.settings, params)
        keys = self.reuse_keys.setdefault(params.model_dump_json(), new_keys)
        return keys.key(digests)


def _hold_made(session: Session, actor: Actor, keys: Collection[str]) -> Mapping[str, FoundOutput]:
    """What runs have made under these keys, held until this transaction has named them."""
    if not keys:
        return {}
    found = PastRunRepository(session).find_outputs(actor, keys)
    held = JobRepository(session).hold_ids(actor, {made.job_id for made in found.values()})
    return {key: made for key, made in found.items() if made.job_id in held}


def _with_made(
    draft: _Draft, found: Mapping[str, FoundOutput]
) -> tuple[list[NewInput], UUID | None]:
    """The inputs of the job, what spares the work among them; and the run that made that."""
    if draft.reuse is None or draft.reuse[1] not in found:
        return draft.inputs, None
    role, key = draft.reuse
    made, main = found[key], draft.inputs[0]
    name = _output_name(main.file_name, role, like=made.file_name)
    taken = NewInput(role=role, blob_sha256=made.blob.sha256, file_name=name, is_taken_over=True)
    return [*draft.inputs, taken], made.job_id


def add_batch(session: Session, actor: Actor, request: RunRequest) -> Batch | None:
    """The row of a batch for a request of two items or more, else None."""
    if len(request.items) < 2:
        return None
    return SubmissionRepository(session).add_batch(
        owner_id=actor.id,
        name=tidy(request.batch_name),
        tool=request.params.tool,
        params=request.params.model_dump(mode="json"),
    )


def _require_stored(session: Session, items: Sequence[RunItem]) -> None:
    files = {
        file.sha256: file
        for item in items
        for group in item.files.values()
        for file in group
        if isinstance(file, StoredFile)
    }
    missing = files.keys() - BlobRepository(session).hold(files.keys())
    if missing:
        raise UserInputError(
            msg("The upload is no longer there, as it was not used for a day"),
            remedy=msg("Upload the picture again."),
            code="submit.expired",
            file_name=files[min(missing)].file_name,
        )


def _sources(
    session: Session, actor: Actor, items: Sequence[RunItem], coming: Mapping[UUID, NewJob]
) -> dict[UUID, Job | NewJob]:
    """The jobs whose results are asked for; what cannot be seen cannot be used."""
    job_ids = {result.job_id for item in items for result in _results(item)}
    there = job_ids - coming.keys()
    made = held_jobs(session, actor, there) if there else {}
    return {job_id: coming.get(job_id) or made[job_id] for job_id in job_ids}


def _results(item: RunItem) -> Iterator[ResultOf]:
    """What ``item`` takes of other jobs."""
    return (file for group in item.files.values() for file in group if isinstance(file, ResultOf))


def _output_name(main_name: str, role: str, *, like: str) -> str:
    """What a run on ``main_name`` would call its output; the run that made it is private, maybe."""
    return file_name(f"{PurePosixPath(main_name).stem}-{role}{PurePosixPath(like).suffix}")


def _input(file: StoredFile, role: str, position: int, *, is_taken_over: bool) -> NewInput:
    return NewInput(
        role=role,
        blob_sha256=file.sha256,
        file_name=file.file_name,
        position=position,
        is_taken_over=is_taken_over,
    )


def _need(result: ResultOf, role: str, position: int) -> NewNeed:
    return NewNeed(
        job_id=result.job_id,
        output_role=result.role,
        output_position=result.position,
        role=role,
        position=position,
    )


def require_networks(params: ToolParams, roles: Collection[str]) -> None:
    """Refuse a run with files in these roles whose networks no catalogue entry would make fit.

    What is known but not installed may be by the time that the run starts.

    Raises:
        ModelUnavailableError: ``model.unknown``.
        UserInputError: ``model.other_tool``.

    """
    if params.needs_network(roles):
        require_known(load_catalogue(), params)


def lane_of(params: ToolParams, roles: Collection[str]) -> Lane:
    """``gpu`` for a run that may open a network with files in these roles, else ``cpu``."""
    return Lane.GPU if params.needs_network(roles) else Lane.CPU
