"""A TCP proxy that a test puts before a server, to take the server away.

``close()`` refuses and cuts every connection, as a server does that has ended; ``freeze()``
accepts everything and passes nothing on, as a network does that has lost its way; ``mute()``
forgets the connections that there are, as a router does that has lost its table.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from threading import Thread
from typing import Any

_CHUNK_BYTES = 65536
_STEP_S = 10
_DRAIN_S = 5


class TcpProxy:
    """Listens on a free port of this machine, in a thread of its own."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()
        self._passes = asyncio.Event()
        self._muted: list[asyncio.Event] = []
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self.port = 0
        self.restore()

    def restore(self) -> None:
        """Pass everything on again, what was held back too."""
        self._do(self._restore())

    def close(self) -> None:
        """Refuse new connections and cut those that there are."""
        self._do(self._close())

    def freeze(self) -> None:
        """Go silent: connections stay and are accepted, and nothing passes."""
        self._do(self._freeze())

    def mute(self) -> None:
        """Pass nothing on any more, for good, of connections that there are; new ones are well."""
        self._do(self._mute())

    def stop(self) -> None:
        """End for good."""
        self.close()
        self._do(self._drain())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, step: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(step, self._loop).result(timeout=_STEP_S)

    async def _restore(self) -> None:
        self._passes.set()
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def _freeze(self) -> None:
        self._passes.clear()

    async def _mute(self) -> None:
        self._passes.clear()
        self._muted.append(self._passes)
        self._passes = asyncio.Event()
        self._passes.set()

    async def _close(self) -> None:
        for passes in (self._passes, *self._muted):
            passes.set()
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.sleep(0)

    async def _drain(self) -> None:
        """Wait for the tasks of connections that were cut, those just accepted too."""
        deadline_s = self._loop.time() + _DRAIN_S
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            if self._loop.time() > deadline_s:
                raise TimeoutError(f"still running after {_DRAIN_S} s: {others}")
            for writer in self._writers:
                writer.transport.abort()
            await asyncio.wait(others, timeout=0.1)
        await asyncio.sleep(0)  # what they have cut is closed in the next turn

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        passes = self._passes
        try:
            await passes.wait()
            there_reader, there_writer = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            self._writers.discard(writer)
            return
        self._writers.add(there_writer)
        await asyncio.gather(
            self._pump(reader, there_writer, passes), self._pump(there_reader, writer, passes)
        )
        self._writers -= {writer, there_writer}

    async def _pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, passes: asyncio.Event
    ) -> None:
        with suppress(OSError):
            while chunk := await source.read(_CHUNK_BYTES):
                await passes.wait()
                sink.write(chunk)
                await sink.drain()
        sink.close()
