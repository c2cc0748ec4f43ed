"""Looking after weights: what the page, the command line and background work share.

Everything that changes what is installed is for admins, and leaves an entry in the audit.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from app.formatting import file_size
from app.people.sessions import Visitor
from app.weights.background import WeightWork, WorkFolder
from db.actor import Actor
from db.repositories.audit import AuditRepository
from studio.models.catalogue import ModelSpec, load_catalogue
from studio.models.sources import PullProgress, PullStep
from studio.models.weights import Damaged, Installed, Missing, Status, WeightStore
from studio.settings import Settings
from studio.words import N_, Message, msg
from tasks.authority import Needs, authorise, require_now
from tasks.services import Services

_STEPS: dict[PullStep, str] = {
    "download": N_("download {what}"),
    "convert": N_("convert {what}"),
    "done": N_("done {what}"),
}


def open_store(settings: Settings) -> WeightStore:
    """The weights folder of this studio."""
    return WeightStore(settings.weights_dir, load_catalogue())


def pull(services: Services, model_id: str, *, by: Actor, visitor: Visitor) -> WeightWork:
    """Begin to fetch a model in the background.

    Raises:
        NotAllowedError: ``by`` is no admin, or no longer.
        ModelUnavailableError: ``model.unknown``.

    """
    load_catalogue().get(model_id)
    record_by(services, by, "weights.pull", model_id, ip=visitor.ip)
    return WorkFolder(services.settings).pull(model_id, actor_id=by.id, ip=visitor.ip)


def verify(services: Services, model_id: str, *, by: Actor, visitor: Visitor) -> Status:
    """Read a model's files in full and compare their digests.

    Raises:
        NotAllowedError: ``by`` is no admin, or no longer.
        ModelUnavailableError: ``model.unknown``.

    """
    require_now(services, by, Needs.ADMIN)
    status = open_store(services.settings).verify(model_id)
    detail = {"found": state_words(status).to_json()}
    record_by(services, by, "weights.verify", model_id, ip=visitor.ip, detail=detail)
    return status


def delete(services: Services, model_id: str, *, by: Actor, visitor: Visitor) -> int:
    """Remove a model's files; returns the bytes that came free.

    Raises:
        NotAllowedError: ``by`` is no admin, or no longer.
        ModelUnavailableError: ``model.unknown``.
        WeightError: ``weight.folder``.

    """
    with services.database.write() as session:
        authorise(session, by, Needs.ADMIN)
        freed_bytes = open_store(services.settings).delete(model_id)
        AuditRepository(session).record(
            by.id, "weights.delete", model_id, detail={"freed_bytes": freed_bytes}, ip=visitor.ip
        )
    return freed_bytes


def stop(services: Services, work: WeightWork, *, by: Actor, visitor: Visitor) -> None:
    """End a pull or import that is under way; what a pull has fetched is used by the next.

    One that is over already is left as it is, and leaves no entry.

    Raises:
        NotAllowedError: ``by`` is no admin, or no longer.

    """
    with services.database.write() as session:
        authorise(session, by, Needs.ADMIN)
        if WorkFolder(services.settings).stop(work):
            AuditRepository(session).record(
                by.id, f"weights.{work.kind}_stopped", work.subject, ip=visitor.ip
            )


def dismiss(services: Services, work: WeightWork, *, by: Actor, visitor: Visitor) -> None:
    """Forget a pull or import that is over.

    Raises:
        NotAllowedError: ``by`` is no admin, or no longer.

    """
    record_by(services, by, f"weights.{work.kind}_dismissed", work.subject, ip=visitor.ip)
    WorkFolder(services.settings).dismiss(work)


def record_by(
    services: Services,
    by: Actor,
    action: str,
    subject: str,
    *,
    ip: str,
    detail: dict[str, Any] | None = None,
) -> None:
    """Add an entry of what ``by``, an admin, does; nobody else gets past here.

    Raises:
        NotAllowedError: ``by`` is no admin, or no longer.

    """
    with services.database.write() as session:
        authorise(session, by, Needs.ADMIN)
        AuditRepository(session).record(by.id, action, subject, detail=detail, ip=ip)


def record(
    services: Services,
    actor_id: UUID | None,
    action: str,
    subject: str,
    *,
    ip: str = "",
    detail: dict[str, Any] | None = None,
) -> None:
    """Add an entry to the audit."""
    with services.database.write() as session:
        AuditRepository(session).record(actor_id, action, subject, detail=detail, ip=ip)


def state_words(status: Status) -> Message:
    """Whether a model can be used, in words."""
    match status:
        case Installed():
            return msg("installed, {size}", size=file_size(status.bytes))
        case Missing():
            return msg("not installed")
        case Damaged():
            return msg("damaged: {file}, {reason}", file=status.file, reason=status.reason)


def download_words(spec: ModelSpec) -> Message:
    """What a pull brings in; packages and files without a stated size are of unknown size."""
    return file_size(spec.download_bytes) if spec.download_bytes else msg("size unknown")


def evidence_words(spec: ModelSpec) -> Message:
    """How well the bytes of a model's files are known, whatever the kind of digest."""
    digests = [digest for file in spec.fetched_files for digest in file.digests]
    known = list(dict.fromkeys(digest.evidence_words for digest in digests))
    if not all(file.digests for file in spec.fetched_files):
        known.append(msg("pinned on first import"))
    return msg("{evidence}", evidence=tuple(known))


def step_words(progress: PullProgress) -> Message:
    """What a pull does now."""
    return Message(_STEPS[progress.step], {"what": progress.what})
