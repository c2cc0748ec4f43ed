"""Downloads over HTTP that survive dropped connections, restarts and unhelpful servers."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from studio.errors import WeightError
from studio.models.placement import write_atomically

_TIMEOUT = httpx.Timeout(60, connect=15)
_RETRIED_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})
_LONGEST_WAIT_S = 60.0

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

    def __init__(self, reason: str, wait_s: float = 0.0) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


def download(
    url: str, part: Path, *, policy: RetryPolicy, expected_bytes: int | None, on_bytes: OnBytes
) -> None:
    """Fetch ``url`` into ``part``, going on where an earlier attempt or process stopped.

    A partial file is continued only when the server proves, by entity tag or date, that it
    still serves the same file; otherwise it starts over.

    Raises:
        WeightError: ``weight.download``, with the server's reason and the remedy.

    """
    failures = 0
    with httpx.Client(timeout=_TIMEOUT, follow_redirects=True) as client:
        while True:
            before = _size(part)
            try:
                _attempt(client, url, part, expected_bytes, on_bytes)
            except (_TransientError, httpx.TransportError) as error:
                failures = 1 if _size(part) > before else failures + 1
                if failures >= policy.attempts:
                    raise _refusal(url, f"the connection keeps failing ({error})") from error
                asked_s = error.wait_s if isinstance(error, _TransientError) else 0.0
                time.sleep(max(policy.delay_s(failures), min(asked_s, _LONGEST_WAIT_S)))
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                raise _refusal(url, str(error)) from error
            else:
                _validator_path(part).unlink(missing_ok=True)
                return


def forget(part: Path) -> None:
    """Drop a partial file and what is known about it."""
    part.unlink(missing_ok=True)
    _validator_path(part).unlink(missing_ok=True)


def _attempt(
    client: httpx.Client, url: str, part: Path, expected_bytes: int | None, on_bytes: OnBytes
) -> None:
    validator = _saved_validator(part, url)
    start = _size(part) if validator else 0
    headers = {"Accept-Encoding": "identity"}
    if start:
        headers |= {"Range": f"bytes={start}-", "If-Range": validator}
    with client.stream("GET", url, headers=headers) as response:
        if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            if _total_of_range(response) == start:
                return
            forget(part)
            raise _TransientError("the server refused to continue")
        _check_status(url, response)
        start = _resume_point(response, part, start, validator)
        total = _total_bytes(response, start)
        if expected_bytes is not None and total is not None and total != expected_bytes:
            forget(part)
            raise _refusal(url, f"it offers {total} bytes instead of {expected_bytes}")
        with part.open("r+b" if start else "wb") as stream:
            _save_validator(part, url, _validator_of(response))
            done = stream.seek(start)
            stream.truncate()
            for block in response.iter_raw():
                done += stream.write(block)
                on_bytes(done, total)
    if total is not None and done != total:
        raise _TransientError(f"the connection ended after {done} of {total} bytes")


def _check_status(url: str, response: httpx.Response) -> None:
    code = response.status_code
    if code in _RETRIED_STATUS:
        asked = response.headers.get("retry-after", "")
        raise _TransientError(
            f"the server answered {code}", float(asked) if asked.isdigit() else 0.0
        )
    if code in (401, 403):
        raise _refusal(url, f"the server asks for a sign-in ({code})")
    if code not in (200, 206):
        raise _refusal(url, f"the server answered {code} {response.reason_phrase}")


def _resume_point(response: httpx.Response, part: Path, start: int, validator: str) -> int:
    """Where the body belongs: ``start`` only if the server continues the very same file."""
    if response.status_code != httpx.codes.PARTIAL_CONTENT:
        return 0
    continues = response.headers.get("content-range", "").startswith(f"bytes {start}-")
    if not continues or _validator_of(response) not in ("", validator):
        forget(part)
        raise _TransientError("the server continued another file")
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


def _validator_path(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _save_validator(part: Path, url: str, validator: str) -> None:
    document = json.dumps({"url": url, "validator": validator})
    write_atomically(_validator_path(part), document.encode())


def _saved_validator(part: Path, url: str) -> str:
    try:
        document = json.loads(_validator_path(part).read_bytes())
    except (FileNotFoundError, ValueError):
        return ""
    return str(document["validator"]) if document.get("url") == url else ""


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _refusal(url: str, reason: str) -> WeightError:
    host = httpx.URL(url).host
    return WeightError(f"{host} does not give the file: {reason}.", code="weight.download")
