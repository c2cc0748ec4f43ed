"""What a person confirms once before a tool's first run, on record in the audit log."""

from __future__ import annotations

from app.people.sessions import Visitor
from db.actor import Actor
from db.repositories.audit import AuditRepository
from studio.tools.registry import get_tool
from tasks.authority import Needs, authorise
from tasks.permissions import consent_action
from tasks.services import Services


def has_consented(services: Services, actor: Actor, tool: str) -> bool:
    """Whether the person may run ``tool`` as far as consent goes; many tools ask for none."""
    if not get_tool(tool).consent:
        return True
    with services.database.read() as unit:
        return AuditRepository(unit).has_done(actor.id, consent_action(tool))


def give_consent(services: Services, actor: Actor, tool: str, visitor: Visitor) -> None:
    """Record that the person confirms, word by word; a second time changes nothing.

    Raises:
        UserInputError: ``tool.unknown``.
        NotAllowedError: viewers have nothing to confirm.

    """
    consent, action = get_tool(tool).consent, consent_action(tool)
    with services.database.write() as unit:
        authorise(unit, actor, Needs.RUNNING)
        audit = AuditRepository(unit)
        if consent and not audit.has_done(actor.id, action):
            detail = {"statement": consent.statement}
            audit.record(actor.id, action, actor.name, detail=detail, ip=visitor.ip)
