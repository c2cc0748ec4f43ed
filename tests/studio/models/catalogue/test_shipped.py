from __future__ import annotations

import re
import tomllib
from urllib.parse import urlsplit

import pytest

from studio.models.catalogue import HttpsSource, ModelSpec, Task, load_catalogue
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
from studio.params import CutoutParams, UpscaleParams
from studio.settings import Settings
from studio.tools.registry import TOOLS

MODELS = list(load_catalogue())
BY_ID = pytest.mark.parametrize("spec", MODELS, ids=lambda spec: spec.id)


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


@pytest.mark.parametrize("spec", [s for s in MODELS if s.family == "dct-net"], ids=lambda s: s.id)
def test_catalogue_portrait_style_is_found_under_either_name(spec: ModelSpec) -> None:
    """Two repositories name the same graphs in two ways."""
    for file in spec.fetched_files:
        names = {getattr(source, "url", "").rpartition("/")[2] for source in file.sources}
        if file.name.endswith(".pb"):
            kind = file.name.removesuffix(".pb").rpartition("_")[2]
            assert names == {f"cartoon_{kind}.pb", f"cartoon_anime_{kind}.pb"}
    assert [file.part for file in spec.served_files] == ["background", "head", "blend"]
