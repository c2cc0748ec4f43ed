from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.types import Message

from app.api.fields import read_json
from app.api.forms import FormLimits, announced_bytes, read_form, read_upload
from studio.errors import StudioError

LIMITS = FormLimits(max_bytes=1000, max_file_bytes=1000, max_files=1, max_fields=1)


def request_of(content_type: str, *messages: Message, length: str = "5") -> Request:
    """A request whose body arrives as these messages."""
    left = list(messages)

    async def receive() -> Message:
        return left.pop(0)

    headers = [(b"content-type", content_type.encode()), (b"content-length", length.encode())]
    return Request({"type": "http", "headers": headers}, receive)


@pytest.mark.parametrize("read", [read_form, read_upload])
def test_form_of_who_goes_away_is_refused_and_no_fault(read: Callable[..., object]) -> None:
    begun = {"type": "http.request", "body": b"--x\r\n", "more_body": True}
    request = request_of("multipart/form-data; boundary=x", begun, {"type": "http.disconnect"})
    with pytest.raises(StudioError) as refusal:
        asyncio.run(read(request, LIMITS))
    assert refusal.value.code == "request.broken_off"


@pytest.mark.parametrize(
    ("header", "size_bytes"), [("12", 12), ("", None), ("-1", None), ("1" * 30, None)]
)
def test_announced_bytes_are_none_where_they_are_no_number(
    header: str, size_bytes: int | None
) -> None:
    assert announced_bytes(request_of("text/plain", length=header)) == size_bytes


@pytest.mark.parametrize("text", ['{"x": NaN}', "[-Infinity]"])
def test_read_json_what_python_alone_takes_for_json_is_text(text: str) -> None:
    assert read_json(FormData([("params", text)]), "params", empty="{}") == text
