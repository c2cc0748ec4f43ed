from __future__ import annotations

import logging
import subprocess
import sys
from collections import Counter
from pathlib import Path
from queue import Empty

import pytest
from kombu import Connection

from tasks import transport

PRODUCERS, CONSUMERS, MESSAGES = 2, 3, 400
PATIENCE_S = 300
"""For what comes at once, unless the machine has much else to do."""

PRODUCER = """
import sys
from kombu import Connection
from tasks import transport
transport.register()
folder, producer, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
with Connection("safefs://", transport_options={"folder": folder}) as connection:
    with connection.SimpleQueue("work") as queue:
        for number in range(count):
            queue.put({"id": f"{producer}-{number}", "padding": "x" * 2000})
"""

CONSUMER = """
import sys
from kombu import Connection
from tasks import transport
transport.register()
options = {"folder": sys.argv[1], "polling_interval": 0.002}
with Connection("safefs://", transport_options=options) as connection:
    with connection.SimpleQueue("work") as queue:
        while (message := queue.get()).payload != "all are sent":
            message.ack()
            print(message.payload["id"])
        message.ack()
"""


@pytest.fixture
def connection(tmp_path: Path) -> Connection:
    transport.register()
    options = {"folder": str(tmp_path / "broker"), "polling_interval": 0.01}
    return Connection("safefs://", transport_options=options)


def test_queue_messages_come_out_once_and_in_order(connection: Connection) -> None:
    with connection, connection.SimpleQueue("work") as queue:
        for number in range(20):
            queue.put({"number": number})
        assert queue.qsize() == 20
        received = []
        for _ in range(20):
            message = queue.get(timeout=PATIENCE_S)
            message.ack()
            received.append(message.payload["number"])
        assert received == list(range(20))
        with pytest.raises(Empty):
            queue.get(block=False)


def test_queue_whose_name_ends_like_another_gets_only_its_own(connection: Connection) -> None:
    with (
        connection,
        connection.SimpleQueue("studio.cpu") as full,
        connection.SimpleQueue("cpu") as bare,
    ):
        full.put("for the full name")
        assert bare.qsize() == 0
        assert full.get(timeout=PATIENCE_S).payload == "for the full name"


def test_purge_queue_with_messages_empties_it(connection: Connection) -> None:
    with connection, connection.SimpleQueue("work") as queue:
        queue.put(1)
        queue.put(2)
        assert queue.clear() == 2
        assert queue.qsize() == 0


@pytest.mark.parametrize("content", [b"", b"{", b"{}", b"[1]", b"\xff\xfe\x00", b'{"body": '])
def test_get_file_that_holds_no_message_is_dropped_with_a_warning(
    connection: Connection, tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "broker"
    folder.mkdir()
    (folder / "000_planted.work.msg").write_bytes(content)
    with connection, connection.SimpleQueue("work") as queue:
        queue.put("real")
        with caplog.at_level(logging.WARNING, "tasks.transport"):
            assert queue.get(timeout=PATIENCE_S).payload == "real"
    assert "000_planted.work.msg" in caplog.text
    assert list(folder.iterdir()) == []


def test_get_half_written_message_is_not_seen(connection: Connection, tmp_path: Path) -> None:
    folder = tmp_path / "broker"
    folder.mkdir()
    (folder / ".half.tmp").write_bytes(b"{")
    with connection, connection.SimpleQueue("work") as queue, pytest.raises(Empty):
        queue.get(block=False)


def test_queue_under_stress_of_processes_loses_and_doubles_nothing(tmp_path: Path) -> None:
    transport.register()
    folder = str(tmp_path / "broker")
    consumers = [
        subprocess.Popen(
            [sys.executable, "-c", CONSUMER, folder], stdout=subprocess.PIPE, text=True
        )
        for _ in range(CONSUMERS)
    ]
    producers = [
        subprocess.Popen([sys.executable, "-c", PRODUCER, folder, str(index), str(MESSAGES)])
        for index in range(PRODUCERS)
    ]
    assert [producer.wait(PATIENCE_S) for producer in producers] == [0] * PRODUCERS
    with (
        Connection("safefs://", transport_options={"folder": folder}) as connection,
        connection.SimpleQueue("work") as queue,
    ):
        for _ in consumers:
            queue.put("all are sent")
    outputs = [consumer.communicate(timeout=PATIENCE_S)[0].split() for consumer in consumers]
    assert [consumer.returncode for consumer in consumers] == [0] * CONSUMERS
    received = Counter(message for output in outputs for message in output)
    assert received == Counter(
        f"{producer}-{number}" for producer in range(PRODUCERS) for number in range(MESSAGES)
    )


def test_queue_folder_that_cannot_be_read_is_empty_and_told_once_until_it_is_back(
    connection: Connection, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with connection, connection.SimpleQueue("work") as queue:
        queue.put({"id": 1})
        folder = (tmp_path / "broker").rename(tmp_path / "unmounted")
        (tmp_path / "broker").write_text("no folder", encoding="utf-8")
        for _ in range(3):
            with pytest.raises(Empty):
                queue.get_nowait()
        assert caplog.text.count("cannot be read") == 1
        (tmp_path / "broker").unlink()
        folder.rename(tmp_path / "broker")
        assert queue.get(timeout=PATIENCE_S).payload == {"id": 1}
