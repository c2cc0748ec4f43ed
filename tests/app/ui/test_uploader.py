from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest


def _drop_zone() -> None:
    from app.ui.trays import Tray
    from app.ui.uploader import pick_files
    from tasks.services import get_services

    pick_files(
        get_services(), Tray(), key="zone.a", limit=2, label="Pictures", invitation='Here </style>"'
    )


@pytest.mark.usefixtures("services")
def test_drop_zone_takes_files_of_any_kind_and_carries_our_words() -> None:
    page = AppTest.from_function(_drop_zone).run()
    assert not page.exception
    [zone] = page.file_uploader
    assert not zone.proto.type, "the browser would keep files back that nobody then names"
    [style] = [each.proto.body for each in page.get("html")]
    assert style.startswith("<style>.st-key-zone-a-drop-0 {")
    assert style.count("</style>") == 1
    assert r'--dr-drop: "Here \3c /style>\"";' in style
    assert '--dr-choose: "Choose files";' in style
