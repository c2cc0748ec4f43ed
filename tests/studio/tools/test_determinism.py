"""Every tool, look and way of filling, on machines of one, two and five cores, to the byte."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from functools import cache
from hashlib import sha256

import cv2
import numpy as np
import pytest
from PIL import Image
from threadpoolctl import threadpool_limits

from studio.errors import ModelUnavailableError
from studio.models.steady_graphs import is_steady
from studio.params import Filler
from studio.params.upscale import INTERPOLATION
from studio.settings import ROOT, Settings
from studio.tools.registry import TOOLS
from tests.studio.tools.golden_pictures import GOLDENS
from tests.studio.tools.sample_runs import (
    SampleRun,
    head,
    needs_weights,
    portrait,
)

pytestmark = pytest.mark.slow

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
_CORES = (1, 2, 5)


def _photo() -> Image.Image:
    return Image.fromarray(portrait(384))


def _holes() -> Image.Image:
    """One that is copied into, and a scratch that is mended."""
    mask = np.zeros((384, 384), np.uint8)
    cv2.circle(mask, (290, 70), 24, 255, cv2.FILLED)
    cv2.line(mask, (20, 40), (160, 60), 255, 4)
    return Image.fromarray(mask)


RUNS = {
    **{name: golden.run for name, golden in GOLDENS.items()},
    "cutout/edges": SampleRun("cutout", {"image": Image.fromarray(portrait(128))}, _EVERY_EDGE),
    "faces/portrait": SampleRun("faces", {"image": Image.fromarray(head())}, {}),
    "upscale/interpolation": SampleRun(
        "upscale", {"image": _photo()}, {"model": INTERPOLATION, "scale": 3}
    ),
    **{
        f"inpaint/{filler}": SampleRun(
            "inpaint",
            {"image": _photo(), "mask": _holes()},
            {"model": filler, "grow_px": 3, "feather_px": 3},
        )
        for filler in Filler
    },
}


def digests(cores: int, names: list[str]) -> Digests:
    """SHA-256 of each output by role, of the runs whose weights are installed.

    Every library is given as many threads as it would take on a machine of so many ``cores``.
    """
    cv2.setNumThreads(cores)
    found = {}
    with threadpool_limits(limits=cores):
        for name in names:
            try:
                outputs = RUNS[name].run().outputs
            except ModelUnavailableError:
                continue
            found[name] = {
                output.role: sha256(output.file.getbuffer()).hexdigest() for output in outputs
            }
    return found


@cache
def _digests_elsewhere(tool: str, cores: int) -> Digests:
    """Of all runs of a tool, in a process of their own.

    With two cores in opposite order: what a run leaves behind must not reach the next.
    """
    names = [name for name, run in RUNS.items() if run.tool == tool]
    code = f"import json, sys, {__name__} as t; print(json.dumps(t.digests({cores}, sys.argv[1:])))"
    counts = dict.fromkeys(("STUDIO_THREADS", "NUMBA_NUM_THREADS"), str(cores))
    return json.loads(
        subprocess.check_output(
            [sys.executable, "-c", code, *(names[::-1] if cores == 2 else names)],
            cwd=ROOT,
            env=os.environ | counts,
        )
    )


def test_determinism_is_tested_for_every_tool() -> None:
    assert {run.tool for run in RUNS.values()} == TOOLS.keys()


@pytest.mark.usefixtures("need_weights")
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=needs_weights(run.tool)) for name, run in RUNS.items()]
)
def test_tool_on_any_number_of_cores_gives_the_same_bytes(name: str) -> None:
    one, *more = (_digests_elsewhere(RUNS[name].tool, cores)[name] for cores in _CORES)
    assert len(one["image"]) == 64
    assert more == [one, one]


@pytest.mark.skipif(
    platform.machine() not in ("x86_64", "AMD64"), reason="convolutions are products elsewhere"
)
@pytest.mark.usefixtures("need_weights")
@needs_weights("cutout")
def test_network_of_cutout_may_have_the_threads_that_are_set() -> None:
    assert is_steady(Settings().weights_dir / "isnet" / "isnet.onnx")
