from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.studio.models.weight_factories import (
    FileServer,
    Served,
    file_server,
)
from tests.studio.models.weight_files import DATA


@pytest.fixture
def server() -> Iterator[FileServer]:
    with file_server() as running:
        running.files["/net"] = Served(DATA)
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "weights"
