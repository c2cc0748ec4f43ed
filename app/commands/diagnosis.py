"""Is this studio able to work? One check a part, each with the remedy for its fault."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from uuid import uuid4

from kombu.connection import Connection
from kombu.exceptions import KombuError
from kombu.exceptions import OperationalError as BrokerError
from sqlalchemy.exc import SQLAlchemyError

from app.commands.default_weights import lacking_defaults
from app.formatting import file_size
from app.language import _, _n, said
from app.weights.management import open_store
from db.errors import DatabaseAwayError
from db.migrate import current, head
from db.types import Lane
from studio.errors import StudioError
from studio.tools.registry import AUXILIARY_TOOLS, TOOL_FAULTS, TOOLS
from studio.words import paragraph
from tasks.celery_app import broker_folder, broker_options, broker_url
from tasks.services import Services
from tasks.status import WorkerStatus, beat_status, live_workers, queued_counts
from tasks.transport import probe

MIN_PYTHON = (3, 11)
LITTLE_SPACE_BYTES = 2_000_000_000
BROKER_TIMEOUT_S = 3
_NVIDIA_DEVICE = Path("/dev/nvidiactl")


class State(StrEnum):
    """How a part is doing."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Finding:
    """One part: how it is doing, in words, and what mends it when it is not well."""

    part: str
    state: State
    detail: str
    remedy: str = ""

    def as_json(self) -> dict[str, str]:
        """For ``--json``."""
        return asdict(self)


def diagnose(services: Services) -> Iterator[Finding]:
    """Check every part in turn; a part that depends on a faulty one is still looked at."""
    checks: tuple[Callable[[Services], Finding], ...] = (
        _python,
        _disk,
        check_database,
        _broker,
        _storage,
        _weights,
        _tools,
        _device,
        _workers,
        _beat,
    )
    for check in checks:
        yield check(services)


def _python(_services: Services) -> Finding:
    found = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info[:2] < MIN_PYTHON:
        wanted = ".".join(str(part) for part in MIN_PYTHON)
        return Finding(
            "python", State.FAULT, found, _("Install Python {wanted} or newer.", wanted=wanted)
        )
    return Finding("python", State.OK, found)


def _disk(services: Services) -> Finding:
    folder = services.settings.data_dir
    existing = next(
        path for path in (folder.absolute(), *folder.absolute().parents) if path.exists()
    )
    if not os.access(existing, os.W_OK):
        remedy = _("Give this user the right to write there, or set STUDIO_DATA_DIR.")
        return Finding(
            "disk", State.FAULT, _("{folder} cannot be written", folder=str(folder)), remedy
        )
    free_bytes = shutil.disk_usage(existing).free
    detail = _("{folder}, {size} free", folder=str(folder), size=file_size(free_bytes))
    if free_bytes < LITTLE_SPACE_BYTES:
        return Finding("disk", State.FAULT, detail, _("Free some space, or set STUDIO_DATA_DIR."))
    return Finding("disk", State.OK, detail)


def check_database(services: Services) -> Finding:
    """Reachable, and at the schema of this version."""
    name = services.database.engine.url.render_as_string(hide_password=True)
    try:
        revision = current(services.database.url)
    except (SQLAlchemyError, DatabaseAwayError):
        remedy = _("Check STUDIO_DATABASE_URL, and that its server runs.")
        if name.startswith("sqlite"):
            remedy = _("Run `studio migrate`, which creates it.")
        return Finding("database", State.FAULT, _("{name} cannot be reached", name=name), remedy)
    if revision != head():
        detail = _(
            "{name} is at revision {found}, this version needs {needed}",
            name=name,
            found=revision or _("none"),
            needed=head(),
        )
        return Finding("database", State.FAULT, detail, _("Run `studio migrate`."))
    return Finding(
        "database", State.OK, _("{name}, revision {revision}", name=name, revision=revision)
    )


def _broker(services: Services) -> Finding:
    settings = services.settings
    if settings.is_embedded_broker:
        return _embedded_broker(broker_folder(settings))
    connection = Connection(
        broker_url(settings),
        transport_options=broker_options(settings),
        connect_timeout=BROKER_TIMEOUT_S,
    )
    try:
        connection.ensure_connection(max_retries=1, timeout=BROKER_TIMEOUT_S)
    except (KombuError, BrokerError, OSError):
        remedy = _("Check STUDIO_BROKER_URL, and that its server runs. Jobs wait until then.")
        detail = _("{name} cannot be reached", name=connection.as_uri())
        return Finding("broker", State.FAULT, detail, remedy)
    finally:
        connection.release()
    return Finding("broker", State.OK, connection.as_uri())


def _embedded_broker(folder: Path) -> Finding:
    try:
        probe(folder)
    except OSError:
        remedy = _(
            "Give this user the right to write there, free some space, or mount its disk. Jobs "
            "start late or not at all until then."
        )
        detail = _("{folder} cannot be written", folder=str(folder))
        return Finding("broker", State.FAULT, detail, remedy)
    return Finding("broker", State.OK, _("files in {folder}", folder=str(folder)))


def _storage(services: Services) -> Finding:
    """Write, read and delete a small file of our own."""
    name = services.settings.resolved_storage_url
    probe = f"darkroom probe {uuid4()}".encode()
    try:
        digest = services.blobs.put(probe)
        is_whole = services.blobs.read(digest) == probe
        services.blobs.delete(digest)
    except StudioError as error:
        remedy = _(
            "Check STUDIO_STORAGE_URL and STUDIO_STORAGE_ENDPOINT_URL, their rights, and that the "
            "disk is mounted. Before the first start, run `studio migrate`."
        )
        return Finding(
            "storage", State.FAULT, _("{name}: {fault}", name=name, fault=error.message), remedy
        )
    if not is_whole:
        remedy = _("Do not use this storage: it loses data.")
        return Finding("storage", State.FAULT, _("{name} returned other bytes", name=name), remedy)
    return Finding("storage", State.OK, name)


def _weights(services: Services) -> Finding:
    store = open_store(services.settings)
    if lacking := lacking_defaults(store):
        detail = _("not usable: {models}", models=tuple(lacking))
        return Finding(
            "weights",
            State.FAULT,
            detail,
            _("Run `studio weights pull {models}`.", models=" ".join(lacking)),
        )
    if strays := [spec.id for spec in store.catalogue if not TOOLS.keys() >= set(spec.tools)]:
        detail = _("made for tools that there are not: {models}", models=tuple(strays))
        remedy = _(
            "Mend their `tools` in the catalogue, or install the package that brings the tool."
        )
        return Finding("weights", State.WARNING, detail, remedy)
    return Finding(
        "weights",
        State.OK,
        _n(
            "{n} default model is installed",
            "{n} default models are installed",
            len(store.catalogue.defaults()),
        ),
    )


def _tools(_services: Services) -> Finding:
    """The studio's own and those of other packages."""
    if TOOL_FAULTS:
        words = said(paragraph(fault.message for fault in TOOL_FAULTS))
        remedy = _("Update or remove the package.")
        return Finding("tools", State.WARNING, words.removesuffix("."), remedy)
    helpers = tuple(AUXILIARY_TOOLS)
    detail = _n(
        "{tools}; {helpers} serves these and has no page",
        "{tools}; {helpers} serve these and have no pages",
        len(helpers),
        tools=tuple(tool for tool in TOOLS if tool not in helpers),
        helpers=helpers,
    )
    return Finding("tools", State.OK, detail)


def _device(services: Services) -> Finding:
    # Heavy, and only this check needs them.
    from studio.models.onnx_runtime import usable_device
    from studio.models.runtime import Device, usable_cores

    remedy = _(
        "Run `pip install onnxruntime-gpu` in this environment, with a matching CUDA driver."
    )
    try:
        device = usable_device(services.settings)
    except StudioError:
        detail = _("STUDIO_DEVICE asks for CUDA, which is not there")
        return Finding("device", State.FAULT, detail, remedy)
    is_asked_for = services.settings.device is not None
    if device is Device.CPU and _NVIDIA_DEVICE.exists() and not is_asked_for:
        detail = _("an NVIDIA card is here, but this ONNX Runtime computes on the processor alone")
        return Finding("device", State.WARNING, detail, remedy)
    name = "CUDA" if device is Device.CUDA else _("processor")
    detail = _("{device}, {cores} cores", device=name, cores=usable_cores())
    return Finding("device", State.OK, detail)


def _workers(services: Services) -> Finding:
    try:
        workers = live_workers(services)
        queued = queued_counts(services)
    except (SQLAlchemyError, DatabaseAwayError):
        return Finding("workers", State.WARNING, _("unknown without the database"))
    deaf = [worker.name for worker in workers if worker.is_deaf]
    if deaf:
        detail = _("{deaf} takes no work, though there is some", deaf=tuple(deaf))
        remedy = _("It should be started anew by itself within a minute; if not, restart it.")
        return Finding("workers", State.FAULT, detail, remedy)
    served = {lane for worker in workers for lane in worker.lanes}
    if waiting := {lane: count for lane, count in queued.items() if count and lane not in served}:
        remedy = _("Run `studio up`; if it runs, the log of its workers says why they do not work.")
        return Finding("workers", State.FAULT, _waits_in_vain(waiting), remedy)
    if not workers:
        return Finding("workers", State.OK, _("none: the studio is not started"))
    return Finding("workers", State.OK, _room(workers, sum(queued.values())))


def _waits_in_vain(waiting: Mapping[Lane, int]) -> str:
    """Of the jobs in lanes that no worker serves."""
    count = sum(waiting.values())
    match list(waiting):
        case [Lane.GPU]:
            return _n(
                "{n} job with a network waits, and no worker runs such jobs",
                "{n} jobs with a network wait, and no worker runs such jobs",
                count,
            )
        case [Lane.CPU]:
            return _n(
                "{n} job without a network waits, and no worker runs such jobs",
                "{n} jobs without a network wait, and no worker runs such jobs",
                count,
            )
    return _n(
        "{n} job waits, and no worker runs such jobs",
        "{n} jobs wait, and no worker runs such jobs",
        count,
    )


def _room(workers: Sequence[WorkerStatus], queued: int) -> str:
    """What can run at once; each slot is counted once."""

    def slots(*lanes: Lane) -> int:
        kinds = {Lane.GPU, Lane.CPU}
        return sum(worker.slots for worker in workers if kinds & set(worker.lanes) == set(lanes))

    if either := slots(Lane.GPU, Lane.CPU):
        return _n(
            "room for {n} job with a network, {others} without and {either} of either kind; "
            "{queued} waiting",
            "room for {n} jobs with a network, {others} without and {either} of either kind; "
            "{queued} waiting",
            slots(Lane.GPU),
            others=slots(Lane.CPU),
            either=either,
            queued=queued,
        )
    return _n(
        "room for {n} job with a network and {others} without; {queued} waiting",
        "room for {n} jobs with a network and {others} without; {queued} waiting",
        slots(Lane.GPU),
        others=slots(Lane.CPU),
        queued=queued,
    )


def _beat(services: Services) -> Finding:
    """Where somebody works or waits, beat must see to the queue and send tokens."""
    try:
        is_wanted = bool(live_workers(services)) or any(queued_counts(services).values())
        beat = beat_status(services)
    except (SQLAlchemyError, DatabaseAwayError):
        return Finding("beat", State.WARNING, _("unknown without the database"))
    remedy = _(
        "Run `studio up`, or `studio serve beat` beside your own workers; if it runs, its log says "
        "why it does nothing."
    )
    if beat.keeps_the_queue and beat.sends_tokens:
        return Finding("beat", State.OK, _("sees to the queue"))
    if not is_wanted:
        return Finding("beat", State.OK, _("none: the studio is not started"))
    if beat.keeps_the_queue:
        detail = _("sees to the queue, but no token of it reaches the broker")
    else:
        detail = _("nobody sees to the queue: what lost its worker or rests does not go on")
    return Finding("beat", State.FAULT, detail, remedy)
