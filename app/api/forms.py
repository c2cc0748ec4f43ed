"""Bodies, and forms in them, counted as they arrive, whatever their headers announce."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from math import inf
from typing import BinaryIO, TypeVar

from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import FormParser, MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from studio.errors import DiskFullError, StudioError, UserInputError
from studio.imaging import refusals
from studio.storage import translating_full_disk
from studio.words import Message, msg, msgs, verbatim

MAX_TEXT_BYTES = 2_000_000
"""Of all texts of a form together: unlike its large files they are held in memory."""

Parser = TypeVar("Parser", bound="_CountingParser")


@dataclass(frozen=True, slots=True)
class FormLimits:
    """What a form may hold, in bytes and in parts."""

    max_bytes: int
    max_file_bytes: int
    max_files: int
    max_fields: int


@dataclass(frozen=True, slots=True)
class Upload:
    """The file of a form.

    Attributes:
        file_name: as it was sent; empty when it has none.
        media_type: that it is said to be of.
        size_bytes: what arrived of it.
        source: the file, or why it was not kept although all of it arrived: it is too large, or
            the disk is full.

    """

    file_name: str
    media_type: str
    size_bytes: int
    source: BinaryIO | UserInputError | DiskFullError


async def read_form(request: Request, limits: FormLimits) -> FormData:
    """The form in the body of ``request``; its large files lie on the disk.

    Raises:
        StudioError: ``request.too_large``, ``request.invalid`` or ``request.broken_off``, as soon
            as that shows.
        UserInputError: ``image.too_many_bytes``, naming the file.
        DiskFullError: there is no room for its files.

    """
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return await _parsed(_TextParser(request, limits))
    return await _parsed(_multipart(request, _CountingParser, limits))


async def read_upload(request: Request, limits: FormLimits) -> Upload:
    """The first file of the form, to its end whatever becomes of it: browsers send before they ask.

    Raises:
        StudioError: as ``read_form``, and where there is no file.

    """
    parser = _multipart(request, _CuttingParser, limits)
    try:
        form = await _parsed(parser)
    except DiskFullError as error:
        async for _rest in parser.stream:
            pass
        return Upload(parser.file_name, "", parser.file_bytes, error)
    upload = next((value for value in form.values() if isinstance(value, UploadFile)), None)
    if upload is None:
        raise _invalid(msg("There is no file in this form"))
    source: BinaryIO | UserInputError = upload.file
    if parser.file_bytes > limits.max_file_bytes:
        await upload.close()
        source = refusals.too_many_bytes(parser.file_bytes, limits.max_file_bytes)
    return Upload(parser.file_name, upload.content_type or "", parser.file_bytes, source)


async def counted(
    request: Request, most_bytes: int, too_large: StudioError
) -> AsyncGenerator[bytes]:
    """The body of ``request`` piece by piece, as far as ``most_bytes``.

    Raises:
        StudioError: ``too_large``, before the first piece where that is announced;
            ``request.broken_off``, who sends it went away.

    """
    received_bytes = announced_bytes(request) or 0
    if received_bytes > most_bytes:
        raise too_large
    received_bytes = 0
    try:
        async for piece in request.stream():
            received_bytes += len(piece)
            if received_bytes > most_bytes:
                raise too_large
            yield piece
    except ClientDisconnect as error:
        raise StudioError(
            msg("The request ended before it was whole."), code="request.broken_off"
        ) from error


def announced_bytes(request: Request) -> int | None:
    """How long the body of ``request`` is said to be; None when nobody says so in digits.

    Nor does one that comes in chunks: servers go by those, whatever length is said beside them.
    """
    if "transfer-encoding" in request.headers:
        return None
    announced = request.headers.get("content-length", "")
    return int(announced) if announced.isdecimal() and len(announced) < 20 else None


def _multipart(request: Request, kind: type[Parser], limits: FormLimits) -> Parser:
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise _invalid(msg("This is not a form of the type multipart/form-data"))
    return kind(request, limits)


async def _parsed(parser: MultiPartParser | FormParser) -> FormData:
    try:
        with translating_full_disk():
            return await parser.parse()
    except MultiPartException as error:
        raise _invalid(verbatim(error.message.rstrip("."))) from error


def _too_large(most_bytes: int) -> StudioError:
    return StudioError(
        msgs("A request may hold {n} byte.", "A request may hold at most {n} bytes.", most_bytes),
        code="request.too_large",
    )


def _too_long() -> StudioError:
    return StudioError(
        msgs(
            "The texts of a form may hold {n} byte.",
            "The texts of a form may hold at most {n} bytes.",
            MAX_TEXT_BYTES,
        ),
        code="request.too_large",
    )


def _too_many_texts(most: int) -> StudioError:
    return _invalid(
        msgs(
            "This form has more than {n} text. Send fewer",
            "This form has more than {n} texts. Send fewer",
            most,
        )
    )


def _too_many_files(most: int) -> StudioError:
    return _invalid(
        msgs(
            "This form has more than {n} file. Send fewer",
            "This form has more than {n} files. Send fewer",
            most,
        )
    )


def _invalid(reason: Message) -> StudioError:
    return StudioError(msg("{reason}.", reason=reason), code="request.invalid")


class _TextParser(FormParser):
    """Reads a form of texts alone."""

    def __init__(self, request: Request, limits: FormLimits) -> None:
        super().__init__(
            request.headers,
            counted(request, MAX_TEXT_BYTES, _too_long()),
            max_fields=inf,  # counted here, as Starlette refuses in words of its own
            max_part_size=MAX_TEXT_BYTES,
        )
        self._most_texts = limits.max_fields

    def on_field_start(self) -> None:
        if len(self._items) == self._most_texts:
            raise _too_many_texts(self._most_texts)
        super().on_field_start()


class _CountingParser(MultiPartParser):
    """Refuses a file, or texts, at the first byte beyond the limit."""

    def __init__(self, request: Request, limits: FormLimits) -> None:
        super().__init__(
            request.headers,
            counted(request, limits.max_bytes, _too_large(limits.max_bytes)),
            max_files=inf,  # counted here, as Starlette refuses in words of its own
            max_fields=inf,
            max_part_size=MAX_TEXT_BYTES,
        )
        self._limits = limits
        self._files = self._texts = self._text_bytes = 0
        self.file_bytes = 0
        self.file_name = ""

    def on_part_begin(self) -> None:
        super().on_part_begin()
        self.file_bytes = 0

    def on_headers_finished(self) -> None:
        super().on_headers_finished()
        if self._current_part.file is None:
            self._texts += 1
            if self._texts > self._limits.max_fields:
                raise _too_many_texts(self._limits.max_fields)
        else:
            self._files += 1
            if self._files > self._limits.max_files:
                raise _too_many_files(self._limits.max_files)
            self.file_name = self._current_part.file.filename or ""

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        file = self._current_part.file
        if file is None:
            self._text_bytes += end - start
            if self._text_bytes > MAX_TEXT_BYTES:
                raise _too_long()
        else:
            self.file_bytes += end - start
            if self.file_bytes > self._limits.max_file_bytes:
                self.on_excess(file)
                return
        super().on_part_data(data, start, end)

    def on_excess(self, file: UploadFile) -> None:
        """Called with each further piece of a file that is too large."""
        raise refusals.over(self._limits.max_file_bytes).naming(file.filename or "file")


class _CuttingParser(_CountingParser):
    """Lets a file that is too large pass and keeps nothing of the excess."""

    def on_excess(self, file: UploadFile) -> None:
        pass
