from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import boto3  # type: ignore[import-untyped]  # it ships no types
import fsspec  # type: ignore[import-untyped]  # it ships no types
import pytest
from moto.server import ThreadedMotoServer

from studio.storage import BlobStore, open_store
from tests.studio.storage.stores import Tamper, path_of


@pytest.fixture(scope="package")
def s3_endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


@pytest.fixture
def in_bucket(s3_endpoint: str, credentials: None) -> tuple[BlobStore, Tamper]:
    client = boto3.client("s3", endpoint_url=s3_endpoint)
    name = f"blobs-{uuid4().hex}"
    client.create_bucket(Bucket=name)

    def tamper(digest: str, data: bytes) -> None:
        client.put_object(Bucket=name, Key=f"pictures/{path_of(digest)}", Body=data)

    return open_store(f"s3://{name}/pictures", s3_endpoint), tamper


@pytest.fixture
def in_folder(tmp_path: Path) -> tuple[BlobStore, Tamper]:
    store = open_store(f"file://{tmp_path}/blobs")
    store.prepare()

    def tamper(digest: str, data: bytes) -> None:
        (tmp_path / "blobs" / path_of(digest)).write_bytes(data)

    return store, tamper


@pytest.fixture
def in_memory() -> tuple[BlobStore, Tamper]:
    name = uuid4().hex

    def tamper(digest: str, data: bytes) -> None:
        fsspec.filesystem("memory").pipe_file(f"/{name}/{path_of(digest)}", data)

    return open_store(f"memory://{name}"), tamper


@pytest.fixture(params=["in_bucket", "in_folder", "in_memory"])
def stored(request: pytest.FixtureRequest) -> tuple[BlobStore, Tamper]:
    """Each kind of store."""
    kind: tuple[BlobStore, Tamper] = request.getfixturevalue(request.param)
    return kind


@pytest.fixture
def store(stored: tuple[BlobStore, Tamper]) -> BlobStore:
    return stored[0]


@pytest.fixture
def tamper(stored: tuple[BlobStore, Tamper]) -> Tamper:
    return stored[1]
