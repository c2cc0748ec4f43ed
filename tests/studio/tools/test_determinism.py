"""Every tool and look on the default weights, twice in processes of their own, to the byte."""

from __future__ import annotations

import json
import subprocess
import sys
from hashlib import sha256

import pytest
from PIL import Image

from studio.errors import ModelUnavailableError
from studio.settings import ROOT
from studio.tools.spec import TOOLS
from tests.studio.tools.golden_pictures import GOLDENS
from tests.studio.tools.sample_runs import SampleRun, head, needs_weights, portrait

Digests = dict[str, dict[str, str]]

_EVERY_EDGE = {
    "output": "blur",
    "format": "jpeg",
    "matting": True,
    "feather_px": 2,
    "shift_px": -1.5,
    "keep_largest": True,
    "shadow": True,
    "outline_px": 3,
    "crop": True,
}
RUNS = {
    **{name: golden.run for name, golden in GOLDENS.items()},
    "cutout/edges": SampleRun("cutout", {"image": Image.fromarray(portrait(128))}, _EVERY_EDGE),
    "faces/portrait": SampleRun("faces", {"image": Image.fromarray(head())}, {}),
}


def digests(names: list[str]) -> Digests:
    """SHA-256 of each output by role, of the runs whose weights are installed."""
    found = {}
    for name in names:
        try:
            outputs = RUNS[name].run().outputs
        except ModelUnavailableError:
            continue
        found[name] = {output.role: sha256(output.data).hexdigest() for output in outputs}
    return found


@pytest.fixture(scope="module")
def two_processes() -> tuple[Digests, Digests]:
    """In opposite order: what a run leaves behind must not reach the next."""
    code = f"import json, sys, {__name__} as t; print(json.dumps(t.digests(sys.argv[1:])))"
    first, second = (
        json.loads(subprocess.check_output([sys.executable, "-c", code, *names], cwd=ROOT))
        for names in (list(RUNS), list(reversed(RUNS)))
    )
    return first, second


def test_determinism_is_tested_for_every_tool() -> None:
    assert {run.tool for run in RUNS.values()} == TOOLS.keys()


@pytest.mark.usefixtures("need_weights")
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=needs_weights(run.tool)) for name, run in RUNS.items()]
)
def test_tool_in_two_processes_gives_the_same_bytes(
    two_processes: tuple[Digests, Digests], name: str
) -> None:
    first, second = two_processes
    assert first[name] == second[name]
    assert len(first[name]["image"]) == 64
