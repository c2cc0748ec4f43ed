from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.errors import SettingsError
from studio.private import keep_private


@pytest.fixture(autouse=True)
def open_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_keep_private_new_folder_is_the_users_alone(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "data"
    keep_private(folder)
    (folder / "studio.db").write_text("x", encoding="utf-8")
    (folder / "logs").mkdir()
    assert [mode(folder), mode(folder / "studio.db"), mode(folder / "logs")] == [
        0o700,
        0o600,
        0o700,
    ]


def test_keep_private_folder_that_cannot_be_made_names_the_setting(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("x", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"data.*STUDIO_DATA_DIR"):
        keep_private(blocked / "data")


def test_keep_private_old_folder_is_tightened(tmp_path: Path) -> None:
    folder, outside = tmp_path / "data", tmp_path / "outside"
    (folder / "blobs").mkdir(parents=True)
    (folder / "studio.db").write_text("x", encoding="utf-8")
    outside.write_text("x", encoding="utf-8")
    (folder / "link").symlink_to(outside)
    keep_private(folder)
    assert [mode(folder), mode(folder / "blobs"), mode(folder / "studio.db")] == [
        0o700,
        0o700,
        0o600,
    ]
    assert mode(outside) == 0o644
