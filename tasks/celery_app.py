"""The Celery application, and wake-up tokens: all that Celery is used for.

A token carries the name of a lane and nothing else. The job row is the truth, so a token
that is lost, doubled or late does no harm.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from celery import Celery
from celery.signals import after_setup_logger
from kombu.connection import Connection
from kombu.entity import Queue
from kombu.exceptions import KombuError, OperationalError

from db.types import Lane
from studio.settings import Settings, get_settings
from tasks import transport

WORK_TASK = "studio.work"
LISTEN_TASK = "studio.listen"
HOUSEKEEPING_TASK = "studio.housekeeping"
SWEEP_TASK = "studio.sweep"

LISTEN_EVERY_S = 5.0
"""How often a token goes out that asks for nothing: who takes it is not deaf."""
HOUSEKEEPING_EVERY_S = 3600.0
SWEEP_EVERY_S = 24 * 3600.0
PUBLISH_TIMEOUT_S = 1.0
"""A broker that does not answer within this long does without the token."""
ANSWER_TIMEOUT_S = 10.0
"""Redis answers a worker or beat within this long, or is asked over a new connection."""
RECONNECT_PAUSE_S = 3.0
"""A worker or beat whose broker is away looks for it as often as this."""
CHILD_START_S = 120.0
"""A worker child imports the runtimes before it reports; on a busy machine that takes long."""

logger = logging.getLogger(__name__)


def queue_name(lane: Lane) -> str:
    """The broker's queue of ``lane``; brokers may be shared, so it names the studio."""
    return f"studio.{lane.value}"


def broker_url(settings: Settings) -> str:
    """The broker's address in force."""
    return f"{transport.NAME}://localhost/" if settings.is_embedded_broker else settings.broker_url


def broker_folder(settings: Settings) -> Path:
    """Where the embedded broker keeps tokens."""
    return settings.data_dir / "broker"


def broker_options(settings: Settings) -> dict[str, Any]:
    """Transport options for the broker in force."""
    if settings.is_embedded_broker:
        folder = str(broker_folder(settings))
        return {"folder": folder, "polling_interval": settings.broker_poll_s}
    if settings.broker_url.startswith("redis"):
        # An acknowledgement that fails in an outage would keep its place in the window of
        # tokens for good; with the window full nothing is read, so nothing notices the dead
        # connection either, and the worker is deaf until it is restarted. Tokens need none.
        #
        # A connection that died without a word must not hold up for ever who waits for an answer.
        return {
            "ack_emulation": False,
            "socket_keepalive": True,
            "socket_timeout": ANSWER_TIMEOUT_S,
        }
    return {}


class BrokerConnection(Connection):
    """A connection that is soon made again once the broker is back.

    Celery hands on no pauses, and kombu's grow to half a minute and more.
    """

    def ensure_connection(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401 — as kombu's
        """As kombu's own, with ``RECONNECT_PAUSE_S`` as its longest pause."""
        options["interval_max"] = RECONNECT_PAUSE_S
        return super().ensure_connection(*args, **options)  # type: ignore[no-untyped-call]


def create_app(settings: Settings) -> Celery:
    """The application for ``settings``, as workers and beat run it."""
    transport.register()
    modules = ("execute", "maintenance", "worker_reports", "beat_reports", "beat_watch")
    includes = [f"tasks.{module}" for module in modules]
    # The fixup for Django, which is not there, has every process import Celery's worker.
    app = Celery("studio", include=includes, fixups=())
    app.amqp.Connection = BrokerConnection
    app.conf.update(
        broker_url=broker_url(settings),
        broker_transport_options=broker_options(settings),
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        task_queues=[Queue(name, routing_key=name) for name in map(queue_name, Lane)],
        task_create_missing_queues=False,
        task_default_queue=queue_name(Lane.MAINTENANCE),
        # The lease is the redelivery; a late acknowledgement would only repeat tokens.
        task_acks_late=False,
        task_reject_on_worker_lost=False,
        task_ignore_result=True,
        task_serializer="json",
        accept_content=["json"],
        timezone="UTC",
        worker_prefetch_multiplier=1,
        worker_proc_alive_timeout=CHILD_START_S,
        worker_lost_wait=1.0,  # a killed child's slot stays taken this long; nobody wants results
        worker_enable_remote_control=False,  # needs fanout; workers report to the database
        worker_hijack_root_logger=True,
        beat_schedule_filename=str(settings.data_dir / "beat-schedule"),
        beat_schedule={
            "listen": _every(LISTEN_TASK, LISTEN_EVERY_S),
            "housekeeping": _every(HOUSEKEEPING_TASK, HOUSEKEEPING_EVERY_S),
            "sweep": _every(SWEEP_TASK, SWEEP_EVERY_S),
        },
    )
    return app


def _every(task: str, seconds: float) -> dict[str, Any]:
    # Tokens that nobody took before the next one is due are dropped.
    return {"task": task, "schedule": seconds, "options": {"expires": seconds}}


@after_setup_logger.connect  # type: ignore[untyped-decorator]  # Celery ships no types
def _keep_tokens_out_of_the_log(**_: object) -> None:
    """Jobs are logged; the tokens that come and go every second are not worth a line."""
    for name in ("celery.app.trace", "celery.worker.strategy"):
        logging.getLogger(name).setLevel(logging.WARNING)


def wake(settings: Settings, lane: Lane, count: int = 1, *, expires_s: float | None = None) -> int:
    """Send ``count`` tokens; returns how many the broker took.

    Never raises for a broker that is down and never waits for it longer than
    ``PUBLISH_TIMEOUT_S``: the reconciler sends what is missing. ``expires_s`` is for
    tokens that are sent again and again.
    """
    sent = 0
    try:
        with _publishing_connection(settings) as connection:
            producer = app.amqp.Producer(connection)
            for _ in range(count):
                app.send_task(
                    WORK_TASK,
                    args=[lane.value],
                    queue=queue_name(lane),
                    producer=producer,
                    retry=False,
                    expires=expires_s,
                )
                sent += 1
    except (KombuError, OperationalError, OSError) as error:
        logger.warning("no wake-up token for %s: the broker is out of reach (%s)", lane, error)
    return sent


def _publishing_connection(settings: Settings) -> Connection:
    options = broker_options(settings) | {"max_retries": 1, "interval_start": 0}
    if settings.broker_url.startswith("redis"):
        options["socket_connect_timeout"] = options["socket_timeout"] = PUBLISH_TIMEOUT_S
    return Connection(
        broker_url(settings), transport_options=options, connect_timeout=PUBLISH_TIMEOUT_S
    )


app = create_app(get_settings())
