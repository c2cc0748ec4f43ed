from __future__ import annotations

from pathlib import Path

import pytest

from studio.errors import ModelUnavailableError, WeightError
from studio.models.catalogue import Catalogue, load_catalogue
from tests.imports import loaded_by
from tests.studio.models.weight_factories import make_file, make_model


def test_catalogue_repeated_id_is_refused() -> None:
    with pytest.raises(WeightError, match="lists tiny twice"):
        Catalogue((make_model(make_file()), make_model(make_file())))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("model = [", "weights.toml cannot be used"),
        ("[licences.x]\n", r"it lists no models\. Begin each with \[\[model\]\]"),
        ("[model]\nid = 'a'\n", r"it lists no models\. Begin each with \[\[model\]\]"),
        ("model = ['a']", r"it lists no models\. Begin each with \[\[model\]\]"),
        ("licences = 'x'\n[[model]]\nid = 'a'\n", r"Begin each with \[licences\.NAME\]"),
        ("[[model]]\nid = 'a'\nlicence = 'x'\n", "a, licence: there is none called “x”"),
        (
            "[licences.x]\n[[model]]\nid = 'a'\nlicence = ['y']\n",
            r"a, licence: there is none called “\['y'\]”",
        ),
        (
            "[licences.x]\n[[model]]\nid = 'a'\nlicence = 'y'\n",
            r"a, licence: there is none called “y”\. Describe it under \[licences\.y\]",
        ),
        ("[[model]]\ntitle = 'a'\n", "an entry without an id, id: this is needed"),
        ("[licences.x]\n[[model]]\nid = 'a'\nlicence = 'x'\n", "a, title: this is needed"),
    ],
)
def test_catalogue_unusable_file_is_refused_with_the_fault(
    tmp_path: Path, text: str, fault: str
) -> None:
    path = tmp_path / "weights.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(WeightError, match=fault) as refusal:
        Catalogue.load(path)
    assert refusal.value.code == "weight.catalogue"


def test_catalogue_unknown_model_says_how_to_list_them() -> None:
    with pytest.raises(ModelUnavailableError, match="studio weights list") as refusal:
        load_catalogue().get("nonesuch")
    assert refusal.value.code == "model.unknown"


def test_weight_modules_import_no_network_library() -> None:
    loaded = loaded_by("studio.models.weights", "studio.models.catalogue")
    assert not loaded & {"cv2", "onnx", "onnxruntime", "torch"}
