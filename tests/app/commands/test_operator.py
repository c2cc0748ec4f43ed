from __future__ import annotations

from app.commands.operator import operator
from db.models import User
from db.types import Role, utc_now
from tasks.services import Services
from tests.factories import make_actor


def test_operator_is_the_enabled_admin_of_the_oldest_account(services: Services) -> None:
    with services.database.write() as session:
        for name in ("zoe", "adam"):
            make_actor(session, name, Role.ADMIN)
        first = session.query(User).order_by(User.created_at).first()
        assert first is not None
        first.disabled_at = utc_now()
    assert operator(services).name == "zoe"
