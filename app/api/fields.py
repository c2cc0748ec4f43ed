"""Forms that REST takes: which fields there are, and what stands in them.

A field that is not known is refused: a misspelt ``visibility`` would else make a run public.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from email import message
from typing import Any, TypeVar

from fastapi import Request
from starlette.datastructures import FormData, UploadFile

from app.api.refusals import invalid
from db.types import Visibility
from studio.errors import StudioError, UserInputError
from studio.tools.registry import TOOLS
from studio.tools.spec import PHOTOGRAPH, ToolRole, ToolSpec
from studio.words import msg, msgs, paragraph

T = TypeVar("T")

VISIBILITY_TEXT = (
    "who sees the runs besides admins; without it, "
    "a run made from a private run is private, and others are the team's"
)
SUBMIT_TEXTS = {
    "tool": "which tool runs, by its name in GET /v1/tools",
    "params": "a JSON object of the tool's parameters; those left out have their defaults",
    "params_version": "of a recipe that was saved: its version, so that one of an older release is "
    "understood",
    "visibility": VISIBILITY_TEXT,
    "batch_name": "for people, where there are several images",
    "overrides": "a JSON list: for each image, in order, an object of the parameters in which "
    "its run differs, or null",
}


def submit_schema() -> dict[str, Any]:
    """The form of ``POST /v1/jobs``: its texts, and each role of files with who takes it."""
    texts: dict[str, Any] = {
        name: {"type": "string", "description": text} for name, text in SUBMIT_TEXTS.items()
    }
    texts["tool"]["enum"] = list(TOOLS)
    texts["visibility"]["enum"] = [each.value for each in Visibility]
    roles = {
        role.name: _role_schema(role, is_main=role is spec.roles[0])
        for spec in TOOLS.values()
        for role in spec.roles
    }
    return multipart({**texts, **roles}, required=["tool"])


def face_schema() -> dict[str, Any]:
    """The form of ``POST /v1/faces``."""
    file = {"type": "string", "format": "binary", "description": "a picture of the face"}
    name = {"type": "string", "description": "whose face it is", "minLength": 1, "maxLength": 100}
    return multipart({PHOTOGRAPH.name: file, "name": name}, required=[PHOTOGRAPH.name, "name"])


def _role_schema(role: ToolRole, *, is_main: bool) -> dict[str, Any]:
    takers = ", ".join(
        spec.name for spec in TOOLS.values() if role.name in {one.name for one in spec.roles}
    )
    use = "one run for each" if is_main else "shared by all runs"
    text = f"{role.help} For {takers}; {use}. "
    text += "A file, job:ID/ROLE for what another run makes, or the id of a saved face."
    file = {"type": "string", "format": "binary"}
    if is_main or role.is_repeatable:
        return {"type": "array", "items": file, "description": text}
    return {**file, "description": text}


def multipart(
    properties: dict[str, Any], required: list[str], others: dict[str, Any] | bool = False
) -> dict[str, Any]:
    """The body of a request as OpenAPI describes a form; ``others`` are further fields."""
    schema = {
        "type": "object",
        "required": required,
        "properties": properties,
        "additionalProperties": others,
    }
    return {
        "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}
    }


def require_readable(request: Request) -> None:
    """Refuse forms in encodings that we do not speak, before anything is decoded by them.

    Raises:
        UserInputError: ``request.invalid``.

    """
    header = message.Message()
    header["Content-Type"] = request.headers.get("content-type", "")
    charset = header.get_param("charset")
    kind = header.get_content_type()
    is_form = kind == "multipart/form-data" and header.get_param("boundary")
    if not is_form and kind != "application/x-www-form-urlencoded":
        raise invalid(
            "Content-Type", msg("this is not multipart/form-data"), msg("Send a form of fields.")
        )
    if charset is not None and str(charset).lower() not in ("utf-8", "utf8"):
        raise invalid(
            "Content-Type", msg("its charset is not UTF-8"), msg("Send all texts as UTF-8.")
        )


def require_known(form: FormData, known: Collection[str]) -> None:
    """Refuse a form with fields besides ``known``.

    Raises:
        UserInputError: ``request.invalid``, naming the first of them.

    """
    for field in form:
        if field not in known:
            raise invalid(
                field, msg("there is no such field"), msg("Known are {known}.", known=tuple(known))
            )


def fields_of(spec: ToolSpec) -> list[str]:
    """The fields of ``POST /v1/jobs`` where it names this tool."""
    return [*SUBMIT_TEXTS, *(role.name for role in spec.roles)]


def read_text(form: FormData, field: str) -> str:
    """The text of a field, empty when it was not sent.

    Raises:
        UserInputError: ``request.invalid``: it is a file, or was sent more than once.

    """
    values = form.getlist(field) or [""]
    if len(values) > 1:
        raise invalid(field, msg("this was sent more than once"), msg("Send it once."))
    [value] = values
    if not isinstance(value, str):
        raise invalid(field, msg("this is a file"), msg("Send it as text."))
    return value


def files_or_names(form: FormData, field: str) -> list[UploadFile | str]:
    """The files of a field, and what names others; text that is empty names none."""
    return [value for value in form.getlist(field) if isinstance(value, UploadFile) or value]


def read_files(form: FormData, field: str) -> list[UploadFile]:
    """The files of a field.

    Raises:
        UserInputError: ``request.invalid``: one of them is text.

    """
    values = form.getlist(field)
    if any(isinstance(value, str) for value in values):
        raise invalid(field, msg("this is text"), msg("Send it as a file, with a file name."))
    return [value for value in values if isinstance(value, UploadFile)]


def read_params(form: FormData) -> dict[str, Any]:
    """The JSON object in ``params``.

    Raises:
        UserInputError: ``params.invalid``.

    """
    value = read_json(form, "params", empty="{}")
    if not isinstance(value, dict):
        raise UserInputError(
            msg("params: this is not a JSON object"),
            remedy=msg("Send one such as {example}.", example='{"format": "png"}'),
            code="params.invalid",
        )
    return value


def read_overrides(form: FormData, count: int) -> list[dict[str, Any]]:
    """For each of ``count`` pictures the parameters in which its run differs.

    Raises:
        UserInputError: ``params.invalid``.

    """
    value = read_json(form, "overrides", empty="null")
    if value is None:
        return [{}] * count
    is_list = isinstance(value, list) and all(isinstance(one, dict | None) for one in value)
    if not is_list or len(value) != count:
        raise UserInputError(
            msgs(
                "overrides: this is not a JSON list of {n} object, one for each picture",
                "overrides: this is not a JSON list of {n} objects, one for each picture",
                count,
            ),
            remedy=msg("Send one such as {example}.", example='[{"quality": 80}, null]'),
            code="params.invalid",
        )
    return [one or {} for one in value]


def read_visibility(form: FormData) -> Visibility | None:
    """Who shall see the runs; None where nothing was sent.

    Raises:
        UserInputError: ``request.invalid``.

    """
    value = read_text(form, "visibility")
    try:
        return Visibility(value) if value else None
    except ValueError as error:
        remedy = msg("Choose one of {options}.", options=tuple(Visibility))
        raise invalid("visibility", msg("this is not known"), remedy) from error


def all_or_none(
    take: Callable[[UploadFile | str], T], given: Collection[UploadFile | str]
) -> list[T]:
    """What ``take`` makes of every file; where it refuses several, the refusal names them all.

    Raises:
        StudioError: the refusal of the one, or ``submit.files_refused``.

    """
    taken, refusals = [], []
    for value in given:
        try:
            taken.append(take(value))
        except UserInputError as refusal:
            refusals.append(refusal)
    if len(refusals) == 1:
        raise refusals[0]
    if refusals:
        raise StudioError(
            msgs(
                "{refused} of {n} file is refused. {sentences}",
                "{refused} of {n} files are refused. {sentences}",
                len(given),
                refused=len(refusals),
                sentences=paragraph(refusal.message for refusal in refusals),
            ),
            code="submit.files_refused",
        )
    return taken


def read_json(form: FormData, field: str, *, empty: str) -> Any:  # noqa: ANN401 - JSON has any type
    """The field's JSON, ``empty``'s where it was not sent; text that is none reads as itself."""
    text = read_text(form, field) or empty
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return text


def _refuse_constant(name: str) -> None:
    """Of Python alone: JSON has no NaN and no Infinity."""
    raise ValueError(name)
