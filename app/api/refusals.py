"""How REST says no: every error in one shape, with a code and a sentence."""

from __future__ import annotations

import logging
import secrets
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from app.language import _, said
from app.runs.records import said_region
from db.errors import DatabaseAwayError, RecordError
from studio.errors import RetriableError, StorageError, StudioError, UserInputError
from studio.text import shown
from studio.validation import reason_of
from studio.words import Message, msg

logger = logging.getLogger(__name__)

_OUTAGE_RETRY_AFTER_S = 5
_FAULT = "fault "
STATUSES = {
    400: "The request cannot be read.",
    401: "Nobody is signed in, or the token is not valid.",
    403: "The person may not do this, or has not confirmed what the tool asks.",
    404: "There is no such thing, or it is private to somebody else.",
    405: "This address does not take this method.",
    410: "A file was on record and is not stored any more.",
    413: "The request or one of its files is too large.",
    422: "A field, a file or a parameter cannot be used; the sentence says which and why.",
    429: "You have too many requests open; try again after `Retry-After`.",
    500: "A fault of the studio; the sentence has a number under which the log tells more.",
    503: "The database or the storage is away; try again after `Retry-After`.",
    507: "The disk of the studio is full.",
}
"""What the statuses of errors mean, for the description of the interface."""
_STATUS_BY_CODE = {
    "batch.not_found": 404,
    "file.not_found": 404,
    "form.unreadable": 400,
    "consent.missing": 403,
    "face.not_found": 404,
    "image.too_many_bytes": 413,
    "job.not_found": 404,
    "permission.signed_out": 401,
    "request.broken_off": 400,
    "request.not_our_origin": 403,
    "request.not_signed_in": 401,
    "request.too_many": 429,
    "request.too_large": 413,
    "request.unknown_address": 404,
    "storage.full": 507,
    "storage.missing": 410,
    "tool.switched_off": 403,
    "tool.unknown": 404,
    "upload.already_sent": 400,
    "upload.no_page": 400,
    "upload.too_many_pending": 413,
}


def answer_errors(api: FastAPI) -> None:
    """Have ``api`` answer whatever is raised in it."""
    api.add_exception_handler(StudioError, refuse)
    api.add_exception_handler(RecordError, refuse)
    api.add_exception_handler(RequestValidationError, _refuse_request)
    api.add_exception_handler(HTTPException, _refuse_by_status)
    api.add_exception_handler(Exception, _own_up)


def invalid(field: str, reason: Message, remedy: Message) -> UserInputError:
    """The refusal of a field of a request."""
    return UserInputError(
        msg("{field}: {reason}", field=shown(field), reason=reason),
        remedy=remedy,
        code="request.invalid",
    )


def not_signed_in() -> StudioError:
    """Who asks has no session, where browsers ask."""
    return StudioError(msg("Sign in first."), code="request.not_signed_in")


def not_identified() -> StudioError:
    """Who asks has neither a session nor a token, where scripts ask."""
    return StudioError(
        msg("Sign in first, or send a token that has not ended."), code="request.not_signed_in"
    )


def not_our_origin() -> StudioError:
    """Another site's page sent it."""
    return StudioError(
        msg("This was not sent from the studio's own page."), code="request.not_our_origin"
    )


def _unknown_address() -> JSONResponse:
    message = _("There is nothing at this address.")
    content = {"code": "request.unknown_address", "message": message}
    return JSONResponse(content, 404)


def refuse(_request: Request, error: Exception) -> JSONResponse:
    """The answer that tells an expected ``error``; others are raised again."""
    if not isinstance(error, StudioError | RecordError):
        raise error
    status, headers = status_of(error), headers_of(error)
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    content: dict[str, Any] = {"code": error.code, "message": said(error.message)}
    if isinstance(error, UserInputError) and error.regions:
        content["regions"] = [said_region(region) for region in error.regions]
    return JSONResponse(content, status, headers=headers)


def _refuse_request(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    first = error.errors()[0]
    field = shown(".".join(str(part) for part in first["loc"][1:]))
    message = _("{field}: {reason}.", field=field, reason=reason_of(first))
    return JSONResponse({"code": "request.invalid", "message": message}, 422)


def _refuse_by_status(request: Request, error: Exception) -> JSONResponse:
    """What the framework refuses before any of our code sees it."""
    if not isinstance(error, HTTPException):
        raise error
    if error.status_code == 404:
        return _unknown_address()
    if error.status_code == 405:
        code = "request.unknown_method"
        message = _("This address does not take {method}.", method=shown(request.method))
    else:
        code = "request.unreadable"
        message = _("The request cannot be read.")
    return JSONResponse(
        {"code": code, "message": message}, error.status_code, headers=error.headers
    )


def _own_up(_request: Request, error: Exception) -> JSONResponse:
    told = fault(error)
    return JSONResponse({"code": told.code, "message": said(told.message)}, 500)


def fault(error: Exception) -> StudioError:
    """What people are told of a mistake of ours; the log has the rest under the same number.

    One that passes several doors on its way out is logged at the first, and keeps its number.
    """
    notes = getattr(error, "__notes__", [])
    number = next((note for note in notes if note.startswith(_FAULT)), "").removeprefix(_FAULT)
    if not number:
        number = secrets.token_hex(4)
        error.add_note(_FAULT + number)
        logger.error("fault %s", number, exc_info=error)
    return StudioError(
        msg(
            "Something went wrong in the studio. Tell an admin the number {number}: "
            "its log says more.",
            number=number,
        ),
        code="internal",
    )


def headers_of(error: StudioError | RecordError) -> dict[str, str]:
    """When to try again, where that helps."""
    if isinstance(error, RetriableError):
        return {"Retry-After": str(round(error.delay_s) + 1)}
    if isinstance(error, DatabaseAwayError):
        return {"Retry-After": str(_OUTAGE_RETRY_AFTER_S)}
    return {}


def status_of(error: StudioError | RecordError) -> int:
    """The status of HTTP that tells ``error``."""
    if error.code in _STATUS_BY_CODE:
        return _STATUS_BY_CODE[error.code]
    if error.code.startswith("permission."):
        return 403
    return 503 if isinstance(error, RetriableError | StorageError | DatabaseAwayError) else 422
