"""Stored files and their thumbnails, for whoever may see a run that they belong to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Iterator, Mapping
from functools import partial
from html import escape
from pathlib import Path
from urllib.parse import quote
from uuid import UUID

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from app.api.fair_threads import FairTurns, fair_threads, sending, showing
from app.api.identity import identify_asker
from app.api.refusals import not_signed_in
from app.language import _
from app.runs.addresses import exported_name, saved_name
from app.runs.archive import stream_zip
from app.runs.exports import QUALITIES, exported_file
from app.runs.reading import batch_results
from app.runs.renditions import rendition_file
from app.web.middleware import FILE_POLICY
from db.actor import Actor
from db.models import Blob, JobInput, JobOutput
from db.repositories.blobs import BlobRepository
from studio.errors import StorageError, StudioError, UserInputError
from studio.imaging.reduced import DISPLAY_SIDE_PX
from studio.imaging.thumbnail import THUMBNAIL_SIDE_PX
from studio.params import ImageFormat
from studio.words import msg
from tasks.renditions import Kind
from tasks.services import Services

Content = Path | Iterator[bytes]
"""A file on this machine, or its bytes as they come."""

_BROWSER_TYPES = frozenset({"image/png", "image/jpeg", "image/webp", "image/gif", "image/avif"})
# Content never changes under its hash, but who may see it does: ask again each time.
_QUALITIES = {str(quality): quality for quality in QUALITIES}
"""As addresses write them; what else stands there may be of any length."""
_CACHING = "private, no-cache"
_PLACARD_SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 300">'
    '<rect width="400" height="300" fill="#e4e0d8"/>'
    '<text x="200" y="156" font-family="sans-serif" font-size="28" fill="#6b665d" '
    'text-anchor="middle">{}</text></svg>'
)


def download_routes(services: Services) -> list[BaseRoute]:
    """Files, exports and pictures by id, thumbnails by content, the results of a batch."""
    files = _Files(services)
    return [
        Route("/files/{file_id:uuid}/{name:path}", files.download, methods=["GET"]),
        Route(
            "/exports/{file_id:uuid}/{format}/{quality}/{name:path}",
            files.export,
            methods=["GET"],
        ),
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
        return await fair_threads().run(actor.id, partial(self._download, actor, request))

    async def export(self, request: Request) -> Response:
        """An output in another format, saved under its name with that format's suffix."""
        actor = await self._actor(request)
        return await fair_threads().run(actor.id, partial(self._export, actor, request))

    async def picture(self, request: Request) -> Response:
        """An input or output as a browser shows it, at screen size; ``?full`` at its own."""
        actor = await self._actor(request)
        return await fair_threads().run(actor.id, partial(self._picture, actor, request))

    async def archive(self, request: Request) -> Response:
        """Every result of a batch in one ZIP, streamed."""
        actor = await self._actor(request)
        call = partial(self._archive, actor, request.path_params["batch_id"])
        return await fair_threads().run(actor.id, call)

    async def thumbnail(self, request: Request) -> Response:
        """A small JPEG of a stored picture."""
        actor = await self._actor(request)
        return await fair_threads().run(actor.id, partial(self._thumbnail, actor, request))

    async def _actor(self, request: Request) -> Actor:
        actor = await run_in_threadpool(identify_asker, self._services, request)
        if actor is None:
            raise not_signed_in()
        return actor

    def _download(self, actor: Actor, request: Request) -> Response:
        found = self._find(actor, request.path_params["file_id"])
        blob, headers = found.blob, _saved_as(saved_name(found))
        content = self._stored(blob)
        return self._answer(
            request, actor, blob.sha256, blob.media_type, headers, content, sending()
        )

    def _export(self, actor: Actor, request: Request) -> Response:
        asked = request.path_params["format"]
        quality = _QUALITIES.get(request.path_params["quality"])
        found = self._find(actor, request.path_params["file_id"])
        if not isinstance(found, JobOutput) or asked not in set(ImageFormat) or quality is None:
            raise _missing()
        format = ImageFormat(asked)
        call = partial(exported_file, self._services, found, format, quality, owner=actor.id)
        headers = _saved_as(exported_name(found, format))
        etag = f"{found.blob_sha256}-{format}-{quality}"
        return self._answer(request, actor, etag, f"image/{format}", headers, call, sending())

    def _picture(self, actor: Actor, request: Request) -> Response:
        found = self._find(actor, request.path_params["file_id"])
        blob, is_full = found.blob, "full" in request.query_params
        fits = max(blob.width_px or 0, blob.height_px or 0) <= DISPLAY_SIDE_PX
        # What people bring may say where it was taken: it is shown without, at any size.
        is_ours = isinstance(found, JobOutput) and blob.media_type in _BROWSER_TYPES
        if is_ours and (is_full or fits):
            content = self._stored(blob)
            return self._shown(request, actor, blob.sha256, blob.media_type, content)
        kind, size = (Kind.FULL, "full") if is_full else (Kind.DISPLAY, DISPLAY_SIDE_PX)
        call = partial(
            rendition_file,
            self._services,
            blob.sha256,
            kind,
            file_name=found.file_name,
            owner=actor.id,
        )
        return self._shown(request, actor, f"{blob.sha256}-{size}", "image/webp", call)

    def _shown(
        self,
        request: Request,
        actor: Actor,
        etag: str,
        media_type: str,
        content: Callable[[], Content],
    ) -> Response:
        """The picture, or one that says why it cannot be shown."""
        try:
            return self._answer(request, actor, etag, media_type, {}, content, showing())
        except StorageError as error:
            if error.code != "storage.missing" or not _wants_picture(request):
                raise
            return _placard(_("file no longer stored"), 410)
        except UserInputError:
            if not _wants_picture(request):
                raise
            return _placard(_("cannot be shown"), 422)

    def _find(self, actor: Actor, file_id: UUID) -> JobInput | JobOutput:
        with self._services.database.read() as unit:
            found = BlobRepository(unit).file_readable_by(actor, file_id)
        if found is None:
            raise _missing()
        return found

    def _archive(self, actor: Actor, batch_id: UUID) -> Response:
        results = batch_results(self._services, actor, batch_id)
        if not results:
            raise _missing()
        headers = {
            "Content-Disposition": content_disposition(f"batch-{batch_id}.zip"),
            "Cache-Control": "no-store",
        }
        body = stream_zip(self._services.blobs, results)
        return _Sent(body, sending(), actor.id, "application/zip", headers)

    def _thumbnail(self, actor: Actor, request: Request) -> Response:
        sha256: str = request.path_params["sha256"]
        with self._services.database.read() as unit:
            blob = BlobRepository(unit).readable_by(actor, sha256)
        if blob is None:
            raise _missing()
        call = partial(rendition_file, self._services, sha256, Kind.THUMBNAIL, owner=actor.id)
        return self._shown(request, actor, f"{sha256}-{THUMBNAIL_SIDE_PX}", "image/jpeg", call)

    def _answer(
        self,
        request: Request,
        actor: Actor,
        etag: str,
        media_type: str,
        headers: dict[str, str],
        content: Callable[[], Content],
        turns: FairTurns,
    ) -> Response:
        headers = {"Cache-Control": _CACHING, "ETag": f'"{etag}"', **headers}
        if headers["ETag"] in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        found = content()
        if isinstance(found, Path):
            return FileResponse(found, media_type=media_type, headers=headers)
        return _Sent(found, turns, actor.id, media_type, headers)

    def _stored(self, blob: Blob) -> Callable[[], Content]:
        blobs = self._services.blobs

        def content() -> Content:
            path = blobs.local_path(blob.sha256)
            if path is None and not blobs.exists(blob.sha256):
                raise StorageError(
                    msg("This file is no longer stored. It may have been purged."),
                    code="storage.missing",
                )
            return path or blobs.pieces(blob.sha256)

        return content


class _Sent(StreamingResponse):
    """Bytes as they come, made in a thread of our own and in a turn of who reads them."""

    def __init__(
        self,
        pieces: Iterator[bytes],
        turns: FairTurns,
        owner: Hashable,
        media_type: str,
        headers: Mapping[str, str],
    ) -> None:
        super().__init__(fair_threads().each(pieces), media_type=media_type, headers=headers)
        self._turns = turns
        self._owner = owner

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Send it; who goes away, in their turn or waiting for it, leaves the place to others."""
        sent = asyncio.create_task(self._send_in_turn(send))
        gone = asyncio.create_task(self.listen_for_disconnect(receive))
        try:
            await asyncio.wait((sent, gone), return_when=asyncio.FIRST_COMPLETED)
            if sent.done():
                await sent
        finally:
            sent.cancel()
            gone.cancel()
            await asyncio.gather(sent, gone, return_exceptions=True)

    async def _send_in_turn(self, send: Send) -> None:
        async with self._turns.turn(self._owner):
            await self.stream_response(send)


def _missing() -> StudioError:
    return StudioError(
        msg("There is no such file, or it is not yours to see."), code="file.not_found"
    )


def _saved_as(file_name: str) -> dict[str, str]:
    """The headers of a file that is saved, and never shown as a page of ours."""
    return {
        "Content-Disposition": content_disposition(file_name),
        "Content-Security-Policy": FILE_POLICY,
    }


def _wants_picture(request: Request) -> bool:
    """Whether it is asked for to be shown on a page, where no sentence could be read."""
    return "image/" in request.headers.get("accept", "")


def _placard(text: str, status: int) -> Response:
    """A picture that says why there is none, for pages show it as it is."""
    headers = {"Cache-Control": "no-store", "Content-Security-Policy": FILE_POLICY}
    return Response(_PLACARD_SVG.format(escape(text)), status, headers, media_type="image/svg+xml")


def content_disposition(file_name: str) -> str:
    """The header that saves a file under a name in any script.

    Plain ASCII for old readers, UTF-8 for the others.
    """
    plain = "".join(
        char if char.isascii() and char.isprintable() and char not in '"\\/' else "_"
        for char in file_name
    )
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(file_name, safe='')}"
