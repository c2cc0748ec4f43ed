"""Looking after weights: what the page, the command line and background work share.

Everything that changes what is installed is for admins, and leaves an entry in the audit.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from app.sessions import Visitor
from app.ui.format import file_size
from app.weight_work import WeightWork, WorkFolder
from db.actor import Actor
from db.repositories.audit import AuditRepository
from studio.errors import StudioError
from studio.models.catalogue import ModelSpec, load_catalogue
from studio.models.weights import Damaged, Installed, Missing, Status, WeightStore
from studio.settings import Settings
from tasks.services import Services


class WeightsForbiddenError(StudioError):
    """The person's role does not allow it."""

    code = "permission.not_admin"

    def __init__(self) -> None:
        super().__init__("Only admins can change which models are installed.")


def open_store(settings: Settings) -> WeightStore:
    """The weights folder of this studio."""
    return WeightStore(settings.weights_dir, load_catalogue())


def pull(services: Services, model_id: str, *, by: Actor, visitor: Visitor) -> WeightWork:
    """Begin to fetch a model in the background.

    Raises:
        WeightsForbiddenError: ``permission.not_admin``.
        ModelUnavailableError: ``model.unknown``.

    """
    require_admin(by)
    load_catalogue().get(model_id)
    record(services, by.id, "weights.pull", model_id, ip=visitor.ip)
    return WorkFolder(services.settings).pull(model_id, actor_id=by.id, ip=visitor.ip)


def verify(services: Services, model_id: str, *, by: Actor, visitor: Visitor) -> Status:
    """Read a model's files in full and compare their digests.

    Raises:
        WeightsForbiddenError: ``permission.not_admin``.
        ModelUnavailableError: ``model.unknown``.

    """
    require_admin(by)
    status = open_store(services.settings).verify(model_id)
    detail = {"found": state_words(status)}
    record(services, by.id, "weights.verify", model_id, ip=visitor.ip, detail=detail)
    return status


def delete(services: Services, model_id: str, *, by: Actor, visitor: Visitor) -> int:
    """Remove a model's files; returns the bytes that came free.

    Raises:
        WeightsForbiddenError: ``permission.not_admin``.
        ModelUnavailableError: ``model.unknown``.
        WeightError: ``weight.folder``.

    """
    require_admin(by)
    freed_bytes = open_store(services.settings).delete(model_id)
    detail = {"freed_bytes": freed_bytes}
    record(services, by.id, "weights.delete", model_id, ip=visitor.ip, detail=detail)
    return freed_bytes


def require_admin(actor: Actor) -> None:
    """Let nobody but admins go on.

    Raises:
        WeightsForbiddenError: ``permission.not_admin``.

    """
    if not actor.is_admin:
        raise WeightsForbiddenError


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


def state_words(status: Status) -> str:
    """Whether a model can be used, in words."""
    match status:
        case Installed():
            return f"installed, {file_size(status.bytes)}"
        case Missing():
            return "not installed"
        case Damaged():
            return f"damaged: {status.file}, {status.reason}"


def download_words(spec: ModelSpec) -> str:
    """What a pull brings in; packages and files without a stated size are of unknown size."""
    return file_size(spec.download_bytes) if spec.download_bytes else "size unknown"


def evidence_words(spec: ModelSpec) -> str:
    """How well the bytes of a model's files are known, whatever the kind of digest."""
    digests = [digest for file in spec.fetched_files for digest in file.digests]
    known = dict.fromkeys(str(digest.evidence) for digest in digests)
    is_known = all(file.digests for file in spec.fetched_files)
    return ", ".join([*known, *([] if is_known else ["pinned on first import"])])


def tool_words(spec: ModelSpec) -> str:
    """The tools that use a model."""
    return ", ".join(spec.tools)
