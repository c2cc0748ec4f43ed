from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from io import BytesIO
from uuid import uuid4

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from studio.errors import JobCancelledError, UserInputError
from studio.imaging.confined import imaging_pool
from studio.imaging.decode import Limits, decode
from studio.imaging.provenance import read_provenance
from studio.models.cache import ModelCache
from studio.params import (
    INTERPOLATION,
    CutoutParams,
    FaceswapParams,
    ImageFormat,
    ToolParams,
    UpscaleParams,
)
from studio.report import Report, Stage
from studio.tools.pipeline import InputFile, RunResult, library_versions, result_stem, run_tool
from studio.tools.registry import TOOLS
from studio.tools.spec import PHOTOGRAPH, Media, ToolInputs, ToolOutput, ToolRole
from tests.pictures import encoded_mask
from tests.studio.tools.stand_ins import NoModels
from tests.words import said

LIMITS = Limits(max_bytes=1_000_000, max_pixels=1_000_000)


def png(mode: str = "RGB", size: tuple[int, int] = (40, 30)) -> bytes:
    ramp = Image.linear_gradient("L").resize(size)
    buffer = BytesIO()
    ramp.convert(mode).save(buffer, "PNG")
    return buffer.getvalue()


def disc_alpha(width: int = 40, height: int = 30) -> bytes:
    y, x = np.mgrid[:height, :width]
    distance = np.hypot(x - width / 2, y - height / 2)
    return encoded_mask(np.clip((12 - distance) * 60, 0, 255).astype(np.uint8))


def cutout_files(file_name: str = "cat.png") -> list[InputFile]:
    return [InputFile("image", file_name, png()), InputFile("alpha", "x.png", disc_alpha())]


def run(
    files: Sequence[InputFile], params: ToolParams, report: Report | None = None, **options: object
) -> RunResult[BytesIO]:
    tool = "cutout" if isinstance(params, CutoutParams) else "upscale"
    chosen = {"limits": LIMITS, "new_file": BytesIO, "pool": None, **options}
    return run_tool(TOOLS[tool], files, params, NoModels(), report or Report(), **chosen)


def enlarge(data: bytes, **params: object) -> RunResult[BytesIO]:
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

    assert result.outputs[1].file.getvalue() == disc_alpha()


def test_run_tool_outputs_have_the_size_they_state() -> None:
    [output] = enlarge(png(), scale=3).outputs

    with Image.open(BytesIO(output.file.getvalue())) as image:
        assert image.size == (output.width_px, output.height_px) == (120, 90)


class Pieces:
    """A file that only counts what is written at once."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def write(self, data: bytes) -> None:
        self.sizes.append(len(data))


@pytest.mark.parametrize("format", [ImageFormat.PNG, ImageFormat.JPEG])
def test_run_tool_writes_a_large_result_in_pieces(format: ImageFormat) -> None:
    buffer = BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (700, 700, 3), dtype=np.uint8)
    Image.fromarray(noise).save(buffer, "PNG")
    params = UpscaleParams(model=INTERPOLATION, scale=2, format=format)
    limits = Limits(max_bytes=9_000_000, max_pixels=9_000_000)

    result = run_tool(
        TOOLS["upscale"],
        [InputFile("image", "noise.png", buffer.getvalue())],
        params,
        NoModels(),
        Report(),
        limits=limits,
        new_file=Pieces,
        pool=None,
    )

    [output] = result.outputs
    assert sum(output.file.sizes) > 10 * max(output.file.sizes)


@pytest.mark.parametrize("mode", ["L", "LA", "P", "1", "RGBA", "I;16"])
def test_run_tool_takes_grey_palette_and_transparent_files(mode: str) -> None:
    [output] = enlarge(png(mode)).outputs

    picture = decode(output.file.getvalue(), file_name="out.png", limits=LIMITS)
    assert (picture.width, picture.height) == (80, 60)


def test_run_tool_writes_provenance_that_names_run_inputs_and_params() -> None:
    files, job_id = cutout_files(), uuid4()

    result = run(files, CutoutParams(feather_px=2), job_id=job_id)

    provenance = read_provenance(result.outputs[0].file.getvalue())
    assert provenance is not None
    assert provenance.job_id == job_id
    assert provenance.tool == "cutout"
    assert provenance.params["feather_px"] == 2
    assert provenance.inputs == {file.role: sha256(file.data).hexdigest() for file in files}
    assert provenance.digital_source_type == "algorithmicallyEnhanced"


def test_run_tool_without_provenance_writes_none() -> None:
    result = run(cutout_files(), CutoutParams(), embed_provenance=False)

    assert read_provenance(result.outputs[0].file.getvalue()) is None


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
        UserInputError, match=r"^cat\.png: The result would be 2,000 × 2,000 px"
    ) as refusal:
        enlarge(png(size=(500, 500)), scale=4)
    assert refusal.value.code == "output.too_many_pixels"


def test_run_tool_names_the_file_in_which_the_tool_found_nothing() -> None:
    nothing = encoded_mask(np.zeros((30, 40), np.uint8))
    with pytest.raises(UserInputError, match=r"^cat\.png: No subject") as refusal:
        run(
            [InputFile("image", "cat.png", png()), InputFile("alpha", "a", nothing)], CutoutParams()
        )
    assert refusal.value.code == "cutout.nothing_found"


def test_run_tool_names_the_further_file_that_does_not_fit() -> None:
    other = InputFile("alpha", "other.png", disc_alpha(20, 20))
    with pytest.raises(UserInputError, match=r"^other\.png: “Alpha mask” is 20 × 20 px"):
        run([InputFile("image", "cat.png", png()), other], CutoutParams())


def test_run_tool_names_the_further_file_of_which_it_notes_something() -> None:
    report = Report()
    files = [*cutout_files(), InputFile("background", "sky.png", png("I;16"))]
    run(files, CutoutParams(output="picture"), report)
    [note] = said(report.notes)
    assert note.startswith("sky.png: ")


def face_files(sources: int) -> list[InputFile]:
    faces = [InputFile("source", f"{number}.png", png()) for number in range(sources)]
    return [InputFile("image", "cat.png", png()), *faces]


def swap(files: Sequence[InputFile], limits: Limits) -> None:
    params = FaceswapParams()
    run_tool(
        TOOLS["faceswap"],
        files,
        params,
        NoModels(),
        Report(),
        limits=limits,
        new_file=BytesIO,
        pool=None,
    )


def test_run_tool_refuses_pictures_that_are_too_large_together() -> None:
    limits = Limits(max_bytes=1_000_000, max_pixels=40 * 30)
    with pytest.raises(UserInputError, match=r"^3\.png: With it the pictures of this") as refusal:
        swap(face_files(5), limits)
    assert refusal.value.code == "inputs.too_many_pixels"


def test_run_tool_refuses_more_files_of_a_role_than_it_takes() -> None:
    with pytest.raises(UserInputError, match=r"up to 16 files as “source”, and 17 were") as refusal:
        swap(face_files(17), LIMITS)
    assert refusal.value.code == "tool.input_repeated"


def show_mask(
    inputs: ToolInputs, _params: ToolParams, _models: ModelCache, _report: Report
) -> list[ToolOutput]:
    """A tool whose result is its mask."""
    return [ToolOutput("image", inputs["where"])]


def test_run_tool_reads_what_is_given_as_a_mask_as_numbers_whatever_its_role_is_called() -> None:
    ramp = Image.linear_gradient("L").resize((40, 30))
    linear, buffer = PngInfo(), BytesIO()
    linear.add(b"gAMA", (100_000).to_bytes(4, "big"))
    ramp.save(buffer, "PNG", pnginfo=linear)
    roles = (PHOTOGRAPH, ToolRole("where", "Where", help="Where it is worked.", media=Media.MASK))
    spec = replace(TOOLS["upscale"], roles=roles, runner_path=f"{__name__}:show_mask")
    files = [InputFile("image", "cat.png", png()), InputFile("where", "m.png", buffer.getvalue())]
    params = UpscaleParams(model=INTERPOLATION)
    result = run_tool(
        spec, files, params, NoModels(), Report(), limits=LIMITS, new_file=BytesIO, pool=None
    )
    with Image.open(BytesIO(result.outputs[0].file.getvalue())) as shown:
        assert np.array_equal(np.asarray(shown.convert("L")), np.asarray(ramp))


def test_library_versions_leave_out_what_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio.tools.pipeline.LIBRARIES", ("numpy", "there-is-no-such-library"))
    assert list(library_versions.__wrapped__()) == ["python", "numpy"]


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
        ("x" * 300 + ".png", "x" * 180),
        ("\U0001f600" * 62 + ".png", "\U0001f600" * 45),
    ],
)
def test_result_stem_is_a_safe_file_name(file_name: str, stem: str) -> None:
    assert result_stem(file_name) == stem


def test_run_tool_that_is_cancelled_while_a_file_is_decoded_ends_its_reader() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (3_000, 3_000, 3), dtype=np.uint8)
    buffer = BytesIO()
    Image.fromarray(noise).save(buffer, "WEBP", lossless=True, quality=0, method=0)
    told = []

    def sink(_: float, stage: Stage) -> None:
        told.append(stage)
        if len(told) == 3:  # before decoding, before the child starts, while it works
            raise JobCancelledError

    pool = imaging_pool(most_at_once=1, memory_budget_bytes=2**40)
    limits = Limits(max_bytes=100_000_000, max_pixels=10_000_000)
    files = [InputFile("image", "cat.webp", buffer.getvalue())]
    try:
        with pytest.raises(JobCancelledError):
            run(files, UpscaleParams(model=INTERPOLATION), Report(sink), limits=limits, pool=pool)
    finally:
        pool.close()
    assert told == ["decode"] * 3


def test_run_tool_with_a_pool_makes_the_same_bytes() -> None:
    pool = imaging_pool(most_at_once=1, memory_budget_bytes=2**40)
    try:
        confined = run(cutout_files(), CutoutParams(), pool=pool)
    finally:
        pool.close()
    plain = run(cutout_files(), CutoutParams())
    assert [o.file.getvalue() for o in confined.outputs] == [
        o.file.getvalue() for o in plain.outputs
    ]
