"""Downloads over HTTP that survive dropped connections, restarts and unhelpful servers.

They come from public hosts alone, and bring no more bytes than were announced.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
from pydantic import BaseModel, ValidationError

from studio.errors import WeightError
from studio.models.placement import write_atomically
from studio.public_http import PrivateAddressError, PublicTransport
from studio.settings import get_settings
from studio.words import Message, msg, msgs, verbatim

_TIMEOUT = httpx.Timeout(60, connect=15)
_MIRRORS = "STUDIO_WEIGHT_MIRRORS"
_RETRIED_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})
_LONGEST_WAIT_S = 60.0
_LARGEST_BYTES = 16 << 30
"""What a server may send that says nothing of the size; the largest file known has 1 GB."""

OnBytes = Callable[[int, int | None], None]
"""Called with bytes so far and bytes in all, None when the server does not say."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How patient a download is; attempts that brought bytes do not count against it."""

    attempts: int = 5
    first_delay_s: float = 1.0

    def delay_s(self, failures: int) -> float:
        """The wait after so many failures in a row, doubling from ``first_delay_s``."""
        return min(self.first_delay_s * 2.0 ** (failures - 1), _LONGEST_WAIT_S)


class _TransientError(Exception):
    """Worth another try."""

    def __init__(self, reason: Message, wait_s: float = 0.0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.wait_s = wait_s


class _Known(BaseModel):
    """What a server said of a file that is not whole yet.

    ``validator`` is its entity tag or date, empty when it gave none; ``total`` its bytes.
    """

    url: str
    validator: str = ""
    total: int | None = None


def download(
    url: str, part: Path, *, policy: RetryPolicy, expected_bytes: int | None, on_bytes: OnBytes
) -> None:
    """Fetch ``url`` into ``part``, going on where an earlier attempt or process stopped.

    A partial file is continued only when the server proves, by entity tag or date, that it
    still serves the same file, of the same size; otherwise it starts over.

    Raises:
        WeightError: ``weight.download``, with the server's reason and the remedy.

    """
    failures = 0
    transport = PublicTransport(get_settings().trusted_weight_hosts)
    with httpx.Client(transport=transport, timeout=_TIMEOUT, follow_redirects=True) as client:
        while True:
            before = _size(part)
            try:
                _attempt(client, url, part, expected_bytes, on_bytes)
            except PrivateAddressError as error:
                raise _refusal(
                    url,
                    msg(
                        "{reason}; name a mirror of your own in {mirrors}",
                        reason=str(error),
                        mirrors=_MIRRORS,
                    ),
                ) from error
            except (_TransientError, httpx.TransportError) as error:
                failures = 1 if _size(part) > before else failures + 1
                if failures >= policy.attempts:
                    raise _refusal(
                        url, msg("the connection keeps failing ({reason})", reason=_reason(error))
                    ) from error
                asked_s = error.wait_s if isinstance(error, _TransientError) else 0.0
                time.sleep(max(policy.delay_s(failures), min(asked_s, _LONGEST_WAIT_S)))
            except httpx.HTTPError as error:
                raise _refusal(url, verbatim(str(error))) from error
            else:
                _known_path(part).unlink(missing_ok=True)
                return


def forget(part: Path) -> None:
    """Drop a partial file and what is known about it."""
    part.unlink(missing_ok=True)
    _known_path(part).unlink(missing_ok=True)


def _attempt(
    client: httpx.Client, url: str, part: Path, expected_bytes: int | None, on_bytes: OnBytes
) -> None:
    known = _read_known(part, url)
    start = _size(part) if known.validator else 0
    headers = {"Accept-Encoding": "identity"}
    if start:
        headers |= {"Range": f"bytes={start}-", "If-Range": known.validator}
    with client.stream("GET", url, headers=headers) as response:
        if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            if _total_of_range(response) == start:
                return
            forget(part)
            raise _TransientError(msg("the server refused to continue"))
        _check_status(url, response)
        start = _resume_point(response, part, start, known)
        total = _total_bytes(response, start)
        if expected_bytes is not None and total is not None and total != expected_bytes:
            forget(part)
            raise _refusal(
                url,
                msgs(
                    "it offers {n} byte instead of {expected}",
                    "it offers {n} bytes instead of {expected}",
                    total,
                    expected=expected_bytes,
                ),
            )
        limit = next(size for size in (expected_bytes, total, _LARGEST_BYTES) if size is not None)
        with part.open("r+b" if start else "wb") as stream:
            _write_known(part, _Known(url=url, validator=_validator_of(response), total=total))
            done = stream.seek(start)
            stream.truncate()
            for block in response.iter_raw():
                if done + len(block) > limit:
                    forget(part)
                    raise _refusal(
                        url,
                        msgs("it sends more than {n} byte", "it sends more than {n} bytes", limit),
                    )
                done += stream.write(block)
                on_bytes(done, total)
    if total is not None and done != total:
        raise _TransientError(
            msgs(
                "the connection ended after {done} of {n} byte",
                "the connection ended after {done} of {n} bytes",
                total,
                done=done,
            )
        )


def _check_status(url: str, response: httpx.Response) -> None:
    code = response.status_code
    if code in _RETRIED_STATUS:
        asked = response.headers.get("retry-after", "")
        raise _TransientError(
            msg("the server answered {code:d}", code=code),
            float(asked) if asked.isdigit() else 0.0,
        )
    if code in (401, 403):
        raise _refusal(url, msg("the server asks for a sign-in ({code:d})", code=code))
    if code not in (200, 206):
        raise _refusal(
            url,
            msg(
                "the server answered {code:d} {reason_phrase}",
                code=code,
                reason_phrase=response.reason_phrase,
            ),
        )


def _resume_point(response: httpx.Response, part: Path, start: int, known: _Known) -> int:
    """Where the body belongs: ``start`` only if the server continues the very same file."""
    if response.status_code != httpx.codes.PARTIAL_CONTENT:
        return 0
    continues = response.headers.get("content-range", "").startswith(f"bytes {start}-")
    is_same_size = known.total in (None, _total_of_range(response))
    is_same = _validator_of(response) in ("", known.validator) and is_same_size
    if not continues or not is_same:
        forget(part)
        raise _TransientError(msg("the server continued another file"))
    return start


def _total_bytes(response: httpx.Response, start: int) -> int | None:
    length = response.headers.get("content-length", "")
    return start + int(length) if length.isdigit() else None


def _total_of_range(response: httpx.Response) -> int | None:
    total = response.headers.get("content-range", "").rpartition("/")[2]
    return int(total) if total.isdigit() else None


def _validator_of(response: httpx.Response) -> str:
    tag: str = response.headers.get("etag", "")
    if tag and not tag.startswith("W/"):
        return tag
    return str(response.headers.get("last-modified", ""))


def _known_path(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _write_known(part: Path, known: _Known) -> None:
    write_atomically(_known_path(part), known.model_dump_json().encode())


def _read_known(part: Path, url: str) -> _Known:
    """What is known of the file that ``part`` is a part of; nothing when it came from elsewhere."""
    try:
        known = _Known.model_validate_json(_known_path(part).read_bytes())
    except (FileNotFoundError, ValidationError):
        return _Known(url=url)
    return known if known.url == url else _Known(url=url)


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _reason(error: Exception) -> Message:
    return error.reason if isinstance(error, _TransientError) else verbatim(str(error))


def _refusal(url: str, reason: Message) -> WeightError:
    host = httpx.URL(url).host
    return WeightError(
        msg("{host} does not give the file: {reason}.", host=host, reason=reason),
        code="weight.download",
    )
