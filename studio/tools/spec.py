"""What a tool is, as data. Importing this module loads no network and no cv2."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from studio.errors import UserInputError
from studio.imaging.picture import Picture
from studio.params import (
    CartoonParams,
    CutoutParams,
    FacesParams,
    FaceswapParams,
    InpaintParams,
    ToolParams,
    UpscaleParams,
)

if TYPE_CHECKING:
    from studio.models.cache import ModelCache
    from studio.report import Report


DRAWING_ROLE = "drawing"
"""The role of a painted mask: JSON, rendered to a picture of the main input's size."""

GREY_ROLES = ("alpha", "mask")
"""Output roles that hold one channel."""


@dataclass(frozen=True, slots=True)
class ToolOutput:
    """One picture a tool made.

    ``role`` "image" is the result in the format the params ask for. ``GREY_ROLES`` are stored
    losslessly as grey PNG, taken from ``picture.alpha``; any other role as RGB PNG.
    """

    role: str
    picture: Picture


class ToolInputs(Mapping[str, Picture]):
    """The pictures a tool reads, by role; of a role given several times, the first.

    A "drawing" comes rendered: white where it paints, black where it erases, and transparent
    where it leaves the mask beneath as it is.
    """

    def __init__(self, pictures: Mapping[str, Sequence[Picture]]) -> None:
        self._pictures = {role: tuple(several) for role, several in pictures.items()}

    def __getitem__(self, role: str) -> Picture:
        return self._pictures[role][0]

    def __iter__(self) -> Iterator[str]:
        return iter(self._pictures)

    def __len__(self) -> int:
        return len(self._pictures)

    def all(self, role: str) -> tuple[Picture, ...]:
        """Every picture given in this role, in the order given; none when there is none."""
        return self._pictures.get(role, ())


class ToolRunner(Protocol):
    """A tool: pictures by role in, pictures out."""

    def __call__(
        self,
        inputs: ToolInputs,
        params: ToolParams,
        models: ModelCache,
        report: Report,
    ) -> list[ToolOutput]:
        """Run once. Deterministic: same inputs, params and weights, same pixels."""


@dataclass(frozen=True, slots=True)
class Reuse:
    """An output that a later run on the same picture can take as an input instead of making it.

    Attributes:
        role: of the output, and of the input it becomes.
        settled_by: the parameters that decide its pixels; all others may differ.

    """

    role: str
    settled_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """One entry of the registry.

    Attributes:
        name: stable id, used in rows, commands and addresses.
        title: for people.
        verb: past participle that names result files, as in ``cat-cutout.png``.
        version: raised by a release in which the same inputs and params give other pixels.
        params: the parameter model.
        runner_path: ``module:function``, imported only where the tool runs.
        required_roles: inputs without which the tool cannot start.
        optional_roles: inputs it can make use of.
        repeatable_roles: those of them that may be given several times.
        reuse: what an earlier run may have made already; None when nothing.
        is_auxiliary: whether it only prepares other tools' runs, so that lists leave it out.
        digital_source_type: IPTC NewsCode of what the tool does to a photograph.
        consent: what a person with an account must have confirmed before their first run;
            empty when nothing.

    """

    name: str
    title: str
    verb: str
    version: int
    params: type[ToolParams]
    runner_path: str
    required_roles: tuple[str, ...] = ("image",)
    optional_roles: tuple[str, ...] = ()
    repeatable_roles: tuple[str, ...] = ()
    reuse: Reuse | None = None
    is_auxiliary: bool = False
    digital_source_type: str = "algorithmicallyEnhanced"
    consent: str = ""

    def load(self) -> ToolRunner:
        """Import the runner; this may import onnxruntime and cv2."""
        module, _, function = self.runner_path.partition(":")
        runner: ToolRunner = getattr(import_module(module), function)
        return runner


TOOLS: dict[str, ToolSpec] = {
    spec.name: spec
    for spec in (
        ToolSpec(
            name="cartoon",
            title="Cartoon",
            verb="cartoon",
            version=1,
            params=CartoonParams,
            runner_path="studio.tools.cartoon:run",
            optional_roles=("render", "alpha"),
            reuse=Reuse("render", settled_by=("look", "long_side_px", "seed")),
        ),
        ToolSpec(
            name="cutout",
            title="Cutout",
            verb="cutout",
            version=1,
            params=CutoutParams,
            runner_path="studio.tools.cutout:run",
            optional_roles=("alpha", "background"),
            reuse=Reuse("alpha", settled_by=("model",)),
        ),
        ToolSpec(
            name="inpaint",
            title="Inpaint",
            verb="inpainted",
            version=1,
            params=InpaintParams,
            runner_path="studio.tools.inpaint:run",
            optional_roles=("mask", DRAWING_ROLE),
            digital_source_type="compositeWithTrainedAlgorithmicMedia",
        ),
        ToolSpec(
            name="faceswap",
            title="Face swap",
            verb="swapped",
            version=1,
            params=FaceswapParams,
            runner_path="studio.tools.faceswap:run",
            required_roles=("image", "source"),
            optional_roles=("reference",),
            repeatable_roles=("source",),
            digital_source_type="compositeSynthetic",
            consent="Everybody whose face I use or replace has agreed to it. I know that each "
            "result is marked as edited, and that the studio keeps a record of my runs.",
        ),
        ToolSpec(
            name="upscale",
            title="Upscale",
            verb="upscaled",
            version=1,
            params=UpscaleParams,
            runner_path="studio.tools.upscale:run",
        ),
        ToolSpec(
            name="faces",
            title="Find faces",
            verb="faces",
            version=1,
            params=FacesParams,
            runner_path="studio.tools.faces:run",
            is_auxiliary=True,
        ),
    )
}

AUXILIARY_TOOLS = tuple(spec.name for spec in TOOLS.values() if spec.is_auxiliary)
"""What lists leave out."""


def get_tool(name: str) -> ToolSpec:
    """The tool called ``name``.

    Raises:
        UserInputError: ``tool.unknown``.

    """
    try:
        return TOOLS[name]
    except KeyError as error:
        raise UserInputError(
            f"There is no tool called “{name}”",
            remedy=f"Choose one of {', '.join(TOOLS)}.",
            code="tool.unknown",
        ) from error
