"""Networks that stay in memory between jobs, within a budget."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from threading import RLock
from weakref import ref

from studio.models.catalogue import ModelSpec, Task, WeightFile
from studio.models.guard import memory_exhausted
from studio.models.runtime import Device, Runtime, usable_memory_bytes
from studio.models.runtimes import Loader, has_runtime, load_runtime
from studio.models.weights import Installed, WeightStore
from studio.record import WeightUse
from studio.report import Report
from studio.settings import Settings
from studio.words import msg

_MEMORY_SHARE = 4
"""One part in this many of the machine's memory is the default budget."""


@dataclass(frozen=True, slots=True)
class Model:
    """A network ready to run, with what the catalogue says of it."""

    spec: ModelSpec
    file: WeightFile
    runtime: Runtime


def load_mixed(path: Path, other_path: Path, share: float, settings: Settings) -> Runtime:
    """Load ``path`` with ``share`` of its own weights and the rest of those in ``other_path``.

    Raises:
        ModelUnavailableError: ``model.unreadable``, also when the two are not of one graph.
        StudioError: ``device.unavailable``.
        MemoryError: the weights do not fit.

    """
    from studio.models.mixing import mix_weights
    from studio.models.onnx_runtime import OnnxRuntime

    return OnnxRuntime(path, settings, graph=mix_weights(path, other_path, share))


@dataclass(frozen=True, slots=True)
class _Digests:
    """What tells two networks apart: the device is the process's own, a file has one precision."""

    weights: str
    graph: str | None
    """None when one file holds both."""
    mixed: str | None = None
    """Of the file whose weights were mixed in."""
    share: float = 1.0
    output: str | None = None
    """The one of several outputs that is read."""

    @property
    def files(self) -> list[_Digests]:
        """One entry a file of weights, as a record lists them."""
        own = _Digests(self.weights, self.graph)
        return [own] if self.mixed is None else [own, _Digests(self.mixed, None)]


class ModelCache:
    """Resident networks by the digests of their files, least recently used released first.

    A cache serves one process, whose device is fixed by its settings. Safe to share between
    threads.
    """

    def __init__(
        self, store: WeightStore, settings: Settings, *, load: Loader = load_runtime
    ) -> None:
        self._store = store
        self._settings = settings
        self._load = load
        self._budget_bytes = settings.model_cache_bytes or usable_memory_bytes() // _MEMORY_SHARE
        self._resident: OrderedDict[_Digests, Runtime] = OrderedDict()
        self._lock = RLock()
        self._interruptible: tuple[ref[Runtime], ...] = ()
        """What was loaded and is in use by anybody, resident or not any more; to be read without
        the lock, which is held while a network loads."""

    @property
    def resident_bytes(self) -> int:
        """Memory all resident networks hold."""
        with self._lock:
            return sum(runtime.resident_bytes for runtime in self._resident.values())

    @cached_property
    def _device(self) -> Device:
        from studio.models.onnx_runtime import usable_device

        return usable_device(self._settings)

    def spec(self, model_id: str) -> ModelSpec:
        """What the catalogue says of a model, without opening it.

        Raises:
            ModelUnavailableError: ``model.unknown``.

        """
        return self._store.catalogue.get(model_id)

    def is_installed(self, model_id: str) -> bool:
        """Whether a model's weights are there and sound, so that ``open`` may succeed.

        Raises:
            ModelUnavailableError: ``model.unknown``.

        """
        return isinstance(self._store.status(model_id), Installed)

    def require(self, model_id: str) -> None:
        """Refuse a model now for what ``open`` would find wrong with its files.

        Raises:
            ModelUnavailableError: ``model.unknown``, ``model.missing`` or ``model.damaged``.

        """
        for file in self.spec(model_id).kept_files:
            self._store.path(model_id, file.name)

    def known_for(self, tool: str, task: Task) -> list[ModelSpec]:
        """What ``tool`` can use for ``task``, installed or not, its default first."""
        return self._store.catalogue.for_tool(tool, task)

    def installed_for(self, tool: str, task: Task) -> list[str]:
        """Ids of the installed models that ``tool`` can run here for ``task``, its default first.

        Not among them: TorchScript networks where PyTorch, which is optional, is missing.
        """
        known = [spec for spec in self.known_for(tool, task) if has_runtime(spec)]
        return [spec.id for spec in known if self.is_installed(spec.id)]

    def open(
        self,
        model_id: str,
        report: Report,
        *,
        scale: int | None = None,
        part: str | None = None,
        share: float = 1.0,
    ) -> Model:
        """The network, resident from now on; loading is charged to the stage "load".

        Args:
            model_id: an entry of the store's catalogue.
            report: told which weights were used, and whether they were resident already.
            scale: for super-resolution, which of the model's files; None takes the first.
            part: for a model of several networks, which of them.
            share: how much of the file's own weights, 0 to 1; the rest are those of the file it
                ``mixes_with``, number by number. Files that mix with none are taken as they are.

        Raises:
            ModelUnavailableError: ``model.unknown``, ``model.missing``, ``model.damaged``,
                ``model.unreadable`` or ``model.unsupported``.
            StudioError: ``device.unavailable``.
            WeightError: ``weight.unknown_file``, the model has no such scale.
            RetriableError: ``memory.exhausted``.

        """
        spec = self._store.catalogue.get(model_id)
        file = spec.file_for(self._device, scale, part)
        if file.mixes_with and share == 0:
            file = spec.file(file.mixes_with)
        other = spec.file(file.mixes_with) if file.mixes_with and share < 1 else None
        digests = self._digests(spec, file)
        if other:
            mixed = self._store.digest(spec.id, other.name)
            digests = replace(digests, mixed=mixed, share=share)
        with self._lock:
            runtime = self._resident.get(digests)
            was_warm = runtime is not None
            if runtime is None:
                with report.stage("load"):
                    path = self._store.path(model_id, file.name)
                    load = partial(self._load, path, spec, file, self._settings)
                    if other:
                        other_path = self._store.path(model_id, other.name)
                        load = partial(load_mixed, path, other_path, share, self._settings)
                    runtime = self._make_resident(digests, load, path.stat().st_size, spec.title)
            self._resident.move_to_end(digests)
        for used in digests.files:
            _record(report, spec, used, runtime, was_warm=was_warm)
        return Model(spec, file, runtime)

    def path(self, model_id: str, part: str) -> Path:
        """Where a part that is no network lies, such as a mask.

        Raises:
            ModelUnavailableError: as ``open``.
            WeightError: ``weight.unknown_file``, the model has no such part.

        """
        file = self._store.catalogue.get(model_id).file_for(self._device, part=part)
        return self._store.path(model_id, file.name)

    def interrupt(self) -> None:
        """Make a run under way in any network that was opened raise ``JobCancelledError`` soon.

        Called from another thread than the run's; harmless when nothing runs. Does not wait for
        a network that is being loaded, which no library can be interrupted in.
        """
        for reference in self._interruptible:
            if runtime := reference():
                runtime.interrupt()

    def _digests(self, spec: ModelSpec, file: WeightFile) -> _Digests:
        own = self._store.digest(spec.id, file.name)
        if file.weights is None:
            return _Digests(weights=own, graph=None, output=file.output)
        return _Digests(weights=self._store.digest(spec.id, file.weights), graph=own)

    def _make_resident(
        self, digests: _Digests, load: Callable[[], Runtime], file_bytes: int, title: str
    ) -> Runtime:
        self._release(self._budget_bytes - file_bytes)
        try:
            runtime = load()
        except MemoryError:
            self._release(0)
            try:
                runtime = load()
            except MemoryError as error:
                raise memory_exhausted(msg("loading {model}", model=title)) from error
        # The file's size said too little: only a loaded network knows what it holds.
        self._release(self._budget_bytes - runtime.resident_bytes)
        self._resident[digests] = runtime
        in_use = (reference for reference in self._interruptible if reference())
        self._interruptible = (*in_use, ref(runtime))
        return runtime

    def _release(self, limit_bytes: int) -> None:
        """Forget the least recently used until the rest hold at most ``limit_bytes``."""
        while self._resident and self.resident_bytes > limit_bytes:
            self._resident.popitem(last=False)


def _record(
    report: Report, spec: ModelSpec, digests: _Digests, runtime: Runtime, *, was_warm: bool
) -> None:
    """Name the weights in the run's record, once however often they are opened.

    The record's notes say when their licence forbids a use of the result.
    """
    if any(_Digests(use.sha256, use.graph_sha256) == digests for use in report.weights):
        return
    if spec.licence.restriction:
        report.note(
            msg(
                "{model}: {restriction}.",
                model=spec.title,
                restriction=spec.licence.restriction,
            )
        )
    report.weights.append(
        WeightUse(
            id=spec.id,
            sha256=digests.weights,
            graph_sha256=digests.graph,
            runtime=runtime.name,
            device=runtime.device,
            precision=runtime.precision,
            was_warm=was_warm,
        )
    )
