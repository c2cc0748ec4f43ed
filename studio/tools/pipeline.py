"""From files to files: decode, run one tool, encode. The worker and ``studio run`` share it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache, partial
from hashlib import file_digest, sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import PurePosixPath
from platform import python_version
from typing import TYPE_CHECKING, Generic, TypeVar
from uuid import UUID

from studio import text
from studio.confined.pool import ConfinedPool
from studio.errors import UserInputError
from studio.imaging.confined import Source, decode_confined, read_bytes, render_confined
from studio.imaging.decode import Limits, decode
from studio.imaging.drawing import Drawing, render
from studio.imaging.encode import Writable, encode, encode_mask
from studio.imaging.picture import Picture
from studio.imaging.provenance import Provenance
from studio.imaging.suffixes import suffix_of
from studio.models.threads import steady_sums
from studio.params import ImageFormat, ToolParams
from studio.record import RunRecord
from studio.report import Report
from studio.tools.estimate import require_inputs_fit, require_output_fits
from studio.tools.memory import PeakMemory
from studio.tools.processor import describe_processor
from studio.tools.spec import GREY_ROLES, RESULT_ROLE, Media, ToolInputs, ToolOutput, ToolSpec
from studio.words import Message, msg

if TYPE_CHECKING:
    from studio.models.cache import ModelCache

Target = TypeVar("Target", bound=Writable)
"""What an output is written to."""

LIBRARIES = (
    "ncnn",
    "numba",
    "numpy",
    "onnxruntime",
    "onnxruntime-gpu",
    "opencv-contrib-python-headless",
    "pillow",
    "pillow-heif",
    "pymatting",
    "pypatchmatch",
    "scikit-image",
    "scipy",
    "torch",
)
"""Distributions whose version may change a result's pixels or bytes; no machine has all."""

_STEM_MAX_BYTES = 180
"""File systems hold 255 of a name; the rest is for what results, batches and copies add."""
_ENCODERS = 2
"""Outputs encoded side by side: zlib and its like work outside of Python's lock."""
_DECODED, _RUN = 0.02, 0.95
"""How far a job counts as done after these stages."""


@dataclass(frozen=True, slots=True)
class InputFile:
    """An undecoded file, or where it lies, in one of the tool's roles."""

    role: str
    file_name: str
    data: Source


@dataclass(frozen=True, slots=True)
class EncodedOutput(Generic[Target]):
    """A finished file, named after the input, as in ``cat-cutout.png`` and ``cat-alpha.png``.

    ``file`` is where it was written, from start to end.
    """

    role: str
    file_name: str
    file: Target
    media_type: str
    width_px: int
    height_px: int


@dataclass(frozen=True, slots=True)
class RunResult(Generic[Target]):
    """What a run made and how."""

    outputs: list[EncodedOutput[Target]]
    record: RunRecord


def run_tool(
    spec: ToolSpec,
    files: Sequence[InputFile],
    params: ToolParams,
    models: ModelCache,
    report: Report,
    *,
    limits: Limits,
    new_file: Callable[[], Target],
    pool: ConfinedPool | None,
    job_id: UUID | None = None,
    embed_provenance: bool = True,
) -> RunResult[Target]:
    """Decode ``files``, run ``spec`` on them and encode what it made.

    ``new_file`` is called once for each output and gives what it is written to, as it is encoded:
    nothing here holds a file whole. Files are decoded in children of ``pool``, within bounds and
    so that a request to stop ends that too; None is for files that the caller has made.

    Deterministic: the same files, params, weights, library versions, processor (as the record
    describes it), device kind and ``job_id`` give the same output bytes, on any number of cores.

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
        main_file = next(file for file in files if file.role == spec.main_role)
        inputs = _decode_all(spec, files, main_file, limits, report, pool)
    with report.stage("run"), report.span(_DECODED, _RUN), inputs.naming(spec.main_role):
        report.progress(0.0)
        main = inputs[main_file.role]
        require_output_fits(params, main.width, main.height, max_pixels=limits.max_pixels)
        tool = spec.load()
        with steady_sums():
            made = tool(inputs, params, models, report)
        report.progress(1.0)
    with report.stage("encode"), inputs.naming(spec.main_role):
        provenance = _provenance(spec, files, params, report, job_id) if embed_provenance else None
        stem = result_stem(main_file.file_name)
        with ThreadPoolExecutor(_ENCODERS) as threads:
            encode_one = partial(
                _encode, spec=spec, params=params, provenance=provenance, stem=stem
            )
            outputs = list(threads.map(encode_one, made, [new_file() for _ in made]))
        report.progress(1.0)
    return RunResult(outputs, _record(spec, inputs, report, memory))


def result_stem(file_name: str) -> str:
    """The part of an input's name that its results keep, safe as a file name anywhere."""
    stem = PurePosixPath(text.file_name(file_name)).stem
    cut = stem.encode()[:_STEM_MAX_BYTES].decode(errors="ignore")
    return cut.strip(" .") or "picture"


def _require_roles(spec: ToolSpec, files: Sequence[InputFile]) -> None:
    counts = Counter(file.role for file in files)
    for role in spec.required_roles:
        if not counts[role]:
            raise UserInputError(
                msg("{tool} needs a file as “{role}”", tool=Message(spec.title), role=role),
                remedy=msg("Add one and run again."),
                code="tool.input_missing",
            )
    known = (*spec.required_roles, *spec.optional_roles)
    for file in files:
        if file.role not in known:
            raise UserInputError(
                msg(
                    "{tool} has no use for a file as “{role}”",
                    tool=Message(spec.title),
                    role=file.role,
                ),
                remedy=msg("It takes {known}.", known=tuple(known)),
                code="tool.input_unknown",
                file_name=file.file_name,
            )
        excess = spec.too_many_files(file.role, counts[file.role], code="tool.input_repeated")
        if excess is not None:
            raise excess.naming(file.file_name)


def _decode_all(
    spec: ToolSpec,
    files: Sequence[InputFile],
    main_file: InputFile,
    limits: Limits,
    report: Report,
    pool: ConfinedPool | None,
) -> ToolInputs:
    main = _decode(main_file, limits, report, pool)
    pictures: dict[str, list[Picture]] = {main_file.role: [main]}
    names = {main_file.role: [main_file.file_name]}
    for note in main.notes:
        report.note(note)
    pixels = main.width * main.height
    for file in files:
        if file is main_file:
            continue
        if spec.role(file.role).media is Media.DRAWING:
            picture = _render(file, main, report, pool)
        else:
            is_mask = spec.role(file.role).media is Media.MASK
            picture = _decode(file, limits, report, pool, as_numbers=is_mask)
        pixels += picture.width * picture.height
        require_inputs_fit(pixels, file.file_name, max_pixels=limits.max_pixels)
        pictures.setdefault(file.role, []).append(picture)
        names.setdefault(file.role, []).append(file.file_name)
        for note in picture.notes:
            report.note(msg("{file}: {note}", file=file.file_name, note=note))
    return ToolInputs(pictures, names, max_pixels=limits.max_pixels)


def _render(file: InputFile, main: Picture, report: Report, pool: ConfinedPool | None) -> Picture:
    size, check = (main.width, main.height), partial(report.progress, 0.0)
    if pool is not None:
        return render_confined(pool, file.data, *size, file_name=file.file_name, check=check)
    drawing = Drawing.parse(read_bytes(file.data), file_name=file.file_name)
    return render(drawing, *size, check=check)


def _decode(
    file: InputFile,
    limits: Limits,
    report: Report,
    pool: ConfinedPool | None,
    *,
    as_numbers: bool = False,
) -> Picture:
    name = file.file_name
    if pool is None:
        data = read_bytes(file.data)
        return decode(data, file_name=name, limits=limits, as_numbers=as_numbers)
    check = partial(report.progress, 0.0)
    return decode_confined(
        pool, file.data, file_name=name, limits=limits, as_numbers=as_numbers, check=check
    )


def _encode(
    output: ToolOutput,
    file: Target,
    *,
    spec: ToolSpec,
    params: ToolParams,
    provenance: Provenance | None,
    stem: str,
) -> EncodedOutput[Target]:
    picture = output.picture
    if output.role == RESULT_ROLE:
        chosen, quality = params.format, params.quality
        encode(picture, file, format=chosen, quality=quality, provenance=provenance)
        media_type = f"image/{params.format}"
        name = f"{spec.verb}{suffix_of(media_type)}"
    elif output.role in GREY_ROLES:
        if picture.alpha is None:
            raise ValueError(f"{spec.name} returned a “{output.role}” without an alpha")
        encode_mask(picture.alpha, file)
        name, media_type = f"{output.role}.png", "image/png"
    else:
        encode(picture, file, format=ImageFormat.PNG, quality=100, provenance=None)
        name, media_type = f"{output.role}.png", "image/png"
    return EncodedOutput(
        role=output.role,
        file_name=f"{stem}-{name}",
        file=file,
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
    return _numbered((file.role, _sha256(file.data)) for file in files)


def _sha256(source: Source) -> str:
    if isinstance(source, bytes):
        return sha256(source).hexdigest()
    with source.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


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
        processor=describe_processor(),
        device="cuda" if any(use.device == "cuda" for use in report.weights) else "cpu",
        seconds={stage: round(seconds, 4) for stage, seconds in report.seconds.items()},
        input_megapixels=round(inputs[spec.main_role].megapixels, 6),
        peak_memory_bytes=memory.peak_bytes(),
        notes=report.notes,
        regions=report.regions,
    )


@lru_cache
def library_versions() -> dict[str, str]:
    """Versions of Python and of every installed library that may change a result."""
    versions = {"python": python_version()}
    for name in LIBRARIES:
        with suppress(PackageNotFoundError):
            versions[name] = version(name)
    return versions
