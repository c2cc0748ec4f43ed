"""What the model layers ask of whatever executes a network."""

from __future__ import annotations

import os
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt
import psutil

from studio.errors import ModelUnavailableError, StudioError
from studio.settings import Settings
from studio.words import msg

if TYPE_CHECKING:
    from studio.models.catalogue import ModelSpec

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float32]

_CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")
_MEMORY_LIMIT = Path("/sys/fs/cgroup/memory.max")
_MEMORY_SIGNS = (
    "failed to allocate memory",
    "defaultcpuallocator",
    "bad_alloc",
    "out of memory",
    "alloc_failed",
)


class Device(StrEnum):
    """Where a network runs."""

    CPU = "cpu"
    CUDA = "cuda"


class Precision(StrEnum):
    """Number form of a network's inputs and activations."""

    FP32 = "fp32"
    FP16 = "fp16"


class Runtime(Protocol):
    """A loaded network; it leaves memory when the last reference to it goes."""

    @property
    def name(self) -> str:
        """Which library executes it: ``onnxruntime``, ``ncnn``, ``opencv`` or ``torch``."""

    @property
    def device(self) -> Device:
        """Where it runs."""

    @property
    def precision(self) -> Precision:
        """Number form it runs in."""

    @property
    def resident_bytes(self) -> int:
        """Memory it holds between two runs."""

    @property
    def input_names(self) -> tuple[str, ...]:
        """Names of its inputs, in order."""

    def run(self, inputs: Mapping[str, Array]) -> list[Array]:
        """Run once, on arrays by input name.

        Returns:
            Outputs in the network's order.

        Raises:
            JobCancelledError: ``interrupt`` was called meanwhile.
            MemoryError: the device has too little memory for inputs of this size.

        """

    def interrupt(self) -> None:
        """Make the run under way end soon, where the library can; called from another thread."""


def usable_cores() -> int:
    """Cores this process may use: its affinity, and the container's quota where there is one."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    if _CPU_QUOTA.exists():
        quota, period = _CPU_QUOTA.read_text(encoding="ascii").split()
        if quota != "max":
            return max(1, min(cores or 1, int(quota) // int(period)))
    return cores or 1


def usable_memory_bytes() -> int:
    """Memory of the machine, or of the container where that is less."""
    machine = int(psutil.virtual_memory().total)
    if _MEMORY_LIMIT.exists():
        limit = _MEMORY_LIMIT.read_text(encoding="ascii").strip()
        if limit != "max":
            return min(machine, int(limit))
    return machine


def process_bytes() -> int:
    """Memory this process has resident now."""
    return int(psutil.Process().memory_info().rss)


def threads_for(settings: Settings) -> int:
    """Threads one network may use: as set, else the cores shared among the network workers."""
    return settings.threads or max(1, usable_cores() // max(1, settings.network_workers))


def choose_device(settings: Settings, *, has_cuda: bool, library: str, package: str) -> Device:
    """The device asked for, else CUDA when ``library`` can use it here, else CPU.

    Raises:
        StudioError: ``device.unavailable``, CUDA is asked for and not there; names ``package``,
            which would bring it.

    """
    if settings.device is None:
        return Device.CUDA if has_cuda else Device.CPU
    device = Device(settings.device)
    if device is Device.CUDA and not has_cuda:
        raise StudioError(
            msg(
                "STUDIO_DEVICE asks for cuda, and the installed {library} runs on the CPU "
                "only. Install {package}, or unset STUDIO_DEVICE.",
                library=library,
                package=package,
            ),
            code="device.unavailable",
        )
    return device


def is_memory_error(error: Exception) -> bool:
    """Whether a library's own error says that memory ran out."""
    text = str(error).lower()
    return isinstance(error, MemoryError) or any(sign in text for sign in _MEMORY_SIGNS)


def unreadable(path: Path, library: str) -> ModelUnavailableError:
    """The error for a weight file that ``library``, named with its version, cannot run."""
    return ModelUnavailableError(
        msg("The weight file {name} cannot be run by {library}.", name=path.name, library=library),
        code="model.unreadable",
    )


def unsupported(spec: ModelSpec, form: str) -> ModelUnavailableError:
    """The error for a model in a form that nothing here executes."""
    return ModelUnavailableError(
        msg(
            "{title} comes as {form}, which no runtime of the studio executes.",
            title=spec.title,
            form=form,
        ),
        code="model.unsupported",
    )
