"""Where dropped weight files arrive: streamed to disk, for they may be larger than memory."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path, PurePosixPath

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from app.routes import visitor_of
from app.security import identify, is_same_origin
from app.sessions import Visitor
from app.weight_work import WorkFolder
from app.weights import open_store, record
from db.actor import Actor
from studio.errors import ModelUnavailableError
from tasks.services import Services

MAX_BYTES = 4_000_000_000
"""The largest file of the catalogue is a quarter of this."""
_WRITE_BYTES = 4_000_000
_FULL_DISK = (errno.ENOSPC, errno.EDQUOT)


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
            raise HTTPException(422, "The file has no name.")
        model_id = request.query_params.get("model") or None
        arrival = await run_in_threadpool(self._folder.incoming)
        try:
            await _receive(request, arrival / name)
            work_id = await run_in_threadpool(
                self._begin, arrival / name, model_id, actor, visitor_of(request)
            )
        except ModelUnavailableError as error:
            raise HTTPException(422, error.message) from error
        except ClientDisconnect:
            return Response(status_code=400)
        except OSError as error:
            if error.errno not in _FULL_DISK:
                raise
            raise HTTPException(507, "The disk of the studio is full.") from error
        finally:
            shutil.rmtree(arrival, ignore_errors=True)
        return JSONResponse({"id": work_id}, 202)

    def _admin(self, request: Request) -> Actor:
        if not is_same_origin(request, self._services.settings):
            raise HTTPException(403, "This file was not sent from the studio's own page.")
        signed_in = identify(self._services, request)
        if signed_in is None or signed_in.must_change_password:
            raise HTTPException(401, "Sign in first.")
        if not signed_in.actor.is_admin:
            raise HTTPException(403, "Only admins can change which models are installed.")
        return signed_in.actor

    def _begin(self, path: Path, model_id: str | None, actor: Actor, visitor: Visitor) -> str:
        if model_id is not None:
            open_store(self._services.settings).catalogue.get(model_id)
        detail = {"bytes": path.stat().st_size, "file": path.name}
        subject = model_id or path.name
        record(self._services, actor.id, "weights.import", subject, ip=visitor.ip, detail=detail)
        work = self._folder.import_file(path, model_id=model_id, actor_id=actor.id, ip=visitor.ip)
        return str(work.id)


async def _receive(request: Request, path: Path) -> None:
    """Write the body to ``path`` in large pieces, off the event loop."""
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > MAX_BYTES:
        raise _too_large()
    pending = bytearray()
    received = 0
    with path.open("wb") as file:
        async for piece in request.stream():
            pending += piece
            received += len(piece)
            if received > MAX_BYTES:
                raise _too_large()
            if len(pending) >= _WRITE_BYTES:
                await run_in_threadpool(file.write, bytes(pending))
                pending.clear()
        await run_in_threadpool(file.write, bytes(pending))
    if not received:
        raise HTTPException(422, "The file is empty.")


def _too_large() -> HTTPException:
    return HTTPException(
        413, f"Files of more than {MAX_BYTES // 10**9} GB go in with `studio weights import FILE`."
    )
