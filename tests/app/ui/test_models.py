from __future__ import annotations

from pathlib import Path

import pytest

from app.ui.models import model_choices
from studio.settings import Settings
from studio.tools.choice import BUILT_IN


@pytest.mark.parametrize(
    ("tool", "task"), [key for key in BUILT_IN if key != ("cartoon", "cartoon")]
)
def test_model_choices_offer_each_built_in_way_and_need_nothing_for_it(
    tmp_path: Path, tool: str, task: str
) -> None:
    """Those of cartoon have tiles of their own on its page."""
    offered = model_choices(Settings(_env_file=None, weights_dir=tmp_path), tool, task)
    ready = [choice for choice in offered if choice.is_installed]
    assert tuple(choice.id for choice in ready) == BUILT_IN[tool, task]
    assert all(choice.spec is None and choice.note for choice in ready)
