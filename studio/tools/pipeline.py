"""From files to files: decode, run one tool, encode. The worker and ``studio run`` share it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import PurePosixPath
from platform import python_version
from typing import TYPE_CHECKING
from uuid import UUID

from studio.errors import UserInputError
from studio.imaging.decode import Limits, decode
from studio.imaging.drawing import Drawing, render
from studio.imaging.encode import encode, encode_mask
from studio.imaging.picture import Picture
from studio.imaging.provenance import Provenance
from studio.params import ImageFormat, ToolParams
from studio.record import RunRecord
from studio.report import Report
from studio.tools.estimate import require_output_fits
from studio.tools.memory import PeakMemory
from studio.tools.spec import DRAWING_ROLE, GREY_ROLES, ToolInputs, ToolOutput, ToolSpec

if TYPE_CHECKING:
    from studio.models.cache import ModelCache

LIBRARIES = (
    "ncnn",
    "numpy",
    "onnxruntime",
    "opencv-contrib-python-headless",
    "pillow",
    "pymatting",
    "pypatchmatch",
    "scikit-image",
    "scipy",
)
"""Distributions whose version may change a result's pixels or bytes."""

_EXTENSIONS = {ImageFormat.PNG: "png", ImageFormat.JPEG: "jpg", ImageFormat.WEBP: "webp"}
_STEM_MAX_CHARACTERS = 120
_ENCODERS = 2
"""Outputs encoded side by side: zlib and its like work outside of Python's lock."""
_DECODED, _RUN = 0.02, 0.95
"""How far a job counts as done after these stages."""


@dataclass(frozen=True, slots=True)
class InputFile:
    """An undecoded file in its role: "image", or one of the tool's optional roles."""

    role: str
    file_name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class EncodedOutput:
    """A finished file, named after the input, as in ``cat-cutout.png`` and ``cat-alpha.png``."""

    role: str
    file_name: str
    data: bytes
    media_type: str
    width_px: int
    height_px: int


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a run made and how."""

    outputs: list[EncodedOutput]
    record: RunRecord


def run_tool(
    spec: ToolSpec,
    files: Sequence[InputFile],
    params: ToolParams,
    models: ModelCache,
    report: Report,
    *,
    limits: Limits,
    job_id: UUID | None = None,
    embed_provenance: bool = True,
) -> RunResult:
    """Decode ``files``, run ``spec`` on them and encode what it made.

    Deterministic: the same files, params, weights, library versions, device kind and
    ``job_id`` give the same output bytes.

    Raises:
        UserInputError: a file or parameter cannot be used; ``tool.input_missing``,
            ``tool.input_unknown`` and ``tool.input_repeated`` when roles do not fit.
        ModelUnavailableError: a weight is not installed.
        JobCancelledError: the report's sink asked to stop.

    """
    _require_roles(spec, files)
    memory = PeakMemory.start()
    with report.stage("decode"):
        report.progress(0.0)
        main_file = next(file for file in files if file.role == spec.required_roles[0])
        inputs = _decode_all(files, main_file, limits, report)
    with report.stage("run"), report.span(_DECODED, _RUN), _naming(main_file):
        report.progress(0.0)
        main = inputs[main_file.role]
        require_output_fits(params, main.width, main.height, max_pixels=limits.max_pixels)
        made = spec.load()(inputs, params, models, report)
        report.progress(1.0)
    with report.stage("encode"):
        provenance = _provenance(spec, files, params, report, job_id) if embed_provenance else None
        stem = result_stem(main_file.file_name)
        with ThreadPoolExecutor(_ENCODERS) as threads:
            outputs = list(
                threads.map(lambda output: _encode(output, spec, params, provenance, stem), made)
            )
        report.progress(1.0)
    return RunResult(outputs, _record(spec, inputs, report, memory))


@contextmanager
def _naming(file: InputFile) -> Iterator[None]:
    """Refusals of a tool say which file they are about."""
    try:
        yield
    except UserInputError as error:
        if error.file_name is not None:
            raise
        raise UserInputError(
            error.reason,
            remedy=error.remedy,
            code=error.code,
            file_name=file.file_name,
            regions=error.regions,
        ) from error


def result_stem(file_name: str) -> str:
    """The part of an input's name that its results keep, safe as a file name anywhere."""
    stem = PurePosixPath(file_name.replace("\\", "/")).stem
    kept = "".join(c for c in stem if c.isprintable() and c not in '<>:"|?*')
    return kept.strip(" .")[:_STEM_MAX_CHARACTERS] or "picture"


def _require_roles(spec: ToolSpec, files: Sequence[InputFile]) -> None:
    counts = Counter(file.role for file in files)
    for role in spec.required_roles:
        if not counts[role]:
            raise UserInputError(
                f"{spec.title} needs a file as “{role}”",
                remedy="Add one and run again.",
                code="tool.input_missing",
            )
    known = (*spec.required_roles, *spec.optional_roles)
    for file in files:
        if file.role not in known:
            raise UserInputError(
                f"{spec.title} has no use for a file as “{file.role}”",
                remedy=f"It takes {', '.join(known)}.",
                code="tool.input_unknown",
                file_name=file.file_name,
            )
        if counts[file.role] > 1 and file.role not in spec.repeatable_roles:
            raise UserInputError(
                f"{spec.title} takes one file as “{file.role}”, {counts[file.role]} were given",
                remedy="Run them one at a time.",
                code="tool.input_repeated",
                file_name=file.file_name,
            )


def _decode_all(
    files: Sequence[InputFile], main_file: InputFile, limits: Limits, report: Report
) -> ToolInputs:
    main = _decode(main_file, limits, report)
    pictures: dict[str, list[Picture]] = {main_file.role: [main]}
    for file in files:
        if file is main_file:
            continue
        if file.role == DRAWING_ROLE:
            drawing = Drawing.parse(file.data, file_name=file.file_name)
            picture = render(drawing, main.width, main.height)
        else:
            picture = _decode(file, limits, report)
        pictures.setdefault(file.role, []).append(picture)
    return ToolInputs(pictures)


def _decode(file: InputFile, limits: Limits, report: Report) -> Picture:
    picture = decode(file.data, file_name=file.file_name, limits=limits)
    for note in picture.notes:
        report.note(note)
    return picture


def _encode(
    output: ToolOutput,
    spec: ToolSpec,
    params: ToolParams,
    provenance: Provenance | None,
    stem: str,
) -> EncodedOutput:
    picture = output.picture
    if output.role == "image":
        data = encode(picture, format=params.format, quality=params.quality, provenance=provenance)
        name, media_type = f"{spec.verb}.{_EXTENSIONS[params.format]}", f"image/{params.format}"
    elif output.role in GREY_ROLES:
        if picture.alpha is None:
            raise ValueError(f"{spec.name} returned a “{output.role}” without an alpha")
        data = encode_mask(picture.alpha)
        name, media_type = f"{output.role}.png", "image/png"
    else:
        data = encode(picture, format=ImageFormat.PNG, quality=100, provenance=None)
        name, media_type = f"{output.role}.png", "image/png"
    return EncodedOutput(
        role=output.role,
        file_name=f"{stem}-{name}",
        data=data,
        media_type=media_type,
        width_px=picture.width,
        height_px=picture.height,
    )


def _provenance(
    spec: ToolSpec,
    files: Sequence[InputFile],
    params: ToolParams,
    report: Report,
    job_id: UUID | None,
) -> Provenance:
    return Provenance(
        job_id=job_id,
        tool=spec.name,
        tool_version=spec.version,
        studio_version=version("darkroom"),
        params=params.model_dump(mode="json"),
        inputs=_digests(files),
        weights=_numbered((use.id, use.sha256) for use in report.weights),
        digital_source_type=spec.digital_source_type,
    )


def _digests(files: Sequence[InputFile]) -> dict[str, str]:
    """By role; of a role given several times, also as ``source-2``, ``source-3``."""
    return _numbered((file.role, sha256(file.data).hexdigest()) for file in files)


def _numbered(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """``pairs`` by name, the second of a name as ``name-2`` and so on."""
    seen: Counter[str] = Counter()
    named = {}
    for name, value in pairs:
        seen[name] += 1
        named[name if seen[name] == 1 else f"{name}-{seen[name]}"] = value
    return named


def _record(spec: ToolSpec, inputs: ToolInputs, report: Report, memory: PeakMemory) -> RunRecord:
    return RunRecord(
        studio_version=version("darkroom"),
        tool_version=spec.version,
        weights=report.weights,
        libraries=library_versions(),
        device="cuda" if any(use.device == "cuda" for use in report.weights) else "cpu",
        seconds={stage: round(seconds, 4) for stage, seconds in report.seconds.items()},
        input_megapixels=round(inputs[spec.required_roles[0]].megapixels, 6),
        peak_memory_bytes=memory.peak_bytes(),
        notes=report.notes,
        regions=report.regions,
    )


@lru_cache
def library_versions() -> dict[str, str]:
    """Versions of Python and of every library that may change a result."""
    return {"python": python_version(), **{name: version(name) for name in LIBRARIES}}
