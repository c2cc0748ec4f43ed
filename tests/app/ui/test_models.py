from __future__ import annotations

from pathlib import Path

import pytest

from app.ui.models import model_choices
from studio.settings import Settings
from studio.tools.registry import TOOLS


@pytest.mark.parametrize("tool", [name for name, spec in TOOLS.items() if spec.built_in])
def test_model_choices_offer_each_built_in_way_and_need_nothing_for_it(
    tmp_path: Path, tool: str
) -> None:
    offered = model_choices(Settings(_env_file=None, weights_dir=tmp_path), tool)
    ready = [choice for choice in offered if choice.is_installed]
    assert [choice.id for choice in ready] == [one.id for one in TOOLS[tool].built_in]
    assert all(choice.spec is None and choice.note for choice in ready)
