"""Stored files and their thumbnails, for whoever may see a run that they belong to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote
from uuid import UUID

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from app.archive import stream_zip
from app.middleware import FILE_POLICY
from app.renditions import BROWSER_TYPES, DISPLAY_SIDE_PX, display_file, thumbnail_file
from app.runs import batch_results
from app.security import identify, identify_script
from db.actor import Actor
from db.models import Blob, JobInput, JobOutput
from db.repositories.blobs import BlobRepository
from studio.errors import StorageError
from studio.imaging.thumbnail import THUMBNAIL_SIDE_PX
from tasks.services import Services

_MISSING = "There is no such file, or it is not yours to see."
# Content never changes under its hash, but who may see it does: ask again each time.
_CACHING = "private, no-cache"
_GONE_SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 300">'
    '<rect width="400" height="300" fill="#e4e0d8"/>'
    '<text x="200" y="156" font-family="sans-serif" font-size="28" fill="#6b665d" '
    'text-anchor="middle">file no longer stored</text></svg>'
)


def download_routes(services: Services) -> list[BaseRoute]:
    """Files and pictures by id, thumbnails by content, the results of a batch."""
    files = _Files(services)
    return [
        Route("/files/{file_id:uuid}/{name}", files.download, methods=["GET"]),
        Route("/pictures/{file_id:uuid}", files.picture, methods=["GET"]),
        Route("/batches/{batch_id:uuid}/results.zip", files.archive, methods=["GET"]),
        Route("/thumbnails/{sha256}", files.thumbnail, methods=["GET"]),
    ]


class _Files:
    """The endpoints, with the services they use."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def download(self, request: Request) -> Response:
        """An input or output, saved under the name it has on record."""
        actor = await self._actor(request)
        return await run_in_threadpool(self._download, actor, request)

    async def picture(self, request: Request) -> Response:
        """An input or output as a browser shows it, at screen size; ``?full`` at its own."""
        actor = await self._actor(request)
        return await run_in_threadpool(self._picture, actor, request)

    async def archive(self, request: Request) -> Response:
        """Every result of a batch in one ZIP, streamed."""
        actor = await self._actor(request)
        return await run_in_threadpool(self._archive, actor, request.path_params["batch_id"])

    async def thumbnail(self, request: Request) -> Response:
        """A small JPEG of a stored picture."""
        actor = await self._actor(request)
        return await run_in_threadpool(self._thumbnail, actor, request)

    async def _actor(self, request: Request) -> Actor:
        signed_in = await run_in_threadpool(identify, self._services, request)
        if signed_in is not None and not signed_in.must_change_password:
            return signed_in.actor
        actor = await run_in_threadpool(identify_script, self._services, request)
        if actor is None:
            raise HTTPException(401, "Sign in first.")
        return actor

    def _download(self, actor: Actor, request: Request) -> Response:
        found = self._find(actor, request.path_params["file_id"])
        headers = {
            "Content-Disposition": content_disposition(found.file_name),
            "Content-Security-Policy": FILE_POLICY,
        }
        blob = found.blob
        try:
            return self._answer(request, blob.sha256, blob.media_type, headers, self._stored(blob))
        except StorageError as error:
            raise HTTPException(410, error.message) from error

    def _picture(self, actor: Actor, request: Request) -> Response:
        blob = self._find(actor, request.path_params["file_id"]).blob
        try:
            return self._show(request, blob)
        except StorageError:
            return _gone()

    def _show(self, request: Request, blob: Blob) -> Response:
        is_stored_form = blob.media_type in BROWSER_TYPES and (
            "full" in request.query_params
            or max(blob.width_px or 0, blob.height_px or 0) <= DISPLAY_SIDE_PX
        )
        if is_stored_form:
            return self._answer(request, blob.sha256, blob.media_type, {}, self._stored(blob))
        return self._answer(
            request,
            f"{blob.sha256}-{DISPLAY_SIDE_PX}",
            "image/webp",
            {},
            lambda: display_file(self._services, blob),
        )

    def _find(self, actor: Actor, file_id: UUID) -> JobInput | JobOutput:
        with self._services.database.read() as unit:
            found = BlobRepository(unit).file_readable_by(actor, file_id)
        if found is None:
            raise HTTPException(404, _MISSING)
        return found

    def _archive(self, actor: Actor, batch_id: UUID) -> Response:
        results = batch_results(self._services, actor, batch_id)
        if not results:
            raise HTTPException(404, _MISSING)
        headers = {
            "Content-Disposition": content_disposition(f"batch-{batch_id}.zip"),
            "Cache-Control": "no-store",
        }
        body = stream_zip(self._services.blobs, results)
        return StreamingResponse(body, media_type="application/zip", headers=headers)

    def _thumbnail(self, actor: Actor, request: Request) -> Response:
        sha256: str = request.path_params["sha256"]
        with self._services.database.read() as unit:
            blob = BlobRepository(unit).readable_by(actor, sha256)
        if blob is None:
            raise HTTPException(404, _MISSING)
        try:
            return self._answer(
                request, f"{sha256}-{THUMBNAIL_SIDE_PX}", "image/jpeg", {}, self._small(blob)
            )
        except StorageError:
            return _gone()

    def _answer(
        self,
        request: Request,
        etag: str,
        media_type: str,
        headers: dict[str, str],
        content: Callable[[], Path | bytes],
    ) -> Response:
        headers = {"Cache-Control": _CACHING, "ETag": f'"{etag}"', **headers}
        if headers["ETag"] in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        found = content()
        if isinstance(found, Path):
            return FileResponse(found, media_type=media_type, headers=headers)
        return Response(found, media_type=media_type, headers=headers)

    def _stored(self, blob: Blob) -> Callable[[], Path | bytes]:
        blobs = self._services.blobs
        return lambda: blobs.local_path(blob.sha256) or blobs.read(blob.sha256)

    def _small(self, blob: Blob) -> Callable[[], Path | bytes]:
        sides = (blob.width_px, blob.height_px)
        is_small = all(side is not None and side <= THUMBNAIL_SIDE_PX for side in sides)
        if blob.media_type == "image/jpeg" and is_small:
            return self._stored(blob)
        return lambda: thumbnail_file(self._services, blob)


def _gone() -> Response:
    """410 with a picture that says so: the run outlives its files, and pages show it as it is."""
    headers = {"Cache-Control": "no-store", "Content-Security-Policy": FILE_POLICY}
    return Response(_GONE_SVG, 410, headers, media_type="image/svg+xml")


def content_disposition(file_name: str) -> str:
    """The header that saves a file under a name in any script.

    Plain ASCII for old readers, UTF-8 for the others.
    """
    plain = "".join(
        char if char.isascii() and char.isprintable() and char not in '"\\/' else "_"
        for char in file_name
    )
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(file_name, safe='')}"
