from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from io import BytesIO
from uuid import uuid4

import numpy as np
import pytest
from PIL import Image

from studio.errors import JobCancelledError, UserInputError
from studio.imaging.decode import Limits, decode
from studio.imaging.encode import encode_mask
from studio.imaging.provenance import read_provenance
from studio.params import INTERPOLATION, CutoutParams, ToolParams, UpscaleParams
from studio.report import Report, Stage
from studio.tools.pipeline import InputFile, RunResult, library_versions, result_stem, run_tool
from studio.tools.spec import TOOLS
from tests.studio.tools.stand_ins import NoModels

LIMITS = Limits(max_bytes=1_000_000, max_pixels=1_000_000)


def png(mode: str = "RGB", size: tuple[int, int] = (40, 30)) -> bytes:
    ramp = Image.linear_gradient("L").resize(size)
    buffer = BytesIO()
    ramp.convert(mode).save(buffer, "PNG")
    return buffer.getvalue()


def disc_alpha(width: int = 40, height: int = 30) -> bytes:
    y, x = np.mgrid[:height, :width]
    distance = np.hypot(x - width / 2, y - height / 2)
    return encode_mask(np.clip((12 - distance) * 60, 0, 255).astype(np.uint8))


def cutout_files(file_name: str = "cat.png") -> list[InputFile]:
    return [InputFile("image", file_name, png()), InputFile("alpha", "x.png", disc_alpha())]


def run(
    files: Sequence[InputFile], params: ToolParams, report: Report | None = None, **options: object
) -> RunResult:
    tool = "cutout" if isinstance(params, CutoutParams) else "upscale"
    chosen = {"limits": LIMITS, **options}
    return run_tool(TOOLS[tool], files, params, NoModels(), report or Report(), **chosen)


def enlarge(data: bytes, **params: object) -> RunResult:
    values = {"model": INTERPOLATION, **params}
    return run([InputFile("image", "cat.png", data)], UpscaleParams(**values))


def test_run_tool_names_results_after_the_input_and_their_role() -> None:
    result = run(cutout_files("holiday/My cat.v2.jpeg"), CutoutParams(format="webp"))

    assert [(o.role, o.file_name, o.media_type) for o in result.outputs] == [
        ("image", "My cat.v2-cutout.webp", "image/webp"),
        ("alpha", "My cat.v2-alpha.png", "image/png"),
    ]


def test_run_tool_stored_alpha_comes_back_bit_for_bit() -> None:
    result = run(cutout_files(), CutoutParams(feather_px=3, shift_px=2))

    assert result.outputs[1].data == disc_alpha()


def test_run_tool_outputs_have_the_size_they_state() -> None:
    [output] = enlarge(png(), scale=3).outputs

    with Image.open(BytesIO(output.data)) as image:
        assert image.size == (output.width_px, output.height_px) == (120, 90)


@pytest.mark.parametrize("mode", ["L", "LA", "P", "1", "RGBA", "I;16"])
def test_run_tool_takes_grey_palette_and_transparent_files(mode: str) -> None:
    [output] = enlarge(png(mode)).outputs

    picture = decode(output.data, file_name="out.png", limits=LIMITS)
    assert (picture.width, picture.height) == (80, 60)


def test_run_tool_writes_provenance_that_names_run_inputs_and_params() -> None:
    files, job_id = cutout_files(), uuid4()

    result = run(files, CutoutParams(feather_px=2), job_id=job_id)

    provenance = read_provenance(result.outputs[0].data)
    assert provenance is not None
    assert provenance.job_id == job_id
    assert provenance.tool == "cutout"
    assert provenance.params["feather_px"] == 2
    assert provenance.inputs == {file.role: sha256(file.data).hexdigest() for file in files}
    assert provenance.digital_source_type == "algorithmicallyEnhanced"


def test_run_tool_without_provenance_writes_none() -> None:
    result = run(cutout_files(), CutoutParams(), embed_provenance=False)

    assert read_provenance(result.outputs[0].data) is None


def test_run_tool_record_tells_stages_versions_and_memory() -> None:
    record = enlarge(png()).record

    assert set(record.seconds) == {"decode", "run", "encode"}
    assert record.input_megapixels == pytest.approx(0.0012)
    assert record.libraries == library_versions()
    assert record.device == "cpu"
    assert record.weights == []
    assert record.peak_memory_bytes > 10_000_000


def test_run_tool_progress_goes_through_every_stage_and_ends_at_one() -> None:
    seen: list[tuple[float, Stage]] = []

    run(
        cutout_files(),
        CutoutParams(),
        Report(lambda fraction, stage: seen.append((fraction, stage))),
    )

    fractions = [fraction for fraction, _ in seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1
    assert {stage for _, stage in seen} == {"decode", "run", "encode"}


def test_run_tool_stops_where_the_sink_says_cancelled() -> None:
    def cancel(_fraction: float, stage: Stage) -> None:
        if stage == "run":
            raise JobCancelledError

    with pytest.raises(JobCancelledError):
        run(cutout_files(), CutoutParams(), Report(cancel))


@pytest.mark.parametrize(
    ("roles", "code"),
    [
        (["alpha"], "tool.input_missing"),
        (["image", "style"], "tool.input_unknown"),
        (["image", "image"], "tool.input_repeated"),
    ],
)
def test_run_tool_refuses_roles_that_do_not_fit(roles: list[str], code: str) -> None:
    with pytest.raises(UserInputError) as refusal:
        run([InputFile(role, "cat.png", png()) for role in roles], CutoutParams())
    assert refusal.value.code == code


def test_run_tool_refuses_a_result_over_the_limit_before_running() -> None:
    with pytest.raises(
        UserInputError, match=r"^cat\.png: The result would be 2000 × 2000 px"
    ) as refusal:
        enlarge(png(size=(500, 500)), scale=4)
    assert refusal.value.code == "output.too_many_pixels"


def test_run_tool_names_the_file_in_which_the_tool_found_nothing() -> None:
    nothing = encode_mask(np.zeros((30, 40), np.uint8))
    with pytest.raises(UserInputError, match=r"^cat\.png: No subject") as refusal:
        run(
            [InputFile("image", "cat.png", png()), InputFile("alpha", "a", nothing)], CutoutParams()
        )
    assert refusal.value.code == "cutout.nothing_found"


def test_run_tool_names_the_file_that_is_no_picture() -> None:
    with pytest.raises(UserInputError, match=r"notes\.txt"):
        run([InputFile("image", "notes.txt", b"hello")], CutoutParams())


@pytest.mark.parametrize(
    ("file_name", "stem"),
    [
        ("cat.png", "cat"),
        ("C:\\pictures\\cat.png", "cat"),
        ("../../etc/passwd", "passwd"),
        ("猫.jpeg", "猫"),
        ("a<b>:c.png", "abc"),
        (".png", "png"),
        ("...", "picture"),
        ("", "picture"),
        ("x" * 300 + ".png", "x" * 120),
    ],
)
def test_result_stem_is_a_safe_file_name(file_name: str, stem: str) -> None:
    assert result_stem(file_name) == stem
