from __future__ import annotations

from pathlib import Path

import onnxruntime as ort
import pytest

from studio.models.catalogue import Catalogue
from studio.models.runtime import Device
from tests.app.commands.outcome import Outcome, Studio
from tests.studio.models.weight_factories import make_file, make_model


def findings(outcome: Outcome) -> dict[str, dict[str, str]]:
    return {finding["part"]: finding for finding in outcome.json}


def test_doctor_on_an_empty_studio_finds_what_is_missing_and_its_remedy(studio: Studio) -> None:
    outcome = studio("doctor", "--json")

    found = findings(outcome)
    assert outcome.code == 1
    assert "studio migrate" in found["database"]["remedy"]
    assert "studio weights pull isnet" in found["weights"]["remedy"]
    assert "studio migrate" in found["storage"]["remedy"]
    for part in ("python", "disk", "broker"):
        assert found[part]["state"] == "ok", found[part]


def test_doctor_in_words_has_a_line_for_each_part(studio: Studio) -> None:
    outcome = studio("doctor")

    parts = [line.split()[0] for line in outcome.out.splitlines()]
    assert parts == [
        "python",
        "disk",
        "database",
        "broker",
        "storage",
        "weights",
        "tools",
        "device",
        "workers",
        "beat",
    ]


def test_doctor_after_migration_finds_the_database_well(studio: Studio) -> None:
    studio("migrate")

    found = findings(studio("doctor", "--json"))

    for part in ("database", "storage", "workers", "beat"):
        assert found[part]["state"] == "ok", found[part]


def test_doctor_tells_the_tools_people_use_from_those_that_serve_them(studio: Studio) -> None:
    tools = findings(studio("doctor", "--json"))["tools"]

    assert tools["detail"] == (
        "cutout, cartoon, inpaint, faceswap, and upscale; faces serves these and has no page"
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("variable", "address", "part"),
    [
        ("STUDIO_DATABASE_URL", "postgresql://nobody:secret@127.0.0.1:1/none", "database"),
        ("STUDIO_BROKER_URL", "redis://:secret@127.0.0.1:1/0", "broker"),
    ],
)
def test_doctor_names_the_setting_of_an_unreachable_server_and_no_password(
    studio: Studio, monkeypatch: pytest.MonkeyPatch, variable: str, address: str, part: str
) -> None:
    monkeypatch.setenv(variable, address)

    outcome = studio("doctor", "--json")

    assert findings(outcome)[part]["state"] == "fault"
    assert variable in findings(outcome)[part]["remedy"]
    assert "secret" not in outcome.out


def test_doctor_finds_storage_that_is_no_folder(
    studio: Studio, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    blocked = tmp_path / "blobs"
    blocked.write_text("not a folder", encoding="utf-8")
    monkeypatch.setenv("STUDIO_STORAGE_URL", f"file://{blocked}")

    found = findings(studio("doctor", "--json"))

    assert found["storage"]["state"] == "fault"


@pytest.mark.parametrize("command", [("doctor",), ("migrate",), ("serve", "web")])
def test_data_folder_that_cannot_be_made_is_one_sentence(
    studio: Studio, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: tuple[str, ...]
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder", encoding="utf-8")
    monkeypatch.setenv("STUDIO_DATA_DIR", str(blocked / "data"))

    outcome = studio(*command)

    assert outcome.code == 1
    assert str(blocked / "data") in outcome.err
    assert "STUDIO_DATA_DIR" in outcome.err
    assert outcome.err.count("\n") == 1


def test_doctor_finds_a_broker_folder_that_cannot_be_written(
    studio: Studio, data_dir: Path
) -> None:
    data_dir.mkdir()
    (data_dir / "broker").write_text("not a folder", encoding="utf-8")

    broker = findings(studio("doctor", "--json"))["broker"]

    assert broker["state"] == "fault"
    assert str(data_dir / "broker") in broker["detail"]


def test_doctor_leaves_nothing_in_the_broker_folder(studio: Studio, data_dir: Path) -> None:
    assert findings(studio("doctor", "--json"))["broker"]["state"] == "ok"

    assert list((data_dir / "broker").iterdir()) == []


@pytest.mark.parametrize(
    ("device", "state", "words"),
    [(Device.CUDA, "ok", "CUDA, 3 cores"), (Device.CPU, "warning", "computes on the processor")],
)
def test_doctor_believes_the_device_that_networks_get(
    studio: Studio, monkeypatch: pytest.MonkeyPatch, device: Device, state: str, words: str
) -> None:
    monkeypatch.delenv("STUDIO_DEVICE", raising=False)
    monkeypatch.setattr("studio.models.onnx_runtime.usable_device", lambda _: device)
    monkeypatch.setattr("studio.models.runtime.usable_cores", lambda: 3)
    monkeypatch.setattr("app.commands.diagnosis._NVIDIA_DEVICE", Path("/"))

    found = findings(studio("doctor", "--json"))["device"]

    assert (found["state"], words in found["detail"]) == (state, True)


def test_doctor_asked_for_cuda_that_is_not_there_is_a_fault(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "CUDAExecutionProvider" in ort.get_available_providers():
        pytest.skip("this ONNX Runtime carries CUDA")
    monkeypatch.setenv("STUDIO_DEVICE", "cuda")

    found = findings(studio("doctor", "--json"))

    assert found["device"]["state"] == "fault"
    assert "onnxruntime-gpu" in found["device"]["remedy"]


def test_doctor_names_models_made_for_tools_that_there_are_not(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    stray = make_model(make_file(), id="stray", tools=("upscale", "cutuot"))
    catalogue = Catalogue((make_model(make_file()), stray))
    monkeypatch.setattr("app.weights.management.load_catalogue", lambda: catalogue)

    weights = findings(studio("doctor", "--json"))["weights"]

    assert weights["state"] == "warning"
    assert weights["detail"] == "made for tools that there are not: stray"
