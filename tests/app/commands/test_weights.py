from __future__ import annotations

import re
from functools import partial
from hashlib import sha256
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from studio.models.catalogue import Catalogue, HttpsSource, Licence, load_catalogue
from studio.words import msg
from tests.app.commands.outcome import Studio
from tests.studio.models.weight_factories import make_file, make_model


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """The test reads the error stream."""


def rows_of(listed: str) -> dict[str, tuple[str, str]]:
    """The heading and the line of each model in the printed list."""
    heading, found = "", {}
    for line in listed.splitlines():
        if line.startswith("  "):
            found[line.split()[0]] = heading, line
        heading = heading if line.startswith("  ") else line
    return found


def test_weights_list_names_every_model_with_its_tools_and_licence(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "1000")
    out = studio("weights", "list").out
    rows = rows_of(out)

    for spec in load_catalogue():
        heading, line = rows[spec.id]
        tools = str(msg("{tools}", tools=spec.tools))
        assert heading == f"{spec.task}, used by {tools}"
        assert " missing " in line
        [number] = re.findall(r"\[\d+\]", line)
        assert f"{number} {spec.licence.name}" in line
        assert f"\n{number} {spec.licence.name}: {spec.licence.words}" in out
        assert (" * " in line) == spec.default
    assert "* fetched by a fresh studio" in out
    assert rows["lama-onnx"][1].endswith("seen elsewhere")
    assert rows["ghost-1-256"][1].endswith("pinned on first import")


@pytest.mark.parametrize(("width", "columns"), [(60, 3), (80, 4), (100, 4), (140, 5), (160, 6)])
def test_weights_list_fits_the_window_and_keeps_what_matters(
    studio: Studio, monkeypatch: pytest.MonkeyPatch, width: int, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    out = studio("weights", "list").out
    lines = out.splitlines()

    assert len(re.split("  +", lines[0])) == columns
    assert max(map(len, lines)) <= width
    assert len(rows_of(out)) >= len(load_catalogue())
    for spec in load_catalogue():
        assert f" {spec.licence.commercial} " in rows_of(out)[spec.id][1]


def test_weights_list_of_a_tool_shows_all_it_uses_and_leaves_the_others_out(
    studio: Studio,
) -> None:
    listed = {
        row["id"]: row for row in studio("weights", "list", "--tool", "cartoon", "--json").json
    }
    face_search = {"blazeface-short", "blazeface-full", "facemesh", "iris-landmark"}
    styles = {spec.id for spec in load_catalogue().for_tool("cartoon", "cartoon")}
    assert set(listed) == {"isnet", "realesr-animevideov3", *face_search, *styles}
    assert listed["isnet"]["tools"] == ["cutout", "cartoon", "inpaint"]

    assert studio("weights", "list", "--installed", "--json").json == []


def test_weights_list_of_a_task_leaves_the_others_out(studio: Studio) -> None:
    listed = studio("weights", "list", "--tool", "faceswap", "--task", "face-embedding", "--json")
    assert {row["id"] for row in listed.json} == {"arcface-w600k-r50", "w600k-r50"}


@pytest.mark.parametrize(("option", "choice"), [("tool", "inpaint"), ("task", "face-swap")])
def test_weights_list_of_what_there_is_not_is_refused_naming_the_choices(
    studio: Studio, option: str, choice: str
) -> None:
    outcome = studio("weights", "list", f"--{option}", "dance")
    assert outcome.code == 1
    assert outcome.err.startswith(f"There is no {option} called “dance”. Choose one of ")
    assert f" {choice}," in outcome.err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            ["--tool", "cutout", "--task", "cartoon"],
            "No model for cartoon that cutout uses is known.",
        ),
        (["--tool", "cutout", "--installed"], "No model that cutout uses is installed."),
        (["--installed"], "No model is installed."),
    ],
)
def test_weights_list_without_any_says_so(studio: Studio, options: list[str], words: str) -> None:
    outcome = studio("weights", "list", *options)
    assert (outcome.code, outcome.out) == (0, f"{words}\n")


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
    tools = ("upscale", "cartoon")
    catalogue = Catalogue((make_model(make_file("net.onnx", data), tools=tools),))
    monkeypatch.setattr("app.weights.management.load_catalogue", lambda: catalogue)

    imported = studio("weights", "import", file)

    assert imported.out == f"tiny: net.onnx sha256 {sha256(data).hexdigest()}\n"
    assert studio("weights", "verify", "tiny").code == 0
    (tmp_path / "weights" / "tiny" / "net.onnx").write_bytes(data[:-1] + b"x")
    broken = studio("weights", "verify", "tiny", "--json")
    assert broken.code == 1
    assert broken.json[0]["state"] == "damaged"

    deleted = studio("weights", "delete", "tiny").out
    assert deleted == "tiny: deleted, 7 kB are free. Missed by: upscale and cartoon.\n"
    assert not (tmp_path / "weights" / "tiny").exists()
    assert studio("weights", "delete", "tiny").out == "tiny: was not installed.\n"


def test_weights_pull_fetches_checks_and_says_what_is_there_now(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUDIO_WEIGHT_MIRRORS", "127.0.0.1")
    folder = tmp_path / "served"
    folder.mkdir()
    data = b"weights" * 1000
    (folder / "net.onnx").write_bytes(data)
    handler = partial(QuietHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        source = HttpsSource(url=f"http://127.0.0.1:{server.server_port}/net.onnx")
        terms = Licence(name="For research", commercial="no", words="For research and no more.")
        file = make_file("net.onnx", data, source)
        catalogue = Catalogue((make_model(file, default=True, licence=terms),))
        monkeypatch.setattr("app.weights.management.load_catalogue", lambda: catalogue)

        pulled, again = studio("weights", "pull"), studio("weights", "pull")
        server.shutdown()

    assert pulled.code == 0
    warning = "tiny: no commercial use (For research). For research and no more.\n"
    assert pulled.out == f"{warning}tiny: installed, 7 kB\n"
    assert "tiny: download" in pulled.err
    assert again.out == "Installed already: tiny.\n"
    assert (tmp_path / "weights" / "tiny" / "net.onnx").read_bytes() == data
    studio("weights", "delete", "tiny")
    assert studio("weights", "import", folder / "net.onnx").out.endswith(warning)
