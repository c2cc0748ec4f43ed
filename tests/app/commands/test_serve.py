from __future__ import annotations

import pytest

from tests.app.commands.outcome import Studio


@pytest.mark.parametrize("part", ["web", "worker-gpu", "worker-light", "beat"])
def test_serve_check_of_a_part_that_does_not_run_fails_with_a_sentence(
    studio: Studio, part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio("migrate")
    monkeypatch.setenv("STUDIO_PORT", "1")

    outcome = studio("serve", part, "--check")

    assert outcome.code == 1
    assert part in outcome.err


def test_serve_of_a_part_that_is_switched_off_names_the_setting(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUDIO_NETWORK_WORKERS", "0")

    outcome = studio("serve", "worker-gpu")

    assert outcome.code == 1
    assert "STUDIO_NETWORK_WORKERS" in outcome.err
