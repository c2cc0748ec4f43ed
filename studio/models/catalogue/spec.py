"""One model: its task, contract, files and terms."""

from __future__ import annotations

from itertools import product
from typing import Annotated, Literal

from pydantic import Field, model_validator

from studio.errors import WeightError
from studio.models.catalogue.files import Format, WeightFile
from studio.models.catalogue.licence import Entry, Licence
from studio.models.contracts import Contract, MattingContract
from studio.models.runtime import Device
from studio.words import N_, Message, msg, verbatim

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

TASK_TITLES: dict[Task, str] = {
    "matting": N_("Matting"),
    "super-resolution": N_("Super-resolution"),
    "inpainting": N_("Inpainting"),
    "cartoon": N_("Cartoon"),
    "face-swap": N_("Face swap"),
    "face-embedding": N_("Face embedding"),
    "embedding-bridge": N_("Embedding bridge"),
    "face-restoration": N_("Face restoration"),
    "face-occlusion": N_("Face occlusion"),
    "face-detection": N_("Face detection"),
    "face-landmarks": N_("Face landmarks"),
}

_ToolName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")]
"""Which tools there are is not known here: ``studio.tools.spec`` says which names lead nowhere."""


class ModelSpec(Entry):
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

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]*$", max_length=64)
    title: str = Field(min_length=1)
    task: Task
    tools: tuple[_ToolName, ...] = Field(min_length=1)
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
    def advice(self) -> Message:
        """``note``, translated where it is one of the catalogue that ships; empty without one."""
        return verbatim(self.note)

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
            msg(
                "{model} has no file “{name}”. It has {files}.",
                model=self.id,
                name=name,
                files=tuple(f.name for f in self.files),
            ),
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
            raise WeightError(
                msg("{model} has no part “{part}”.", model=self.id, part=part),
                code="weight.unknown_file",
            )
        known = tuple(f"x{known}" for known in self.scales)
        raise WeightError(
            msg(
                "{model} does not enlarge x{scale}. It knows: {known}.",
                model=self.id,
                scale=str(scale),
                known=known or msg("none"),
            ),
            code="weight.unknown_file",
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
    def _programs_are_known(self) -> ModelSpec:
        for file in self.served_files:
            if (file.format or self.format) == "torchscript" and file.sha256 is None:
                raise ValueError(
                    msg(
                        "{file} is a TorchScript program; state the sha256 of the bytes you "
                        "trust, since the first that arrive are not trusted by themselves",
                        file=file.name,
                    )
                )
        return self

    @model_validator(mode="after")
    def _files_are_consistent(self) -> ModelSpec:
        names = [file.name for file in self.files]
        if len(set(names)) != len(names):
            raise ValueError(msg("two files share a name"))
        for file in self.files:
            for name in file.made_from:
                if name not in names or self.file(name).is_made:
                    raise ValueError(
                        msg("{file} is made from unknown {name}", file=file.name, name=name)
                    )
            for other in (file.weights, file.mixes_with):
                if other is not None and other not in names:
                    raise ValueError(
                        msg("{file} names unknown weights {other}", file=file.name, other=other)
                    )
        if self.contract.kind.endswith("superres") and not all(
            file.scale for file in self.served_files
        ):
            raise ValueError(msg("every served super-resolution file states its scale"))
        for scale, device in product(self.scales or (None,), Device):
            files = [file for file in self.served_files if device in file.devices]
            if not any(scale is None or scale in file.scales for file in files):
                raise ValueError(_unserved(scale, device))
        return self


def _unserved(scale: int | None, device: Device) -> Message:
    if scale is None:
        return msg("no file is for {device}", device=device)
    return msg("no file serves scale {scale:d} on {device}", scale=scale, device=device)
