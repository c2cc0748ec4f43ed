from __future__ import annotations

from functools import partial
from hashlib import sha256
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from studio.models.catalogue import Catalogue, HttpsSource, load_catalogue
from tests.app.commands.outcome import Studio
from tests.studio.models.weight_factories import make_file, make_model


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """The test reads the error stream."""


def test_weights_list_names_every_model_with_its_tool_and_licence(studio: Studio) -> None:
    outcome = studio("weights", "list")

    assert outcome.code == 0
    for spec in load_catalogue():
        [line] = [line for line in outcome.out.splitlines() if line.split()[0:1] == [spec.id]]
        assert all(tool in line for tool in spec.tools or (spec.task,))
        assert spec.licence.name in line
        assert "not installed" in line
        assert spec.licence.words in outcome.out
    assert "no digest published: pinned on first import" in outcome.out


def test_weights_list_of_a_tool_leaves_the_others_out(studio: Studio) -> None:
    listed = studio("weights", "list", "--tool", "upscale", "--json").json
    assert {row["id"] for row in listed} == {s.id for s in load_catalogue().for_tool("upscale")}

    assert studio("weights", "list", "--installed", "--json").json == []
    assert "no tool called “dance”" in studio("weights", "list", "--tool", "dance").err


def test_weights_list_as_json_tells_state_and_licence(studio: Studio) -> None:
    rows = {row["id"]: row for row in studio("weights", "list", "--json").json}

    assert len(rows) == len(load_catalogue())
    assert rows["isnet"]["state"] == "missing"
    assert rows["isnet"]["default"] is True
    assert rows["isnet"]["licence"]["words"]


def test_weights_import_of_an_unknown_file_is_refused(studio: Studio, tmp_path: Path) -> None:
    file = tmp_path / "cat.onnx"
    file.write_bytes(b"meow")

    outcome = studio("weights", "import", file)

    assert outcome.code == 1
    assert outcome.err.count("\n") == 1
    assert "cat.onnx" in outcome.err


def test_weights_verify_without_any_says_how_to_get_them(studio: Studio) -> None:
    outcome = studio("weights", "verify")

    assert outcome.code == 0
    assert "studio weights pull" in outcome.out


def test_weights_verify_of_a_missing_model_is_exit_code_1(studio: Studio) -> None:
    outcome = studio("weights", "verify", "isnet")

    assert outcome.code == 1
    assert "studio weights pull isnet" in outcome.out


def test_weights_pull_of_an_unknown_model_says_so(studio: Studio) -> None:
    outcome = studio("weights", "pull", "cat-net")

    assert outcome.code == 1
    assert "no model called “cat-net”" in outcome.err


def test_weights_import_then_damage_is_found_by_verify(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = b"weights" * 1000
    file = tmp_path / "renamed.onnx"
    file.write_bytes(data)
    catalogue = Catalogue((make_model(make_file("net.onnx", data)),))
    monkeypatch.setattr("app.weights.load_catalogue", lambda: catalogue)

    imported = studio("weights", "import", file)

    assert imported.out == f"tiny: net.onnx sha256 {sha256(data).hexdigest()}\n"
    assert studio("weights", "verify", "tiny").code == 0
    (tmp_path / "weights" / "tiny" / "net.onnx").write_bytes(data[:-1] + b"x")
    broken = studio("weights", "verify", "tiny", "--json")
    assert broken.code == 1
    assert broken.json[0]["state"] == "damaged"

    assert studio("weights", "delete", "tiny").out == "tiny: deleted, 7 kB are free.\n"
    assert not (tmp_path / "weights" / "tiny").exists()


def test_weights_pull_fetches_checks_and_says_what_is_there_now(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "served"
    folder.mkdir()
    data = b"weights" * 1000
    (folder / "net.onnx").write_bytes(data)
    handler = partial(QuietHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        source = HttpsSource(url=f"http://127.0.0.1:{server.server_port}/net.onnx")
        catalogue = Catalogue((make_model(make_file("net.onnx", data, source), default=True),))
        monkeypatch.setattr("app.weights.load_catalogue", lambda: catalogue)

        pulled, again = studio("weights", "pull"), studio("weights", "pull")
        server.shutdown()

    assert pulled.code == 0
    assert pulled.out == "tiny: installed, 7 kB\n"
    assert "tiny: download" in pulled.err
    assert again.out == "Installed already: tiny.\n"
    assert (tmp_path / "weights" / "tiny" / "net.onnx").read_bytes() == data
