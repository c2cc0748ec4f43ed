"""``studio run chain``, and results of the studio's jobs in place of files."""

from __future__ import annotations

from errno import ENOSPC
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from PIL import Image

from app.commands import sources, workbench
from app.runs.sample import sample_picture
from db.errors import DatabaseAwayError
from db.types import Lane, Role
from studio.params import UpscaleParams
from tasks.execute import run_next
from tasks.requests import ResultOf
from tasks.services import Services
from tasks.submit import cancel, store_upload, submit
from tests.app.commands.outcome import Studio
from tests.factories import make_actor
from tests.pictures import png
from tests.requests import request
from tests.studio.tools.conftest import need_weights

__all__ = ["need_weights"]

PIXELS = "upscale --model interpolation --scale 2"
WHITE = "cutout --output colour --colour '#ffffff'"


def size(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def submitted(services: Services, *results: ResultOf) -> UUID:
    with services.database.write() as session:
        actor = make_actor(session)
    image = results[0] if results else store_upload(services, "dog.png", png(1, 40, 30))
    params = UpscaleParams(model="interpolation", scale=2)
    return submit(services, actor, request(params, {"image": image}))[0]


def test_chain_runs_each_step_on_the_result_of_the_one_before(
    studio: Studio, picture: Path, alpha: Path, tmp_path: Path
) -> None:
    outcome = studio(
        "run", "chain", picture, "--out", tmp_path / "out", "--json",
        "--step", f"cutout --alpha '{alpha}'", "--step", PIXELS,
        "--step", f"{WHITE} --alpha step:2",
    )  # fmt: skip

    assert outcome.code == 0, outcome.err
    [result] = outcome.json["results"]
    assert [step["tool"] for step in result["steps"]] == ["cutout", "upscale", "cutout"]
    assert [step["params"]["tool"] for step in outcome.json["steps"]] == [
        "cutout", "upscale", "cutout",
    ]  # fmt: skip
    [image, _] = result["outputs"]
    assert sorted(tmp_path.joinpath("out").iterdir()) == sorted(
        Path(output["path"]) for output in result["outputs"]
    )
    with Image.open(image["path"]) as made:
        assert made.size == (80, 60)
        assert made.convert("RGB").getpixel((2, 2)) == (255, 255, 255)
        assert made.convert("RGB").getpixel((40, 30)) != (255, 255, 255)


def test_chain_that_fails_keeps_what_its_steps_made_and_goes_on_from_it(
    studio: Studio, picture: Path, tmp_path: Path
) -> None:
    steps = ("--step", PIXELS, "--step", "cutout")
    outcome = studio("run", "chain", picture, "--out", tmp_path / "out", *steps)

    assert outcome.code == 1
    kept = tmp_path / "out" / "cat-upscaled.png"
    assert "studio weights pull isnet" in outcome.err
    assert "at step 2, cutout" in outcome.err
    assert f"kept from the steps before: image: {kept}" in outcome.err
    assert studio("run", "chain", kept, "--out", tmp_path / "out", "--step", PIXELS).code == 0
    assert size(tmp_path / "out" / "cat-upscaled-upscaled.png") == (160, 120)


def test_chain_that_fails_reports_what_could_not_be_kept(
    studio: Studio, picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def save(*_args: object) -> Path:
        raise OSError(ENOSPC, "No space left on device")

    monkeypatch.setattr(workbench, "save_new", save)
    steps = ("--step", PIXELS, "--step", "cutout", "--json")
    outcome = studio("run", "chain", picture, "--out", tmp_path / "out", *steps)

    assert outcome.code == 1
    [refused] = outcome.json["results"]
    assert (refused["step"], refused["kept"]) == (2, [])
    [lost] = refused["lost"]
    assert (lost["role"], lost["error"]["code"]) == ("image", "out.unwritable")
    assert "No space left on device" in outcome.err


def test_chain_refusal_of_one_file_leaves_the_others_alone(
    studio: Studio, picture: Path, tmp_path: Path
) -> None:
    outcome = studio(
        "run", "chain", tmp_path / "gone.png", picture, "--out", tmp_path, "--step", PIXELS,
        "--step", PIXELS, "--json",
    )  # fmt: skip
    assert outcome.code == 1
    [refused, done] = outcome.json["results"]
    assert (refused["error"]["code"], refused["step"], refused["kept"]) == (
        "file.unreadable",
        1,
        [],
    )
    assert done["ok"]


@pytest.mark.parametrize(
    ("steps", "code", "words"),
    [
        (["dance"], 2, "dance"),
        ([""], 2, "names no tool"),
        (["upscale 'x"], 2, "quotation"),
        (["upscale --look anime"], 2, "--look"),
        (["faceswap"], 2, "--source"),
        ([PIXELS, "upscale --scale 9"], 1, "Step 2: scale: "),
        ([PIXELS, "cutout --alpha step:2"], 1, "Step 2 cannot use what step 2 makes"),
        ([PIXELS, "cutout --alpha step:1/alpha"], 1, "no file in the role “alpha”"),
        ([PIXELS, "cutout --alpha step:x"], 1, "names no result"),
        ([PIXELS] * 11, 1, "11 steps"),
        ([PIXELS, "inpaint"], 1, "Give a mask picture"),
    ],
)
def test_chain_used_wrongly_says_what_is_wrong(
    studio: Studio, picture: Path, tmp_path: Path, steps: list[str], code: int, words: str
) -> None:
    arguments = [word for step in steps for word in ("--step", step)]
    outcome = studio("run", "chain", picture, "--out", tmp_path, *arguments)
    assert outcome.code == code
    assert words in outcome.err


def test_chain_whose_last_step_lacks_something_runs_none(
    studio: Studio, picture: Path, tmp_path: Path
) -> None:
    steps = ("--step", PIXELS, "--step", "inpaint")
    assert studio("run", "chain", picture, "--out", tmp_path / "out", *steps).code == 1
    assert not (tmp_path / "out").exists()


def test_chain_step_tells_its_options_when_asked(studio: Studio, picture: Path) -> None:
    outcome = studio("run", "chain", picture, "--step", "upscale --help")
    assert outcome.code == 0
    assert "--target-width-px" in outcome.out


def test_run_on_the_result_of_a_job_reads_it_from_the_record(
    studio: Studio, services: Services, tmp_path: Path
) -> None:
    job_id = submitted(services)
    run_next(services, Lane.CPU)
    out = tmp_path / "out"
    outcome = studio(
        "run", "upscale", f"job:{job_id}/image", "--model", "interpolation", "--out", out
    )
    assert outcome.code == 0, outcome.err
    assert size(out / "dog-upscaled-upscaled.png") == (160, 120)


def test_run_on_the_result_of_a_job_waits_until_it_is_there(
    studio: Studio, services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = submitted(services)
    monkeypatch.setattr(sources.time, "sleep", lambda _: run_next(services, Lane.CPU))
    steps = ("--step", PIXELS, "--step", PIXELS)
    outcome = studio("run", "chain", f"job:{job_id}", *steps, "--out", tmp_path / "out")
    assert outcome.code == 0, outcome.err
    assert "Waiting for “dog.png” (upscale), which is queued…" in outcome.err
    assert size(tmp_path / "out" / "dog-upscaled-upscaled-upscaled.png") == (320, 240)


def test_run_on_the_result_of_a_job_outlasts_a_database_that_is_away(
    studio: Studio, services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = submitted(services)
    run_next(services, Lane.CPU)
    read = sources.require_run

    def fail(*_args: object) -> None:
        raise DatabaseAwayError

    def come_back(_seconds: float) -> None:
        monkeypatch.setattr(sources, "require_run", read)

    monkeypatch.setattr(sources, "require_run", fail)
    monkeypatch.setattr(sources.time, "sleep", come_back)
    outcome = studio("run", "chain", f"job:{job_id}", "--step", PIXELS, "--out", tmp_path / "out")
    assert outcome.code == 0, outcome.err
    assert outcome.err.count("The database does not answer") == 1


def test_run_that_meets_no_database_leaves_the_other_files_alone(
    studio: Studio,
    services: Services,
    picture: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_args: object) -> None:
        raise DatabaseAwayError

    job_id = submitted(services)
    monkeypatch.setattr(sources, "operator", fail)
    outcome = studio(
        "run", "chain", f"job:{job_id}", picture, "--step", PIXELS, "--out", tmp_path, "--json"
    )
    assert outcome.code == 1
    [refused, done] = outcome.json["results"]
    assert refused["error"]["code"] == "database.away"
    assert done["ok"]


def test_run_on_a_job_that_makes_nothing_is_refused(
    studio: Studio, services: Services, tmp_path: Path
) -> None:
    job_id = submitted(services)
    with services.database.write() as session:
        admin = make_actor(session, role=Role.ADMIN)
    cancel(services, admin, job_id)
    for name, words in (
        (f"job:{job_id}", "“dog.png” (upscale) ended as cancelled"),
        (f"job:{uuid4()}", "There is no such run"),
        ("job:x", "names no result"),
    ):
        outcome = studio("run", "upscale", name, "--out", tmp_path / "out")
        assert outcome.code == 1
        assert words in outcome.err


@pytest.mark.slow
@pytest.mark.usefixtures("need_weights")
@pytest.mark.weights("isnet", "realesr-animevideov3")
def test_chain_cutout_then_upscale_then_white_background(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STUDIO_WEIGHTS_DIR")
    name, portrait = sample_picture()
    (tmp_path / name).write_bytes(portrait)
    outcome = studio(
        "run", "chain", tmp_path / name, "--out", tmp_path / "out", "--json",
        "--step", "cutout", "--step", "upscale --scale 2", "--step", f"{WHITE} --alpha step:2",
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    [result] = outcome.json["results"]
    assert [step["model"] for step in result["steps"]][2] == "no network"
    image = result["outputs"][0]
    with Image.open(tmp_path / name) as source, Image.open(image["path"]) as made:
        assert made.size == (2 * source.width, 2 * source.height)
        assert made.convert("RGB").getpixel((4, 4)) == (255, 255, 255)
