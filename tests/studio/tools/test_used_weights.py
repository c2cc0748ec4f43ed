"""The catalogue's tools of each default model are those whose runs open it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app.runs.sample import sample_picture
from studio.imaging.decode import Limits, decode
from studio.imaging.picture import Picture
from studio.imaging.resample import resample
from studio.models.cache import Model, ModelCache
from studio.models.catalogue import load_catalogue
from studio.report import Report
from studio.settings import Settings
from studio.tools.registry import TOOLS, parse_params
from studio.tools.spec import ToolInputs
from tests.studio.models.face_networks import catalogue_contract, load, write_restorer

DEFAULTS = [spec.id for spec in load_catalogue().defaults()]
RESTORER = "gfpgan-1.4"
RUNS: dict[str, list[dict[str, Any]]] = {
    "cartoon": [{"look": "anime", "region": "subject", "long_side_px": 512}],
    "cutout": [{}],
    "inpaint": [{"preset": "corner", "preset_size_ratio": 0.52}],
    "faceswap": [{}],
    "upscale": [
        {"model": "realesr-animevideov3"},
        {"model": "realesrgan-x4plus"},
        {"model": "realesrgan-x4plus-anime"},
        {"model": "interpolation", "restore_model": RESTORER},
    ],
    "faces": [{}],
}
"""By tool: settings that together bring in every default model that it ever uses."""

pytestmark = [
    pytest.mark.weights(*DEFAULTS),
    pytest.mark.usefixtures("need_weights"),
    pytest.mark.slow,
]


class WithRestorer:
    """The installed models, and of the others a tiny one that restores faces."""

    def __init__(self, installed: ModelCache, restorer: Model) -> None:
        self._installed = installed
        self._restorer = restorer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._installed, name)

    def require(self, model_id: str) -> None:
        assert model_id == RESTORER

    def open(self, model_id: str, report: Report, **which: Any) -> Model:
        if model_id == RESTORER:
            return self._restorer
        return self._installed.open(model_id, report, **which)


def portrait(side_px: int) -> Picture:
    name, data = sample_picture()
    picture = decode(data, file_name=name, limits=Limits.from_settings(Settings()))
    return Picture(resample(picture.pixels, side_px, side_px))


@pytest.mark.parametrize("tool", TOOLS)
def test_default_model_names_every_tool_whose_runs_open_it(
    tool: str, installed_models: ModelCache, tmp_path: Path
) -> None:
    restorer = load(write_restorer(tmp_path / "net.onnx"), catalogue_contract(RESTORER))
    models, opened = WithRestorer(installed_models, restorer), set()

    for values in RUNS[tool]:
        report = Report()
        picture = portrait(24 if "model" in values else 256)
        roles = {role: [picture] for role in TOOLS[tool].required_roles}
        TOOLS[tool].load()(ToolInputs(roles), parse_params(tool, values), models, report)  # type: ignore[arg-type]
        opened |= {use.id for use in report.weights}

    named = {spec.id for spec in load_catalogue().for_tool(tool)}
    assert opened == named & set(DEFAULTS)
