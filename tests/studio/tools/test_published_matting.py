"""The published matting networks, where installed, against the peer that made them known.

rembg is given the very file of the weight folder. It rounds down where the studio rounds to the
nearest level; a wrong size, normalisation, channel order or filter gives tens of levels.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import rembg
from PIL import Image
from skimage import data

from studio.models.cache import ModelCache
from studio.models.catalogue import load_catalogue
from studio.models.matting import predict_alpha
from studio.models.weights import WeightStore
from studio.report import Report
from studio.settings import Settings

NAMES = {
    "u2net": "u2net",
    "u2netp": "u2netp",
    "u2net-human-seg": "u2net_human_seg",
    "silueta": "silueta",
    "isnet-general-use": "isnet-general-use",
    "isnet-anime": "isnet-anime",
    "birefnet-general": "birefnet-general",
    "birefnet-general-lite": "birefnet-general-lite",
    "birefnet-portrait": "birefnet-portrait",
}
"""What rembg calls the models of the catalogue."""

MOST_LEVELS = 1.0


@pytest.mark.usefixtures("need_weights")
@pytest.mark.parametrize(
    ("model_id", "peer_name"),
    [pytest.param(*pair, marks=pytest.mark.weights(pair[0]), id=pair[0]) for pair in NAMES.items()],
)
def test_published_network_gives_the_alpha_that_rembg_gives(
    model_id: str,
    peer_name: str,
    installed_models: ModelCache,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    weights = WeightStore(Settings().weights_dir, load_catalogue())
    (tmp_path / f"{peer_name}.onnx").symlink_to(weights.path(model_id))
    monkeypatch.setenv("U2NET_HOME", str(tmp_path))
    session = rembg.new_session(peer_name, sess_opts=onnxruntime.SessionOptions())
    for pixels in (data.astronaut(), data.chelsea()):
        theirs = rembg.remove(Image.fromarray(pixels), session=session, only_mask=True)
        ours = predict_alpha(installed_models.open(model_id, Report()), pixels)
        difference = np.abs(ours.astype(float) - np.asarray(theirs, float))
        assert difference.mean() < MOST_LEVELS
