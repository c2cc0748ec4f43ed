"""What a person confirms once before a tool's first run, on record in the audit log."""

from __future__ import annotations

from app.sessions import Visitor
from db.actor import Actor
from db.repositories.audit import AuditRepository
from studio.tools.spec import get_tool
from tasks.services import Services
from tasks.submit import consent_action


def has_consented(services: Services, actor: Actor, tool: str) -> bool:
    """Whether the person may run ``tool`` as far as consent goes; many tools ask for none."""
    if not get_tool(tool).consent:
        return True
    with services.database.read() as unit:
        return AuditRepository(unit).has_done(actor.id, consent_action(tool))


def give_consent(services: Services, actor: Actor, tool: str, visitor: Visitor) -> None:
    """Record that the person confirms, word by word; a second time changes nothing."""
    if has_consented(services, actor, tool):
        return
    with services.database.write() as unit:
        AuditRepository(unit).record(
            actor.id,
            consent_action(tool),
            actor.name,
            detail={"statement": get_tool(tool).consent},
            ip=visitor.ip,
        )
