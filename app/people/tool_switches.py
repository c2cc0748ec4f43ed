"""Tools that admins switch on and off."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from app.people.sessions import Visitor
from db.actor import Actor
from db.repositories.audit import AuditRepository
from db.repositories.tool_switches import SwitchRow, ToolSwitchRepository
from studio.tools.registry import TOOLS, get_tool
from tasks.authority import Needs, authorise
from tasks.services import Services


def switched_off(services: Services) -> frozenset[str]:
    """The tools that nobody may run at the moment."""
    with services.database.read() as unit:
        return ToolSwitchRepository(unit).switched_off()


def first_tool(off: Collection[str]) -> str:
    """Whose page opens first: that of the first tool that is not ``off``, if any is left."""
    names = [spec.name for spec in TOOLS.values() if not spec.is_auxiliary]
    return next((name for name in names if name not in off), names[0])


def switches(services: Services) -> Mapping[str, SwitchRow]:
    """How each tool was switched last; one that nobody has touched is on and not among them."""
    with services.database.read() as unit:
        return {row.tool: row for row in ToolSwitchRepository(unit).rows()}


def switch(services: Services, actor: Actor, tool: str, visitor: Visitor, *, is_on: bool) -> None:
    """Switch ``tool`` for everybody; runs that are queued already still run.

    Raises:
        NotAllowedError: the actor is no admin, or no longer.
        UserInputError: ``tool.unknown``.

    """
    spec = get_tool(tool)
    with services.database.write() as unit:
        authorise(unit, actor, Needs.ADMIN)
        changes = ToolSwitchRepository(unit).switch(spec.name, is_on=is_on, changed_by=actor.id)
        if changes:
            action = "tool.switch_on" if is_on else "tool.switch_off"
            AuditRepository(unit).record(actor.id, action, spec.name, ip=visitor.ip)
