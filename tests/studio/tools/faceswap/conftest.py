from __future__ import annotations

import pytest

from app.runs.sample import sample_picture
from studio.imaging.decode import Limits, decode
from studio.imaging.picture import Picture
from studio.settings import Settings


@pytest.fixture(scope="module")
def portrait() -> Picture:
    name, data = sample_picture()
    return decode(data, file_name=name, limits=Limits.from_settings(Settings()))
