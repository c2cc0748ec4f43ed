from __future__ import annotations

from db.types import RESULT_ROLE as RECORDED
from studio.tools.spec import RESULT_ROLE


def test_result_has_one_name_in_the_core_and_in_the_record() -> None:
    assert RECORDED == RESULT_ROLE
