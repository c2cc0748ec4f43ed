from __future__ import annotations

import resource

import psutil
import pytest

from studio.confined.nursery import memory_limited

_MUCH_BYTES = 1 << 40


def test_memory_limited_leaves_the_limits_as_they_were() -> None:
    before = resource.getrlimit(resource.RLIMIT_AS)
    with memory_limited(_MUCH_BYTES):
        soft_bytes, _ = resource.getrlimit(resource.RLIMIT_AS)
        assert soft_bytes > max(_MUCH_BYTES, psutil.Process().memory_info().rss)
    assert resource.getrlimit(resource.RLIMIT_AS) == before


@pytest.mark.parametrize("refusal", [ValueError("not allowed"), OSError("invalid argument")])
def test_memory_limited_where_the_system_takes_no_limit_goes_on(
    monkeypatch: pytest.MonkeyPatch, refusal: Exception
) -> None:
    def refuse(_kind: int, _limits: tuple[int, int]) -> None:
        raise refusal

    monkeypatch.setattr(resource, "setrlimit", refuse)
    with memory_limited(_MUCH_BYTES):
        assert psutil.Process().memory_info().rss > 0
