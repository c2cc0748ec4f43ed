from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from errno import ENOSPC
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from studio.params import ToolParams
from studio.report import Report
from studio.settings import ROOT
from studio.tools.registry import TOOLS
from studio.tools.spec import ToolInputs, ToolOutput
from tests.app.commands.outcome import Studio

ENLARGE = ("--model", "interpolation")


def size(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def test_run_enlarges_a_file_and_prints_where_how_long_and_digests(
    studio: Studio, picture: Path, tmp_path: Path
) -> None:
    outcome = studio("run", "upscale", picture, "--out", tmp_path / "out", *ENLARGE)

    assert outcome.code == 0
    result = tmp_path / "out" / "cat-upscaled.png"
    assert size(result) == (80, 60)
    assert str(result) in outcome.out
    assert sha256(result.read_bytes()).hexdigest() in outcome.out
    assert " s, no network" in outcome.out


def test_run_as_json_reports_every_output_and_the_run_record(
    studio: Studio, picture: Path, alpha: Path, tmp_path: Path
) -> None:
    outcome = studio(
        "run", "cutout", picture, "--out", tmp_path, "--alpha", alpha,
        "--output", "colour", "--colour", "#ff0000", "--crop", "--crop-margin-px", "2", "--json",
    )  # fmt: skip

    assert outcome.code == 0
    assert outcome.json["params"]["colour"] == "#ff0000"
    [result] = outcome.json["results"]
    assert [output["role"] for output in result["outputs"]] == ["image", "alpha"]
    image = result["outputs"][0]
    assert (image["width_px"], image["height_px"]) == (24, 18) == size(Path(image["path"]))
    assert image["sha256"] == sha256(Path(image["path"]).read_bytes()).hexdigest()
    assert result["record"]["weights"] == []


def test_run_refusal_of_one_file_leaves_the_others_alone(
    studio: Studio, picture: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    missing = tmp_path / "missing.png"

    outcome = studio(
        "run", "upscale", broken, missing, picture, "--out", tmp_path, *ENLARGE, "--json"
    )

    assert outcome.code == 1
    assert [result["ok"] for result in outcome.json["results"]] == [False, False, True]
    assert outcome.json["results"][0]["error"]["code"] == "image.not_an_image"
    assert outcome.json["results"][1]["error"]["code"] == "file.unreadable"
    lines = outcome.err.splitlines()
    assert [line.split(":")[0] for line in lines] == ["broken.png", "missing.png"]
    assert [line.split(" ")[-1] for line in lines] == ["[image.not_an_image]", "[file.unreadable]"]


def test_run_takes_a_file_named_like_a_result_when_its_folder_is_named(
    studio: Studio, picture: Path, alpha: Path, tmp_path: Path
) -> None:
    picture.rename(tmp_path / "job:1.png")
    alpha.rename(tmp_path / "step:1")
    outcome = studio(
        "run", "cutout", "./job:1.png", "--alpha", "./step:1", "--out", tmp_path / "out", "--json"
    )
    assert outcome.code == 0, outcome.err
    assert outcome.json["results"][0]["file"] == "./job:1.png"


def test_run_never_overwrites_and_numbers_instead(
    studio: Studio, picture: Path, tmp_path: Path
) -> None:
    for _ in range(3):
        assert studio("run", "upscale", picture, "--out", tmp_path, *ENLARGE).code == 0

    names = sorted(path.name for path in tmp_path.glob("cat-*"))
    assert names == ["cat-upscaled-2.png", "cat-upscaled-3.png", "cat-upscaled.png"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--scale", "7"), "scale"),
        (("--denoise", "lots"), "denoise"),
        (("--format", "gif"), "format"),
    ],
)
def test_run_with_a_parameter_that_does_not_fit_names_it(
    studio: Studio, picture: Path, tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    outcome = studio("run", "upscale", picture, "--out", tmp_path / "out", *arguments)

    assert outcome.code == 1
    assert outcome.err.startswith(words)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "dance", "x.png", "--out", "."),
        ("run", "upscale"),
        ("run", "upscale", "x.png", "--scale"),
        ("run", "upscale", "x.png", "--look", "anime"),
        ("run", "faceswap", "x.png"),
    ],
)
def test_run_used_wrongly_is_exit_code_2(studio: Studio, arguments: tuple[str, ...]) -> None:
    assert studio(*arguments).code == 2


def test_run_without_the_weights_says_how_to_get_them(
    studio: Studio, picture: Path, tmp_path: Path
) -> None:
    outcome = studio("run", "cutout", picture, "--out", tmp_path)

    assert outcome.code == 1
    assert outcome.err.startswith("cat.png: ")
    assert "studio weights pull isnet" in outcome.err


def _read_and_report(
    inputs: ToolInputs, params: ToolParams, _models: object, report: Report
) -> list[ToolOutput]:
    """A tool that says what it was given."""
    report.note(json.dumps({role: len(inputs.all(role)) for role in inputs}))
    report.note(json.dumps(params.model_dump(mode="json").get("faces")))
    return [ToolOutput("image", inputs["image"])]


@pytest.fixture
def _tools_that_report(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("inpaint", "faceswap"):
        spec = replace(TOOLS[name], runner_path=f"{__name__}:_read_and_report")
        monkeypatch.setitem(TOOLS, name, spec)


@pytest.mark.usefixtures("_tools_that_report")
@pytest.mark.parametrize(
    ("arguments", "inputs"),
    [
        (("inpaint", "--mask"), {"image": 1, "mask": 1}),
        (("faceswap", "--source"), {"image": 1, "source": 1}),
        (
            ("faceswap", "--reference", "FILE", "--source"),
            {"image": 1, "source": 1, "reference": 1},
        ),
        (("faceswap", "--source", "FILE", "--source"), {"image": 1, "source": 2}),
    ],
)
def test_run_named_inputs_reach_the_tool_in_their_roles(
    studio: Studio,
    picture: Path,
    tmp_path: Path,
    arguments: tuple[str, ...],
    inputs: dict[str, int],
) -> None:
    tool, *rest = (picture if word == "FILE" else word for word in arguments)
    outcome = studio("run", tool, picture, *rest, picture, "--out", tmp_path, "--json")

    assert outcome.code == 0, outcome.err
    [result] = outcome.json["results"]
    assert json.loads(result["record"]["notes"][0]) == inputs
    assert outcome.err == ""


@pytest.mark.usefixtures("_tools_that_report")
def test_run_list_value_is_read_as_a_list(studio: Studio, picture: Path, tmp_path: Path) -> None:
    outcome = studio(
        "run", "faceswap", picture, "--source", picture, "--faces", "[1,null]",
        "--out", tmp_path, "--json",
    )  # fmt: skip

    assert outcome.json["params"]["faces"] == [1, None]
    assert outcome.json["results"][0]["record"]["notes"][-1] == "[1, null]"


def test_run_without_a_folder_writes_into_the_current_one(
    studio: Studio, picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert studio("run", "upscale", picture, *ENLARGE).code == 0
    assert size(tmp_path / "here" / "cat-upscaled.png") == (80, 60)


def test_run_into_a_folder_that_cannot_be_made_is_one_sentence(
    studio: Studio, picture: Path
) -> None:
    outcome = studio("run", "upscale", picture, "--out", picture / "below", *ENLARGE)
    assert outcome.code == 1
    assert "Results cannot be written to" in outcome.err
    assert outcome.err.count("\n") == 1


def test_run_onto_a_full_disk_refuses_the_file_with_its_name(
    studio: Studio, picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "out").mkdir()
    original = Path.open

    def open_(path: Path, mode: str = "r", **options: Any) -> Any:
        if "x" in mode:
            raise OSError(ENOSPC, "No space left on device")
        return original(path, mode, **options)

    monkeypatch.setattr(Path, "open", open_)
    outcome = studio("run", "upscale", picture, "--out", tmp_path / "out", *ENLARGE)
    assert outcome.code == 1
    assert outcome.err.startswith("cat.png: ")
    assert "No space left on device" in outcome.err


@pytest.mark.parametrize("tool", TOOLS)
def test_run_help_names_every_parameter_and_every_input(studio: Studio, tool: str) -> None:
    words = set(studio("run", tool, "--help").out.split())
    spec = TOOLS[tool]
    fields = [*spec.params.model_fields, *spec.required_roles[1:], *spec.optional_roles]
    assert {f"--{name.replace('_', '-')}" for name in fields if name != "tool"} <= words


def test_run_switch_turned_off_reaches_the_parameters(
    studio: Studio, picture: Path, alpha: Path, tmp_path: Path
) -> None:
    outcome = studio(
        "run", "cutout", picture, "--alpha", alpha, "--no-despill", "--shift-px", "-2.5",
        "--out", tmp_path, "--json",
    )  # fmt: skip
    assert outcome.json["params"]["despill"] is False
    assert outcome.json["params"]["shift_px"] == -2.5


def test_run_leaves_no_database_behind(
    studio: Studio, picture: Path, tmp_path: Path, data_dir: Path
) -> None:
    studio("run", "upscale", picture, "--out", tmp_path, *ENLARGE)

    assert not data_dir.exists()


def test_run_then_inspect_tells_the_params_and_the_input(
    studio: Studio, picture: Path, tmp_path: Path
) -> None:
    studio("run", "upscale", picture, "--out", tmp_path, *ENLARGE, "--scale", "3")

    inspected = studio("inspect", tmp_path / "cat-upscaled.png")
    as_json = studio("inspect", tmp_path / "cat-upscaled.png", "--json")

    assert inspected.code == 0
    assert sha256(picture.read_bytes()).hexdigest() in inspected.out
    assert "outside the record" in inspected.out
    assert as_json.json["params"]["scale"] == 3


def test_inspect_of_a_foreign_file_says_so(studio: Studio, picture: Path) -> None:
    outcome = studio("inspect", picture)

    assert outcome.code == 1
    assert outcome.err.startswith("cat.png: It carries no note of a run")


@pytest.mark.slow
def test_run_in_a_process_of_its_own_prints_no_traceback(picture: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from app.commands.cli import main; main()", "run", "upscale"]
    arguments = [str(picture), str(tmp_path / "gone.png"), "--out", str(tmp_path), "--json"]

    done = subprocess.run(
        [*command, *arguments, *ENLARGE], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert [result["ok"] for result in json.loads(done.stdout)["results"]] == [True, False]
