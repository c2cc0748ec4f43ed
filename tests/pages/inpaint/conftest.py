from __future__ import annotations

import pytest

from tasks.files import StoredFile
from tasks.services import Services
from tasks.submit import store_upload
from tests.pictures import png


@pytest.fixture
def picture(services: Services) -> StoredFile:
    return store_upload(services, "cat.png", png(1, 60, 40))
