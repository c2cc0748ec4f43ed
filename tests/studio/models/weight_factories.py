"""Tiny packages, catalogues and servers that behave like the real ones."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import tarfile
import threading
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal

import onnx
import pytest
from onnx import TensorProto, helper

from studio.models.catalogue import (
    Catalogue,
    Digest,
    HttpsSource,
    Licence,
    ModelSpec,
    Source,
    WeightFile,
)
from studio.models.contracts import Contract, SuperresContract
from studio.models.download import RetryPolicy
from studio.models.weights import WeightStore
from studio.settings import get_settings

_LICENCES_TOML = """
[licences.free]
name = "MIT"
commercial = "yes"
words = "Use, change and sell, keep the notice."
[licences.research]
name = "Research only"
commercial = "no"
words = "The publisher allows research and nothing else."
"""
_MATTING_TOML = """
[[model]]
id = "{id}"
title = "{title}"
task = "matting"
tools = [{tools}]
family = "tiny"
format = "onnx"
contract_evidence = "source"
licence = "{licence}"
[model.contract]
kind = "matting"
size_px = [8, 8]
resample = "bilinear"
divide_by = 255
mean = [0.0, 0.0, 0.0]
std = [1.0, 1.0, 1.0]
sigmoid = false
min_max = false
[[model.files]]
name = "{id}.onnx"
digests = [{{ kind = "sha256", value = "{digest}", evidence = "published" }}]
sources = [{{ kind = "https", url = "{url}" }}]
"""
QUICK = RetryPolicy(attempts=3, first_delay_s=0.01)
ANYWHERE = HttpsSource(url="https://weights.invalid/file.onnx")


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def make_file(
    name: str = "net.onnx",
    data: bytes | None = None,
    *sources: Source,
    digests: tuple[Digest, ...] | None = None,
) -> WeightFile:
    """A fetched file whose digest is that of ``data``; undigested when ``data`` is None."""
    if digests is None:
        known = data is not None
        digests = (make_digest("sha256", sha256(data or b"")),) if known else ()
    return WeightFile(
        name=name,
        bytes=None if data is None else len(data),
        digests=digests,
        sources=sources or (ANYWHERE,),
        scale=2,
    )


def make_digest(kind: Any, value: str) -> Digest:
    return Digest(kind=kind, value=value, evidence="computed")


def make_model(
    *files: WeightFile, id: str = "tiny", contract: Contract | None = None, **fields: Any
) -> ModelSpec:
    defaults: dict[str, Any] = {
        "title": "Tiny net",
        "task": "super-resolution",
        "tools": ("upscale",),
        "family": "tiny",
        "format": "onnx",
        "contract_evidence": "run",
        "licence": Licence(name="MIT", commercial="yes", words="Use it as you please, anywhere."),
    }
    contract = contract or SuperresContract(overlap_px=4)
    return ModelSpec(id=id, files=files, contract=contract, **{**defaults, **fields})


def matting_toml(
    id: str,
    data: bytes,
    url: str = ANYWHERE.url,
    *,
    tools: tuple[str, ...] = ("cutout",),
    licence: Literal["free", "research"] = "free",
) -> str:
    """The entry of a model called ``<Id> net``, for ``write_catalogue``."""
    return _MATTING_TOML.format(
        id=id,
        title=f"{id.capitalize()} net",
        tools=", ".join(f'"{tool}"' for tool in tools),
        licence=licence,
        digest=sha256(data),
        url=url,
    )


def write_catalogue(folder: Path, *entries: str) -> Path:
    """A catalogue file, for processes that find theirs in ``STUDIO_CATALOGUE_PATH``."""
    path = folder / "catalogue.toml"
    path.write_text(_LICENCES_TOML + "".join(entries), encoding="utf-8")
    return path


def make_store(folder: Path, *models: ModelSpec) -> WeightStore:
    return WeightStore(folder, Catalogue(models), retries=QUICK)


def make_net(description: str = "") -> bytes:
    """An ONNX graph that gives back its input; ``description`` makes it as long as a test likes."""
    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, 4, 4]) for name in "xy"]
    node = helper.make_node("Identity", ["x"], ["y"])
    graph = helper.make_graph([node], "same", ports[:1], ports[1:], doc_string=description)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    return bytes(onnx.ModelProto.SerializeToString(model))


def make_half_net() -> bytes:
    """An ONNX graph with float32 ports that doubles its input in float16."""
    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, 4, 4]) for name in "xy"]
    nodes = [
        helper.make_node("Cast", ["x"], ["h"], to=TensorProto.FLOAT16),
        helper.make_node("Mul", ["h", "two"], ["d"]),
        helper.make_node("Cast", ["d"], ["y"], to=TensorProto.FLOAT),
    ]
    two = helper.make_tensor("two", TensorProto.FLOAT16, [1], [2.0])
    graph = helper.make_graph(nodes, "doubles", ports[:1], ports[1:], [two])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    return bytes(onnx.ModelProto.SerializeToString(model))


def make_wheel(folder: Path, package: str, version: str, members: dict[str, bytes]) -> Path:
    """A wheel that pip accepts; a member whose name holds ``/bin/`` is executable."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{package.replace('-', '_')}-{version}"
    info = f"{stem}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n".encode()
    wheel = b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    content = {**members, f"{info}/METADATA": metadata, f"{info}/WHEEL": wheel}
    content[f"{info}/RECORD"] = "".join(f"{name},,\n" for name in content).encode()
    path = folder / f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in content.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = (0o100755 if "/bin/" in name else 0o100644) << 16
            archive.writestr(entry, data)
    return path


def make_tarball(members: dict[str, bytes]) -> bytes:
    """A gzipped tar with the members in the given order."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def encrypted(archive: bytes) -> bytes:
    """A zip archive with all members marked as encrypted, in both of its directories."""
    data = bytearray(archive)
    for signature, flags_at in ((b"PK\1\2", 8), (b"PK\3\4", 6)):
        place = data.find(signature)
        while place >= 0:
            data[place + flags_at] |= 1
            place = data.find(signature, place + 1)
    return bytes(data)


def make_npm_package(name: str, version: str, members: dict[str, bytes]) -> bytes:
    manifest = json.dumps({"name": name, "version": version}).encode()
    return make_tarball({"package/package.json": manifest, **members})


def make_chunked(data: bytes, *, resource: str = "/net", chunk_bytes: int = 10) -> dict[str, bytes]:
    """Members of a resource map: its chunks, in an order unlike that of the file, then the map."""
    pieces = [
        (start, data[start : start + chunk_bytes]) for start in range(0, len(data), chunk_bytes)
    ]
    chunks = [
        {"hash": sha256(piece), "offsets": [start, start + len(piece)]} for start, piece in pieces
    ]
    document = {resource: {"chunks": chunks, "size": len(data), "mime": "x"}}
    members = {f"package/dist/{sha256(piece)}": piece for _, piece in reversed(pieces)}
    return {**members, "package/dist/resources.json": json.dumps(document).encode()}


@dataclass
class Served:
    """One address of a ``FileServer`` and how it misbehaves.

    ``statuses`` and ``drop_after`` are used up one a request: first errors to answer with,
    then the number of body bytes after which the connection is cut. After ``stall_after``
    bytes it sends no more until the server's ``released`` is set. ``redirect`` is where it sends
    instead; with ``believes_ranges`` it continues even what has changed since.
    """

    data: bytes
    etag: str = '"one"'
    ranges: bool = True
    sends_length: bool = True
    statuses: list[int] = field(default_factory=list)
    drop_after: list[int] = field(default_factory=list)
    stall_after: int | None = None
    redirect: str = ""
    believes_ranges: bool = False


class FileServer(ThreadingHTTPServer):
    """A server for ``files`` by path, which remembers the ``Range`` of each request."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, Served] = {}
        self.ranges_asked: list[str | None] = []
        self.released = threading.Event()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up early is part of many tests."""

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}{path}"

    def source(self, path: str, member: str | None = None) -> HttpsSource:
        return HttpsSource(url=self.url(path), member=member)

    def add_npm_package(self, name: str, version: str, tarball: bytes) -> None:
        """Serve a package as an npm registry does."""
        path = f"/{name}/-/{version}.tgz"
        integrity = base64.b64encode(hashlib.sha512(tarball).digest()).decode()
        dist = {"tarball": self.url(path), "integrity": f"sha512-{integrity}"}
        manifest = {"name": name, "version": version, "dist": dist}
        document = {
            "name": name,
            "dist-tags": {"latest": version},
            "versions": {version: manifest},
        }
        self.files[f"/{name}"] = Served(json.dumps(document).encode())
        self.files[path] = Served(tarball)


class _Handler(BaseHTTPRequestHandler):
    server: FileServer

    def do_GET(self) -> None:
        self.server.ranges_asked.append(self.headers.get("Range"))
        served = self.server.files.get(self.path.replace("%2f", "/"))
        if served is None:
            self.send_error(404)
        elif served.statuses:
            self.send_error(served.statuses.pop(0))
        elif served.redirect:
            self.send_response(302)
            self.send_header("Location", served.redirect)
            self.end_headers()
        else:
            self._send(served)

    def _send(self, served: Served) -> None:
        start = self._start(served)
        body = served.data[start:]
        self.send_response(206 if start else 200)
        if start:
            size = len(served.data)
            self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
        if served.etag:
            self.send_header("ETag", served.etag)
        if served.sends_length:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if served.stall_after is not None:
            self.wfile.write(body[: served.stall_after])
            self.server.released.wait()
            body = body[served.stall_after :]
        self.wfile.write(body[: served.drop_after.pop(0)] if served.drop_after else body)

    def _start(self, served: Served) -> int:
        asked = self.headers.get("Range", "")
        is_same = served.believes_ranges or self.headers.get("If-Range") == served.etag
        if not served.ranges or not asked or not is_same:
            return 0
        return int(asked.removeprefix("bytes=").removesuffix("-"))

    def log_message(self, format: str, *args: object) -> None:
        """Tests print nothing."""


@contextmanager
def file_server() -> Iterator[FileServer]:
    """A server that this process, and those it starts meanwhile, may fetch weights from."""
    with FileServer() as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("STUDIO_WEIGHT_MIRRORS", "127.0.0.1")
        get_settings.cache_clear()
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.released.set()
        server.shutdown()
        thread.join()


def make_long_tarball(path: Path, size_bytes: int) -> Path:
    """A tarball of one file of nothing but zeros, written in no time: 1 MB for each GB of it."""
    piece_bytes = 1 << 24
    info = tarfile.TarInfo("package/zeros.bin")
    info.size = size_bytes // piece_bytes * piece_bytes
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    head = packer.compress(info.tobuf()) + packer.flush(zlib.Z_FULL_FLUSH)
    piece = packer.compress(bytes(piece_bytes)) + packer.flush(zlib.Z_FULL_FLUSH)
    tail = packer.compress(bytes(2 * tarfile.BLOCKSIZE)) + packer.flush(zlib.Z_FINISH)
    with path.open("wb") as file:
        file.write(b"\x1f\x8b\x08\x00" + bytes(5) + b"\xff" + head)
        for _ in range(info.size // piece_bytes):
            file.write(piece)
        file.write(tail + bytes(8))  # sum and size, at which nobody looks in a stream
    return path
