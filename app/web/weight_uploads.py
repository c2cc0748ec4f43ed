"""Where dropped weight files arrive: streamed to disk, for they may be larger than memory."""

from __future__ import annotations

import shutil
from pathlib import Path, PurePosixPath

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from app.api.forms import counted
from app.api.identity import identify, is_same_origin, visitor_of
from app.api.refusals import not_our_origin, not_signed_in
from app.people.sessions import Visitor
from app.weights.background import WorkFolder
from app.weights.management import open_store, record_by
from db.actor import Actor
from studio.errors import StudioError, WeightError
from studio.models.arrivals import require_name
from studio.storage import translating_full_disk
from studio.words import msg
from tasks.authority import Needs, require
from tasks.services import Services

MAX_BYTES = 4_000_000_000
"""The largest file of the catalogue is a quarter of this."""
_WRITE_BYTES = 4_000_000


def weight_routes(services: Services) -> list[BaseRoute]:
    """``PUT /weight-files/NAME?model=ID``: take a file in, for admins."""
    return [Route("/weight-files/{name}", _Arrivals(services).take, methods=["PUT"])]


class _Arrivals:
    """The endpoint, with the services it uses."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._folder = WorkFolder(services.settings)

    async def take(self, request: Request) -> Response:
        """Write the body to disk and begin to import it; 202 with the id of that work."""
        actor = await run_in_threadpool(self._admin, request)
        name = PurePosixPath(request.path_params["name"].replace("\\", "/")).name
        if not name.strip(". "):
            raise WeightError(msg("The file has no name."), code="weight.no_name")
        require_name(name)
        model_id = request.query_params.get("model") or None
        with translating_full_disk():
            arrival = await run_in_threadpool(self._folder.incoming)
            try:
                await _receive(request, arrival / name)
                work_id = await run_in_threadpool(
                    self._begin, arrival / name, model_id, actor, visitor_of(request)
                )
            finally:
                shutil.rmtree(arrival, ignore_errors=True)
        return JSONResponse({"id": work_id}, 202)

    def _admin(self, request: Request) -> Actor:
        if not is_same_origin(request, self._services.settings):
            raise not_our_origin()
        signed_in = identify(self._services, request)
        if signed_in is None or signed_in.must_change_password:
            raise not_signed_in()
        return require(signed_in.actor, Needs.ADMIN)

    def _begin(self, path: Path, model_id: str | None, actor: Actor, visitor: Visitor) -> str:
        if model_id is not None:
            open_store(self._services.settings).catalogue.get(model_id)
        detail = {"bytes": path.stat().st_size, "file": path.name}
        subject = model_id or path.name
        record_by(self._services, actor, "weights.import", subject, ip=visitor.ip, detail=detail)
        work = self._folder.import_file(path, model_id=model_id, actor_id=actor.id, ip=visitor.ip)
        return str(work.id)


async def _receive(request: Request, path: Path) -> None:
    """Write the body to ``path`` in large pieces, off the event loop."""
    pending = bytearray()
    with path.open("wb") as file:
        async for piece in counted(request, MAX_BYTES, _too_large()):
            pending += piece
            if len(pending) >= _WRITE_BYTES:
                await run_in_threadpool(file.write, bytes(pending))
                pending.clear()
        await run_in_threadpool(file.write, bytes(pending))
        size_bytes = file.tell()
    if not size_bytes:
        raise WeightError(msg("The file is empty."), code="weight.empty")


def _too_large() -> StudioError:
    return StudioError(
        msg(
            "Files of more than {max} GB go in with `studio weights import FILE`.",
            max=MAX_BYTES // 10**9,
        ),
        code="request.too_large",
    )
