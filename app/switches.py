"""Tools that admins switch on and off."""

from __future__ import annotations

from collections.abc import Mapping

from app.accounts import ForbiddenError
from app.sessions import Visitor
from db.actor import Actor
from db.repositories.audit import AuditRepository
from db.repositories.tool_switches import SwitchRow, ToolSwitchRepository
from studio.tools.spec import get_tool
from tasks.services import Services


def switched_off(services: Services) -> frozenset[str]:
    """The tools that nobody may run at the moment."""
    with services.database.read() as unit:
        return ToolSwitchRepository(unit).switched_off()


def switches(services: Services) -> Mapping[str, SwitchRow]:
    """How each tool was switched last; one that nobody has touched is on and not among them."""
    with services.database.read() as unit:
        return {row.tool: row for row in ToolSwitchRepository(unit).rows()}


def switch(services: Services, actor: Actor, tool: str, visitor: Visitor, *, is_on: bool) -> None:
    """Switch ``tool`` for everybody; runs that are queued already still run.

    Raises:
        ForbiddenError: the actor is no admin.
        UserInputError: ``tool.unknown``.

    """
    if not actor.is_admin:
        raise ForbiddenError("Only admins can switch tools on and off.")
    spec = get_tool(tool)
    with services.database.write() as unit:
        changes = ToolSwitchRepository(unit).switch(spec.name, is_on=is_on, changed_by=actor.id)
        if changes:
            action = "tool.switch_on" if is_on else "tool.switch_off"
            AuditRepository(unit).record(actor.id, action, spec.name, ip=visitor.ip)
