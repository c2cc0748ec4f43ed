from __future__ import annotations

from collections.abc import Callable

import pytest

from app.people import accounts
from app.runs.page_memory import keep_options, keep_tray
from db.types import Role
from studio.params import CutoutParams
from tasks.authority import NotAllowedError
from tasks.services import Services
from tests.people import make_person


@pytest.mark.parametrize(
    "keep",
    [
        lambda services, actor: keep_tray(services, actor, "cutout", []),
        lambda services, actor: keep_options(
            services, actor, CutoutParams(), from_id=None, is_private=False
        ),
    ],
)
def test_page_memory_of_a_closed_account_takes_nothing(
    services: Services, keep: Callable[..., None]
) -> None:
    actor = make_person(services)
    make_person(services, "boss", Role.ADMIN)
    accounts.disable(services, actor.id)
    with pytest.raises(NotAllowedError):
        keep(services, actor)
