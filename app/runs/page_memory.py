"""What a person left on a tool's page, kept for when they come back to it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from db.actor import Actor
from db.repositories.page_memory import PageMemoryRepository
from studio.errors import UserInputError
from studio.params import ToolParams
from studio.tools.registry import load_params
from tasks.authority import Needs, authorise
from tasks.files import StoredFile
from tasks.services import Services

_MAX_JSON_CHARS = 20_000


@dataclass(frozen=True, slots=True)
class KeptOptions:
    """Options as they were last set; without ``params``, none were.

    Attributes:
        from_id: the run that they started from.
        is_outdated: whether what was kept does not fit this release and was left aside.

    """

    params: Mapping[str, Any] = field(default_factory=dict)
    from_id: UUID | None = None
    is_private: bool = False
    is_outdated: bool = False


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A picture in a tray, and its size."""

    file: StoredFile
    size_bytes: int


@dataclass(frozen=True, slots=True)
class KeptTray:
    """What lies in a tray, and the names of what lay there for so long that it was let go."""

    files: Sequence[KeptFile]
    forgotten: Sequence[str]


def recall_options(services: Services, actor: Actor, params: type[ToolParams]) -> KeptOptions:
    """What the actor last set for the tool with these ``params``."""
    with services.database.read() as session:
        row = PageMemoryRepository(session).options(actor, _tool(params))
    if row is None:
        return KeptOptions()
    try:
        known = load_params(row.tool, row.params_version, row.params)
    except UserInputError:
        return KeptOptions(is_private=row.is_private, is_outdated=True)
    return KeptOptions(known.model_dump(), row.from_id, row.is_private)


def keep_options(
    services: Services,
    actor: Actor,
    params: ToolParams,
    *,
    from_id: UUID | None,
    is_private: bool,
) -> None:
    """Remember what is set now; values that no page could hold are not kept.

    Raises:
        NotAllowedError: the account is closed, or signed out.

    """
    values = params.model_dump(mode="json")
    if len(json.dumps(values)) > _MAX_JSON_CHARS:
        return
    with services.database.write() as session:
        authorise(session, actor, Needs.ENTRY)
        PageMemoryRepository(session).keep_options(
            actor, params.tool, values, params.version(), from_id=from_id, is_private=is_private
        )


def recall_tray(services: Services, actor: Actor, name: str) -> KeptTray:
    """What the actor left in the tray ``name``."""
    with services.database.read() as session:
        rows = PageMemoryRepository(session).tray(actor, name)
    files = {
        row.blob.sha256: KeptFile(
            StoredFile(
                row.blob.sha256,
                row.file_name,
                row.blob.media_type,
                row.blob.width_px,
                row.blob.height_px,
            ),
            row.blob.size_bytes,
        )
        for row in rows
        if row.blob
    }
    return KeptTray(list(files.values()), [row.file_name for row in rows if row.blob is None])


def keep_tray(services: Services, actor: Actor, name: str, files: Sequence[StoredFile]) -> None:
    """Remember what lies in the tray ``name`` now.

    Raises:
        NotAllowedError: the account is closed, or signed out.

    """
    with services.database.write() as session:
        authorise(session, actor, Needs.ENTRY)
        PageMemoryRepository(session).keep_tray(
            actor, name, [(file.sha256, file.file_name) for file in files]
        )


def _tool(params: type[ToolParams]) -> str:
    return str(params.model_fields["tool"].default)
