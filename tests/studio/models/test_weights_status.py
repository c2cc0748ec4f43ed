from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from studio.errors import ModelUnavailableError, WeightError
from studio.models.catalogue import (
    Licence,
)
from studio.models.weights import Damaged, Installed, Missing
from studio.words import msgs
from tests.studio.models.weight_factories import (
    FileServer,
    make_file,
    make_model,
    make_store,
    sha256,
)
from tests.studio.models.weight_files import DATA, OTHER, write

pytestmark = pytest.mark.slow


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
    with pytest.raises(WeightError, match=r"has no file “c\.onnx”. It has a\.onnx and b\.onnx"):
        store.path("tiny", "c.onnx")


def test_status_changed_file_is_damaged_and_pull_mends_it(server: FileServer, folder: Path) -> None:
    store = make_store(folder, make_model(make_file("net.onnx", DATA, server.source("/net"))))
    store.pull("tiny")
    write(store.path("tiny"), OTHER)
    status = store.status("tiny")
    assert isinstance(status, Damaged)
    assert "its sha256 is" in str(status.reason)
    with pytest.raises(ModelUnavailableError, match="is damaged") as refusal:
        store.path("tiny")
    assert refusal.value.code == "model.damaged"
    store.pull("tiny")
    assert store.path("tiny").read_bytes() == DATA


def test_status_truncated_file_is_damaged(server: FileServer, folder: Path) -> None:
    store = make_store(folder, make_model(make_file("net.onnx", DATA, server.source("/net"))))
    store.pull("tiny")
    write(store.path("tiny"), DATA[:-1])
    assert store.status("tiny") == Damaged(
        "net.onnx",
        msgs(
            "it has {n} byte instead of {wanted}",
            "it has {n} bytes instead of {wanted}",
            len(DATA) - 1,
            wanted=len(DATA),
        ),
    )


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


def test_ledger_records_where_each_file_came_from(server: FileServer, folder: Path) -> None:
    store = make_store(folder, make_model(make_file("net.onnx", DATA, server.source("/net"))))
    store.pull("tiny")
    entry = json.loads((folder / "ledger.json").read_text(encoding="utf-8"))["files"][
        "tiny/net.onnx"
    ]
    assert entry["origin"] == server.url("/net")
    assert entry["sha256"] == sha256(DATA)
