"""What tests of submitting share."""

from __future__ import annotations

import pytest

from db.actor import Actor
from db.types import Role
from studio.errors import StudioError
from studio.params import UpscaleParams
from tasks.files import StoredFile
from tasks.services import Services
from tasks.submit import store_upload
from tests.factories import make_actor
from tests.pictures import png

INTERPOLATION = UpscaleParams(model="interpolation")


def new_actor(services: Services, role: Role = Role.MEMBER) -> Actor:
    with services.database.write() as session:
        return make_actor(session, role=role)


def upload(services: Services, seed: int = 0) -> StoredFile:
    return store_upload(services, f"cat{seed}.png", png(seed))


def refusal(call: object, *args: object, **options: object) -> str:
    with pytest.raises(StudioError) as caught:
        call(*args, **options)  # type: ignore[operator]
    return caught.value.code
