from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.commands.cli import main
from db.migrate import upgrade
from db.types import Role
from tasks.services import Services, get_services
from tests.app.commands.outcome import Outcome, Studio
from tests.factories import make_actor
from tests.pictures import encoded_mask


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty studio of its own: no ``.env``, no weights, a fresh data folder."""
    folder = tmp_path / "data"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STUDIO_DATA_DIR", str(folder))
    monkeypatch.setenv("STUDIO_WEIGHTS_DIR", str(tmp_path / "weights"))
    get_services.cache_clear()
    yield folder
    get_services.cache_clear()


@pytest.fixture
def studio(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Studio:
    """Run the command line in this process, as the ``studio`` script does."""

    def run(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["studio", *map(str, arguments)])
        capsys.readouterr()
        try:
            main()
            code: object = 0
        except SystemExit as exit_:
            code = exit_.code
        out, err = capsys.readouterr()
        assert isinstance(code, int | None)
        return Outcome(code or 0, out, err)

    return run


@pytest.fixture
def services(data_dir: Path) -> Iterator[Services]:
    """The studio whose data the commands find, with an admin to act for."""
    services = get_services()
    upgrade(services.database.url)
    services.blobs.prepare()
    with services.database.write() as session:
        make_actor(session, role=Role.ADMIN)
    yield services
    services.database.engine.dispose()


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A photograph of 40 × 30 px."""
    path = tmp_path / "cat.png"
    Image.linear_gradient("L").resize((40, 30)).convert("RGB").save(path)
    return path


@pytest.fixture
def alpha(tmp_path: Path) -> Path:
    """Its alpha, in a file whose name a shell would take apart."""
    path = tmp_path / "stored alpha.png"
    mask = np.zeros((30, 40), np.uint8)
    mask[8:22, 10:30] = 255
    path.write_bytes(encoded_mask(mask))
    return path
