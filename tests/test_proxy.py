from __future__ import annotations

import asyncio

import pytest

from tests import proxy
from tests.proxy import TcpProxy


def test_proxy_whose_connections_do_not_end_names_what_still_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def endless() -> None:
        await asyncio.Event().wait()

    tcp = TcpProxy("127.0.0.1", 9)
    running = asyncio.run_coroutine_threadsafe(endless(), tcp._loop)
    with monkeypatch.context() as patch:
        patch.setattr(proxy, "_DRAIN_S", 0)
        with pytest.raises(TimeoutError, match="endless"):
            tcp._do(tcp._drain())
    running.cancel()
    tcp.stop()
