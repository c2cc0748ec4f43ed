from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.errors import WeightError
from studio.models.download import RetryPolicy, download
from tests.studio.models.weight_factories import QUICK, FileServer, Served, file_server

DATA = bytes(range(256)) * 4000


@pytest.fixture
def server() -> Iterator[FileServer]:
    with file_server() as running:
        yield running


def fetch(
    server: FileServer,
    part: Path,
    *,
    policy: RetryPolicy = QUICK,
    expected_bytes: int | None = None,
) -> list[int]:
    """Download ``/net`` and return the progress that was told."""
    told: list[int] = []
    download(
        server.url("/net"),
        part,
        policy=policy,
        expected_bytes=expected_bytes,
        on_bytes=lambda done, total: told.append(done),
    )
    return told


def test_download_whole_file_tells_growing_progress(server: FileServer, tmp_path: Path) -> None:
    server.files["/net"] = Served(DATA)
    told = fetch(server, tmp_path / "net.part", expected_bytes=len(DATA))
    assert (tmp_path / "net.part").read_bytes() == DATA
    assert told == sorted(told)
    assert told[-1] == len(DATA)


def test_download_dropped_connection_resumes_where_it_stopped(
    server: FileServer, tmp_path: Path
) -> None:
    server.files["/net"] = Served(DATA, drop_after=[600_000, 300_000])
    fetch(server, tmp_path / "net.part")
    assert (tmp_path / "net.part").read_bytes() == DATA
    assert server.ranges_asked == [None, "bytes=600000-", "bytes=900000-"]


def test_download_attempts_that_bring_bytes_do_not_use_up_patience(
    server: FileServer, tmp_path: Path
) -> None:
    server.files["/net"] = Served(DATA, drop_after=[100_000] * 8)
    fetch(server, tmp_path / "net.part", policy=RetryPolicy(attempts=2, first_delay_s=0.001))
    assert (tmp_path / "net.part").read_bytes() == DATA


def test_download_interrupted_process_resumes_in_the_next(
    server: FileServer, tmp_path: Path
) -> None:
    server.files["/net"] = Served(DATA, drop_after=[500_000], statuses=[])
    with pytest.raises(WeightError):
        fetch(server, tmp_path / "net.part", policy=RetryPolicy(attempts=1))
    fetch(server, tmp_path / "net.part")
    assert (tmp_path / "net.part").read_bytes() == DATA
    assert server.ranges_asked[-1] == "bytes=500000-"


def test_download_server_ignores_ranges_starts_over(server: FileServer, tmp_path: Path) -> None:
    server.files["/net"] = Served(DATA, ranges=False, drop_after=[500_000])
    fetch(server, tmp_path / "net.part")
    assert (tmp_path / "net.part").read_bytes() == DATA


def test_download_file_changed_between_attempts_is_not_mixed(
    server: FileServer, tmp_path: Path
) -> None:
    server.files["/net"] = Served(b"old" * 100_000, drop_after=[90_000])
    with pytest.raises(WeightError):
        fetch(server, tmp_path / "net.part", policy=RetryPolicy(attempts=1))
    server.files["/net"] = Served(DATA, etag='"two"')
    fetch(server, tmp_path / "net.part")
    assert (tmp_path / "net.part").read_bytes() == DATA


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(Served(DATA, etag='"two"', believes_ranges=True), id="another tag"),
        pytest.param(Served(DATA * 2, etag='"one"', believes_ranges=True), id="another size"),
    ],
)
def test_download_server_that_continues_a_changed_file_is_not_believed(
    server: FileServer, tmp_path: Path, changed: Served
) -> None:
    server.files["/net"] = Served(b"old!" * (len(DATA) // 4), drop_after=[90_000])
    with pytest.raises(WeightError):
        fetch(server, tmp_path / "net.part", policy=RetryPolicy(attempts=1))
    server.files["/net"] = changed
    fetch(server, tmp_path / "net.part")
    assert (tmp_path / "net.part").read_bytes() == changed.data
    assert server.ranges_asked == [None, "bytes=90000-", None]


def test_download_of_more_bytes_than_expected_stops_at_once(
    server: FileServer, tmp_path: Path
) -> None:
    server.files["/net"] = Served(DATA * 50, sends_length=False)
    told: list[int] = []
    with pytest.raises(WeightError, match="sends more than 1,000 bytes") as refusal:
        download(
            server.url("/net"),
            tmp_path / "net.part",
            policy=QUICK,
            expected_bytes=1000,
            on_bytes=lambda done, total: told.append(done),
        )
    assert refusal.value.code == "weight.download"
    assert max(told, default=0) <= 1000
    assert not (tmp_path / "net.part").exists()


@pytest.mark.parametrize(
    "place",
    [
        "http://127.0.0.2:1/secret",
        "http://localhost:1/secret",
        "http://[::1]:1/secret",
        "http://0.0.0.0:1/",
        "http://2130706434:1/",
        "http://0x7f.2:1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://[::ffff:10.0.0.1]/",
        "http://224.0.0.1/",
    ],
)
def test_download_redirected_into_a_network_of_ones_own_is_refused(
    server: FileServer, tmp_path: Path, place: str
) -> None:
    server.files["/net"] = Served(b"", redirect=place)
    with pytest.raises(WeightError, match=r"not a public host.*STUDIO_WEIGHT_MIRRORS") as refusal:
        fetch(server, tmp_path / "net.part")
    assert refusal.value.code == "weight.download"
    assert len(server.ranges_asked) == 1


@pytest.mark.parametrize("place", ["file:///etc/passwd", "ftp://example.org/x"])
def test_download_redirected_to_something_else_than_the_web_is_refused(
    server: FileServer, tmp_path: Path, place: str
) -> None:
    server.files["/net"] = Served(b"", redirect=place)
    with pytest.raises(WeightError, match=r"127\.0\.0\.1 does not give the file"):
        fetch(server, tmp_path / "net.part", policy=RetryPolicy(attempts=1))


def test_download_that_is_redirected_for_ever_is_refused(
    server: FileServer, tmp_path: Path
) -> None:
    server.files["/net"] = Served(b"", redirect="/net")
    with pytest.raises(WeightError, match="redirects"):
        fetch(server, tmp_path / "net.part")


def test_download_without_validator_never_resumes(server: FileServer, tmp_path: Path) -> None:
    server.files["/net"] = Served(DATA, etag="", drop_after=[500_000])
    fetch(server, tmp_path / "net.part")
    assert (tmp_path / "net.part").read_bytes() == DATA
    assert server.ranges_asked == [None, None]


def test_download_without_length_takes_what_comes(server: FileServer, tmp_path: Path) -> None:
    server.files["/net"] = Served(DATA, sends_length=False)
    fetch(server, tmp_path / "net.part")
    assert (tmp_path / "net.part").read_bytes() == DATA


def test_download_busy_server_is_asked_again(server: FileServer, tmp_path: Path) -> None:
    server.files["/net"] = Served(DATA, statuses=[503, 429])
    fetch(server, tmp_path / "net.part")
    assert (tmp_path / "net.part").read_bytes() == DATA


def test_download_server_that_stays_down_is_refused_after_the_attempts(
    server: FileServer, tmp_path: Path
) -> None:
    server.files["/net"] = Served(DATA, statuses=[503] * 9)
    with pytest.raises(WeightError, match=r"the connection keeps failing .*503"):
        fetch(server, tmp_path / "net.part")
    assert len(server.ranges_asked) == QUICK.attempts


@pytest.mark.parametrize(
    ("status", "words"), [(401, "asks for a sign-in"), (403, "asks for a sign-in"), (410, "410")]
)
def test_download_final_refusal_is_not_retried(
    server: FileServer, tmp_path: Path, status: int, words: str
) -> None:
    server.files["/net"] = Served(DATA, statuses=[status] * 9)
    with pytest.raises(WeightError, match=words) as refusal:
        fetch(server, tmp_path / "net.part")
    assert refusal.value.code == "weight.download"
    assert len(server.ranges_asked) == 1


def test_download_wrong_size_is_refused_before_the_body(server: FileServer, tmp_path: Path) -> None:
    server.files["/net"] = Served(DATA)
    with pytest.raises(WeightError, match="offers 1,024,000 bytes instead of 7"):
        fetch(server, tmp_path / "net.part", expected_bytes=7)


def test_download_nobody_listens_is_refused(tmp_path: Path) -> None:
    with file_server() as gone:
        pass
    with file_server(), pytest.raises(WeightError, match=r"127\.0\.0\.1 does not give the file"):
        fetch(gone, tmp_path / "net.part")
