"""Multipart forms whose bytes are counted as they arrive, whatever their headers announce."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import TypeVar

from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import FormParser, MultiPartException, MultiPartParser
from starlette.requests import Request

from studio.errors import StudioError
from studio.imaging import refusals
from studio.words import Message, msg, verbatim

Parser = TypeVar("Parser", bound="_CountingParser")


@dataclass(frozen=True, slots=True)
class FormLimits:
    """What a form may hold, in bytes and in parts."""

    max_bytes: int
    max_file_bytes: int
    max_files: int
    max_fields: int


async def read_form(request: Request, limits: FormLimits) -> FormData:
    """The form in the body of ``request``; its large files lie on the disk.

    Raises:
        StudioError: ``request.too_large`` or ``request.invalid``, as soon as that shows.
        UserInputError: ``image.too_many_bytes``, naming the file.

    """
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        plain = FormParser(request.headers, _counted(request, limits.max_bytes))
        return await _parsed(plain)
    return await _parsed(_multipart(request, _CountingParser, limits))


async def read_upload(request: Request, limits: FormLimits) -> tuple[UploadFile, int]:
    """The first file of the form, cut at ``max_file_bytes``, and how many bytes it had.

    Raises:
        StudioError: as ``read_form``, and where there is no file.

    """
    parser = _multipart(request, _CuttingParser, limits)
    form = await _parsed(parser)
    uploads = [value for value in form.values() if isinstance(value, UploadFile)]
    if not uploads:
        raise _invalid(msg("There is no file in this form"))
    return uploads[0], parser.file_bytes


def _multipart(request: Request, kind: type[Parser], limits: FormLimits) -> Parser:
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise _invalid(msg("This is not a form of the type multipart/form-data"))
    return kind(request, limits)


async def _parsed(parser: MultiPartParser | FormParser) -> FormData:
    try:
        return await parser.parse()
    except MultiPartException as error:
        raise _invalid(verbatim(error.message.rstrip("."))) from error
    except StudioError:
        if isinstance(parser, _CountingParser):
            parser.drop()  # Starlette does so for its own refusals alone
        raise


async def _counted(request: Request, most_bytes: int) -> AsyncGenerator[bytes]:
    announced = request.headers.get("content-length", "")
    received = int(announced) if announced.isdecimal() and len(announced) < 20 else 0
    if received > most_bytes:
        raise _too_large(most_bytes)
    received = 0
    async for piece in request.stream():
        received += len(piece)
        if received > most_bytes:
            raise _too_large(most_bytes)
        yield piece


def _too_large(most_bytes: int) -> StudioError:
    return StudioError(
        msg("A request may hold at most {most} bytes.", most=most_bytes), code="request.too_large"
    )


def _invalid(reason: Message) -> StudioError:
    return StudioError(msg("{reason}.", reason=reason), code="request.invalid")


class _CountingParser(MultiPartParser):
    """Refuses a file at the first byte beyond the limit."""

    def __init__(self, request: Request, limits: FormLimits) -> None:
        super().__init__(
            request.headers,
            _counted(request, limits.max_bytes),
            max_files=limits.max_files,
            max_fields=limits.max_fields,
        )
        self._most_bytes = limits.max_file_bytes
        self.file_bytes = 0

    def on_part_begin(self) -> None:
        super().on_part_begin()
        self.file_bytes = 0

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        file = self._current_part.file
        if file is not None:
            self.file_bytes += end - start
            if self.file_bytes > self._most_bytes:
                self.on_excess(file)
                return
        super().on_part_data(data, start, end)

    def drop(self) -> None:
        """Close the files that have arrived so far."""
        for file in self._files_to_close_on_error:
            file.close()

    def on_excess(self, file: UploadFile) -> None:
        """Called with each further piece of a file that is too large."""
        raise refusals.over(self._most_bytes).naming(file.filename or "file")


class _CuttingParser(_CountingParser):
    """Lets a file that is too large pass and keeps nothing of the excess."""

    def on_excess(self, file: UploadFile) -> None:
        pass
