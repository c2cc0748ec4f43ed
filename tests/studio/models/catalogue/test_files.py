from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from studio.models.catalogue import Digest, HttpsSource, NpmSource, PipSource, WeightFile
from tests.studio.models.weight_factories import ANYWHERE, make_file


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


def test_digest_of_wrong_length_is_refused() -> None:
    with pytest.raises(ValidationError, match="64 hexadecimal digits"):
        Digest(kind="sha256", value="ab" * 31, evidence="seen elsewhere")
