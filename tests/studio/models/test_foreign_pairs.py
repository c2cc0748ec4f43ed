"""A graph and its weights in a file apart: tried out together once both are there."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.errors import WeightError
from studio.models import foreign
from studio.models.catalogue import ModelSpec, WeightFile
from studio.models.weights import Installed, Missing, WeightStore
from tests.studio.models.networks import write_ncnn
from tests.studio.models.weight_factories import make_file, make_model, make_store

pytestmark = pytest.mark.slow

PAIR = ("net.param", "net.bin")
NO_NETWORK = "it is no network that can be run here"


def pair_of(param: WeightFile, weights: WeightFile) -> ModelSpec:
    served = param.model_copy(update={"weights": weights.name})
    return make_model(served, weights, format="ncnn")


@pytest.fixture
def store(tmp_path: Path) -> WeightStore:
    """One model of an ncnn pair, for neither file of which anybody vouches."""
    return make_store(tmp_path / "weights", pair_of(*map(make_file, PAIR)))


@pytest.fixture
def sound(tmp_path: Path) -> dict[str, Path]:
    """The two files of a network, by name."""
    (tmp_path / "sound").mkdir()
    return dict(zip(PAIR, write_ncnn(tmp_path / "sound"), strict=True))


@pytest.mark.parametrize("order", [PAIR, PAIR[::-1]])
def test_import_of_a_sound_pair_installs_it_in_either_order(
    store: WeightStore, sound: dict[str, Path], order: tuple[str, str]
) -> None:
    for name in order:
        assert isinstance(store.status("tiny"), Missing)
        store.import_file(sound[name])
    assert isinstance(store.status("tiny"), Installed)


@pytest.mark.parametrize("data", [b"", b"not a graph", b"7767517\n1 1\nConvolution c 1 1 a b\n"])
def test_import_of_a_graph_that_is_none_is_refused_before_its_weights_are_there(
    store: WeightStore, tmp_path: Path, data: bytes
) -> None:
    path = tmp_path / "net.param"
    path.write_bytes(data)
    with pytest.raises(WeightError, match=NO_NETWORK) as refusal:
        store.import_file(path)
    assert refusal.value.code == "weight.unusable"


@pytest.mark.parametrize("first", PAIR)
def test_import_of_the_second_of_a_pair_that_does_not_fit_is_refused(
    store: WeightStore, sound: dict[str, Path], first: str
) -> None:
    [second] = set(PAIR) - {first}
    if first == "net.bin":
        sound[first].write_bytes(bytes(10))
    store.import_file(sound[first])
    sound["net.bin"].write_bytes(bytes(10))
    with pytest.raises(WeightError, match=NO_NETWORK):
        store.import_file(sound[second])
    assert isinstance(store.status("tiny"), Missing)


def test_import_of_a_pair_is_tried_out_where_it_can_be_ended(
    store: WeightStore, sound: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(foreign, "OPENING_LIMIT_S", 0.01)
    with pytest.raises(WeightError, match="reading it took too long"):
        store.import_file(sound["net.param"])


def test_import_of_a_graph_beside_weights_that_were_damaged_since_is_tried_alone(
    store: WeightStore, sound: dict[str, Path], tmp_path: Path
) -> None:
    store.import_file(sound["net.bin"])
    (tmp_path / "weights" / "tiny" / "net.bin").write_bytes(b"damaged")
    store.import_file(sound["net.param"])
    store.import_file(sound["net.bin"])
    assert isinstance(store.status("tiny"), Installed)


def test_import_of_a_pair_that_the_catalogue_vouches_for_opens_nothing(tmp_path: Path) -> None:
    data = b"whatever the entry says"
    store = make_store(tmp_path / "weights", pair_of(*(make_file(name, data) for name in PAIR)))
    for name in PAIR:
        (tmp_path / name).write_bytes(data)
        store.import_file(tmp_path / name, "tiny")
    assert isinstance(store.status("tiny"), Installed)
