"""A tool whose behaviour a test chooses: put ``spec()`` into ``TOOLS`` and set ``behaviour``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from threading import Event

import pytest

from studio.imaging.picture import Picture
from studio.params import ToolParams
from studio.report import Report
from studio.tools.registry import TOOLS
from studio.tools.spec import ToolOutput

Behaviour = Callable[[Report], None]
_behaviours: list[Behaviour] = []


def run(
    inputs: Mapping[str, Picture], params: ToolParams, models: object, report: Report
) -> list[ToolOutput]:
    """Behave as the test wants, then return the picture unchanged."""
    _behaviours[-1](report)
    return [ToolOutput("image", inputs["image"])]


@contextmanager
def upscale_behaves(behaviour: Behaviour) -> Iterator[None]:
    """Within, the tool ``upscale`` calls ``behaviour`` and does nothing else."""
    _behaviours.append(behaviour)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(TOOLS, "upscale", replace(TOOLS["upscale"], runner_path=f"{__name__}:run"))
        yield
    _behaviours.pop()


class Network:
    """A call that cannot be interrupted, like one into a network: it ends when told to."""

    def __init__(self) -> None:
        self.started = Event()
        self.may_return = Event()

    def __call__(self, report: Report) -> None:
        """Block without reporting progress, then report once."""
        self.started.set()
        if not self.may_return.wait(timeout=30):
            raise TimeoutError
        report.progress(0.9)
