from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from pydantic import ValidationError

from studio.errors import ModelUnavailableError, WeightError
from studio.models.catalogue import (
    Catalogue,
    Digest,
    HttpsSource,
    ModelSpec,
    NpmSource,
    PipSource,
    Task,
    WeightFile,
    load_catalogue,
)
from studio.models.contracts import (
    EmbeddingBridgeContract,
    EmbeddingContract,
    FaceOcclusionContract,
    FaceRestorationContract,
    FaceSwapContract,
    InpaintContract,
    MattingContract,
    NetworkContract,
    OpencvSuperresContract,
    StyleContract,
    SuperresContract,
)
from studio.models.runtime import Device
from studio.params import CutoutParams, UpscaleParams
from studio.settings import Settings
from studio.tools.registry import TOOLS
from tests.studio.models.weight_factories import ANYWHERE, make_digest, make_file, make_model

MODELS = list(load_catalogue())
BY_ID = pytest.mark.parametrize("spec", MODELS, ids=lambda spec: spec.id)
MATTING: dict[str, Any] = {
    "resample": "bilinear",
    "divide_by": 255,
    "mean": (0, 0, 0),
    "std": (1, 1, 1),
    "sigmoid": False,
    "min_max": False,
}


def test_catalogue_defaults_are_those_a_fresh_studio_promises() -> None:
    assert [spec.id for spec in load_catalogue().defaults()] == [
        "isnet",
        "realesr-animevideov3",
        "realesrgan-x4plus",
        "realesrgan-x4plus-anime",
        "blazeface-short",
        "blazeface-full",
        "facemesh",
        "iris-landmark",
    ]


def test_catalogue_first_model_of_a_tool_is_its_default() -> None:
    catalogue = load_catalogue()
    assert catalogue.for_tool("cutout")[0].id == CutoutParams().model
    assert catalogue.for_tool("upscale")[0].id == UpscaleParams().model


@BY_ID
def test_catalogue_licence_is_in_plain_words(spec: ModelSpec) -> None:
    assert spec.licence.words.endswith(".")
    assert len(spec.licence.words.split()) >= 5
    assert spec.licence.commercial in {"yes", "no", "ask"}


@BY_ID
def test_catalogue_contract_is_one_for_the_task(spec: ModelSpec) -> None:
    contracts: dict[Task, tuple[type, ...]] = {
        "matting": (MattingContract,),
        "super-resolution": (SuperresContract, OpencvSuperresContract),
        "inpainting": (InpaintContract,),
        "cartoon": (StyleContract,),
        "face-swap": (FaceSwapContract,),
        "face-embedding": (EmbeddingContract,),
        "embedding-bridge": (EmbeddingBridgeContract,),
        "face-restoration": (FaceRestorationContract,),
        "face-occlusion": (FaceOcclusionContract,),
        "face-detection": (NetworkContract,),
        "face-landmarks": (NetworkContract,),
    }
    assert isinstance(spec.contract, contracts[spec.task])


def test_catalogue_names_tools_that_there_are_and_each_of_them() -> None:
    assert {tool for spec in MODELS for tool in spec.tools} == set(TOOLS)


def test_catalogue_every_licence_is_that_of_some_model() -> None:
    """A name nobody reads is a leftover of a model that went."""
    document = tomllib.loads(Settings().catalogue_path.read_text(encoding="utf-8"))
    assert set(document["licences"]) == {entry["licence"] for entry in document["model"]}


@BY_ID
def test_catalogue_contract_has_what_its_loader_needs(spec: ModelSpec) -> None:
    formats = {
        "matting": {"onnx"},
        "superres": {"onnx"},
        "style": {"onnx"},
        "opencv-superres": {"tensorflow-graph"},
        "face-embedding": {"onnx"},
        "embedding-bridge": {"onnx"},
        "face-swap": {"onnx"},
        "face-restoration": {"onnx"},
        "face-occlusion": {"onnx"},
        "inpaint": {"onnx", "torchscript"},
        "network": {"tflite"},
    }
    assert spec.format in formats[spec.contract.kind]
    if isinstance(spec.contract, SuperresContract | OpencvSuperresContract):
        assert spec.scales
    if isinstance(spec.contract, OpencvSuperresContract) and spec.contract.channels == "y":
        assert all(file.outputs for file in spec.files), "the graph has several ends; name them"


@BY_ID
def test_catalogue_addresses_are_encrypted_and_packages_pinned(spec: ModelSpec) -> None:
    for file in spec.fetched_files:
        for source in file.sources:
            if isinstance(source, HttpsSource):
                assert source.url.startswith("https://")
            else:
                assert re.fullmatch(r"\d+(\.\d+)+", source.version)


def test_catalogue_every_default_is_digested_and_costed() -> None:
    for spec in load_catalogue().defaults():
        # The search for faces is never estimated: its networks take milliseconds.
        assert spec.gmac_per_megapixel or spec.tools[0] == "faces"
        assert spec.download_bytes
        assert all(file.sha256 for file in spec.fetched_files)


def test_catalogue_same_bytes_are_never_two_different_things() -> None:
    """One digest may serve several models, but then under one size."""
    sizes: dict[str, set[int | None]] = {}
    for spec in MODELS:
        for file in spec.fetched_files:
            for digest in file.digests:
                sizes.setdefault(digest.value, set()).add(file.bytes)
    assert all(len(known) == 1 for known in sizes.values())


def test_catalogue_addresses_are_those_of_the_weights_own_hosts() -> None:
    """Packages are named, never addressed, so that mirrors and air gaps work."""
    hosts = {
        urlsplit(source.url).hostname
        for spec in MODELS
        for file in spec.files
        for source in file.sources
        if isinstance(source, HttpsSource)
    }
    assert hosts == {
        "github.com",
        "huggingface.co",
        "media.githubusercontent.com",
        "modelscope.cn",
    }


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


def test_model_serves_what_nothing_else_is_made_from() -> None:
    made = WeightFile(name="a.onnx", scale=4, conversion="half-to-float", made_from=("h.onnx",))
    spec = make_model(make_file("h.onnx"), made)
    assert [file.name for file in spec.served_files] == ["a.onnx"]
    assert spec.file_for(Device.CPU, 4) == made
    with pytest.raises(WeightError, match=r"does not enlarge x3. It knows: x4"):
        spec.file_for(Device.CPU, 3)


def served_as_it_came(**fields: Any) -> WeightFile:
    update = {"format": "ncnn", "weights": "h.bin", "devices": (Device.CPU,), **fields}
    return make_file("h.param").model_copy(update=update)


def test_model_serves_material_that_says_how_and_keeps_its_weights() -> None:
    made = WeightFile(
        name="a.onnx", scale=2, conversion="ncnn-to-onnx", made_from=("h.param", "h.bin")
    )
    spec = make_model(made, served_as_it_came(), make_file("h.bin"), make_file("h.txt"))
    assert [file.name for file in spec.served_files] == ["a.onnx", "h.param", "h.txt"]
    assert [file.name for file in spec.kept_files] == ["a.onnx", "h.param", "h.bin", "h.txt"]


def test_model_picks_the_file_of_a_device() -> None:
    made = WeightFile(
        name="a.onnx",
        scale=2,
        devices=(Device.CUDA,),
        conversion="ncnn-to-onnx",
        made_from=("h.param", "h.bin"),
    )
    spec = make_model(made, served_as_it_came(), make_file("h.bin"))
    assert spec.file_for(Device.CPU).name == spec.file_for(Device.CPU, 2).name == "h.param"
    assert spec.file_for(Device.CUDA, 2).name == "a.onnx"


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"weights": "other.bin"}, "names unknown weights other.bin"),
        ({}, "no file serves scale 2 on cuda"),
    ],
)
def test_model_that_could_not_be_opened_is_refused(fields: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValidationError, match=fault):
        make_model(served_as_it_came(**fields), make_file("h.bin"))


def test_model_of_several_networks_opens_each_by_its_part() -> None:
    parts = [
        make_file(f"{part}.onnx").model_copy(update={"part": part})
        for part in ("background", "head")
    ]
    spec = make_model(*parts)
    assert spec.file_for(Device.CPU).name == "background.onnx"
    assert spec.file_for(Device.CPU, part="head").name == "head.onnx"
    with pytest.raises(WeightError, match="has no part “blend”"):
        spec.file_for(Device.CPU, part="blend")


@pytest.mark.parametrize("spec", [s for s in MODELS if s.family == "dct-net"], ids=lambda s: s.id)
def test_catalogue_portrait_style_is_found_under_either_name(spec: ModelSpec) -> None:
    """Two repositories name the same graphs in two ways."""
    for file in spec.fetched_files:
        names = {getattr(source, "url", "").rpartition("/")[2] for source in file.sources}
        if file.name.endswith(".pb"):
            kind = file.name.removesuffix(".pb").rpartition("_")[2]
            assert names == {f"cartoon_{kind}.pb", f"cartoon_anime_{kind}.pb"}
    assert [file.part for file in spec.served_files] == ["background", "head", "blend"]


def test_model_of_fixed_size_costs_the_same_for_every_picture() -> None:
    fixed = load_catalogue().get("isnet")
    assert fixed.gmacs(10, 10) == fixed.gmacs(4000, 3000) == pytest.approx(159.7, rel=0.01)
    tiled = load_catalogue().get("realesr-animevideov3")
    assert tiled.gmacs(1000, 1000) == tiled.gmac_per_megapixel


@pytest.mark.parametrize(
    "fields",
    [
        {"conversion": "half-to-float"},
        {"made_from": ("b",)},
        {"conversion": "half-to-float", "made_from": ("b",), "sources": (ANYWHERE,)},
        {},
        {"name": "../escape"},
    ],
)
def test_weight_file_neither_fetched_nor_made_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        WeightFile(**{"name": "a", **fields})


NPM_NAMES = ["react", "@imgly/background-removal-node", "a.b_c-d", "~x"]
HOSTILE_NAMES = [
    "file:evil",
    "file:../evil",
    "/etc",
    "./evil",
    "../evil",
    "someone/repository",
    "git+ssh://host/x",
    "https://host/x.tgz",
    "--prefix=/tmp",
    "-g",
    "npm:other",
    "@scope",
    "a b",
    "a\nb",
    "a\0b",
    "\ud800",
    "",
    "a" * 300,
]


@pytest.mark.parametrize("name", NPM_NAMES)
def test_npm_source_takes_names_of_the_registry(name: str) -> None:
    assert NpmSource(package=name, version="1.4.5-rc.1+b", member="m").package == name


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_source_of_a_name_that_no_registry_has_is_refused(name: str) -> None:
    for source in (NpmSource, PipSource):
        with pytest.raises(ValidationError):
            source(package=name, version="1.0.0", member="m")


@pytest.mark.parametrize("version", ["file:evil", "latest", "1.x", ">=1", "1.0.0 --x", "-1", ""])
def test_source_of_a_version_that_is_not_exact_is_refused(version: str) -> None:
    for source in (NpmSource, PipSource):
        if source is PipSource and version == "1.x":
            continue  # PEP 440 has letters; pip says that there is no such version
        with pytest.raises(ValidationError):
            source(package="tiny", version=version, member="m")


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://host/x",
        "http://",
        "http://[::1",
        "https://user:password@host/x",
        "https://host:99999/x",
        "https://host:0/x",
        "https://host/a b",
        "https://host/a\nb",
        "https://host/\ud800",
    ],
)
def test_https_source_of_no_plain_address_is_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        HttpsSource(url=url)


@pytest.mark.parametrize("name", ["a" * 300 + ".onnx", "a\0.onnx", "\ud800.onnx", "a/b", ".."])
def test_weight_file_of_a_name_that_no_disk_takes_is_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        make_file(name)


def test_torchscript_without_a_sha256_is_refused_and_says_why() -> None:
    published = make_digest("md5", "0" * 32)
    with pytest.raises(ValidationError, match=r"net\.pt is a TorchScript program"):
        make_model(make_file("net.pt", digests=(published,)), format="torchscript")
    assert make_model(make_file("net.pt", b"bytes"), format="torchscript").format == "torchscript"


def test_digest_of_wrong_length_is_refused() -> None:
    with pytest.raises(ValidationError, match="64 hexadecimal digits"):
        Digest(kind="sha256", value="ab" * 31, evidence="seen elsewhere")


@pytest.mark.parametrize("sizes", [{}, {"size_px": (8, 8), "short_side_px": 8}])
def test_matting_contract_without_one_size_rule_is_refused(sizes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="either size_px or short_side_px"):
        MattingContract(**MATTING, **sizes)


def test_weight_modules_import_no_network_library() -> None:
    script = (
        "import sys; import studio.models.weights, studio.models.catalogue;"
        "print([m for m in ('cv2', 'onnx', 'onnxruntime', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
