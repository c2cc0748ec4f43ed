"""What a tool is, as data. Importing this module loads no network and no cv2."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from studio.errors import UserInputError
from studio.imaging.picture import Picture
from studio.params import CutoutParams, ToolParams, UpscaleParams

if TYPE_CHECKING:
    from studio.models.cache import ModelCache
    from studio.report import Report


@dataclass(frozen=True, slots=True)
class ToolOutput:
    """One picture a tool made.

    ``role`` "image" is the result in the format the params ask for; every other role
    ("alpha", "mask") is stored losslessly as grey PNG, taken from ``picture.alpha``.
    """

    role: str
    picture: Picture


class ToolRunner(Protocol):
    """A tool: pictures by role in, pictures out."""

    def __call__(
        self,
        inputs: Mapping[str, Picture],
        params: ToolParams,
        models: ModelCache,
        report: Report,
    ) -> list[ToolOutput]:
        """Run once. Deterministic: same inputs, params and weights, same pixels."""


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """One entry of the registry.

    Attributes:
        name: stable id, used in rows, commands and addresses.
        title: for people.
        verb: past participle that names result files, as in ``cat-cutout.png``.
        version: raised whenever the same inputs and params give other pixels.
        params: the parameter model.
        runner_path: ``module:function``, imported only where the tool runs.
        required_roles: inputs without which the tool cannot start.
        optional_roles: inputs it can make use of.
        digital_source_type: IPTC NewsCode of what the tool does to a photograph.

    """

    name: str
    title: str
    verb: str
    version: int
    params: type[ToolParams]
    runner_path: str
    required_roles: tuple[str, ...] = ("image",)
    optional_roles: tuple[str, ...] = ()
    digital_source_type: str = "algorithmicallyEnhanced"

    def load(self) -> ToolRunner:
        """Import the runner; this may import onnxruntime and cv2."""
        module, _, function = self.runner_path.partition(":")
        runner: ToolRunner = getattr(import_module(module), function)
        return runner


TOOLS: dict[str, ToolSpec] = {
    spec.name: spec
    for spec in (
        ToolSpec(
            name="cutout",
            title="Cutout",
            verb="cutout",
            version=1,
            params=CutoutParams,
            runner_path="studio.tools.cutout:run",
            optional_roles=("alpha", "background"),
        ),
        ToolSpec(
            name="upscale",
            title="Upscale",
            verb="upscaled",
            version=1,
            params=UpscaleParams,
            runner_path="studio.tools.upscale:run",
        ),
    )
}


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
