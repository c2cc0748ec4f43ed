"""TorchScript networks executed by PyTorch. Imported by workers and the command line only.

PyTorch is an optional extra: where it is missing, importing this module raises the
``ModelUnavailableError`` that a person sees.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from studio.errors import JobCancelledError, ModelUnavailableError
from studio.models.catalogue import ModelSpec, WeightFile
from studio.models.runtime import (
    Array,
    Device,
    Precision,
    choose_device,
    is_memory_error,
    process_bytes,
    unreadable,
)
from studio.models.threads import STEADY_THREADS
from studio.settings import Settings
from studio.words import msg

try:
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode

    from studio.models.torchscript_check import (
        require_no_code_at_load,
        require_tensor_arithmetic,
    )
except ImportError as error:
    raise ModelUnavailableError(
        msg(
            "TorchScript networks need PyTorch, which is not installed on this "
            "server. Install it with `pip install 'darkroom[torch]'`, or choose the "
            "ONNX form of the network."
        ),
        code="model.unsupported",
    ) from error

_jit: Any = torch.jit  # half of its names are neither annotated nor exported


def load(path: Path, spec: ModelSpec, file: WeightFile, settings: Settings) -> TorchscriptRuntime:
    """As ``TorchscriptRuntime``; a loader of ``runtimes``."""
    return TorchscriptRuntime(path, settings)


class TorchscriptRuntime:
    """One TorchScript network in memory; ``runtime.Runtime`` describes the members."""

    name = "torch"
    precision = Precision.FP32

    def __init__(self, path: Path, settings: Settings) -> None:
        """Load ``path``, after a look at the program that it is.

        Raises:
            ModelUnavailableError: ``model.unreadable``, the file is no TorchScript archive;
                ``model.unsafe``, its program does more than arithmetic or may never end.
            StudioError: ``device.unavailable``.
            MemoryError: the weights do not fit.

        """
        before = process_bytes()
        self.device = choose_device(
            settings,
            has_cuda=torch.cuda.is_available(),
            library="PyTorch",
            package="PyTorch for CUDA",
        )
        torch.set_num_threads(STEADY_THREADS)
        # The same bytes every time: no kernel chosen by a race, no shortened mantissas.
        torch.backends.cudnn.benchmark = False
        torch.backends.cudnn.deterministic = True
        torch.backends.cudnn.allow_tf32 = False
        self._network = _load(path, self.device)
        _, *inputs = self._network.forward.schema.arguments  # the first is the network itself
        self.input_names = tuple(str(argument.name) for argument in inputs)
        self.resident_bytes = max(path.stat().st_size, process_bytes() - before)
        self._under_way = _Interruptible()

    def run(self, inputs: Mapping[str, Array]) -> list[Array]:
        """Run on arrays by the names of the network's arguments; their element types are kept."""
        under_way = self._under_way = _Interruptible()
        try:
            fed = [torch.tensor(inputs[name], device=str(self.device)) for name in self.input_names]
            # Unoptimised: the optimiser rewrites the network in its first runs, anew for each
            # size, and what it rewrites may round otherwise.
            with torch.inference_mode(), _jit.optimized_execution(False), under_way:
                answer = self._network.forward(*fed)  # what was looked at, and no hooks
            answers = answer if isinstance(answer, list | tuple) else [answer]
            return [np.asarray(output.cpu().numpy()) for output in answers]
        except RuntimeError as error:
            fault = under_way.take_fault()
            if is_memory_error(fault or error):
                raise MemoryError(str(fault or error)) from error
            if fault:
                raise fault from error
            raise

    def interrupt(self) -> None:
        """End the last run that began, between two of its operations."""
        self._under_way.is_ended = True


class _Interruptible(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """While it is entered, every operation of this thread passes here, also a network's own."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.is_ended = False
        self._fault: Exception | None = None

    def take_fault(self) -> Exception | None:
        """What an operation failed with, of which the network's interpreter tells nothing.

        Not kept any longer: its traceback holds the picture in memory.
        """
        fault, self._fault = self._fault, None
        return fault

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: tuple[type, ...],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> object:
        if self.is_ended:
            self._fault = JobCancelledError()
            raise self._fault
        try:
            return func(*args, **(kwargs or {}))
        except Exception as error:
            self._fault = error
            raise


def _load(path: Path, device: Device) -> Any:  # noqa: ANN401
    require_no_code_at_load(path)
    try:
        with warnings.catch_warnings():
            # PyTorch advises authors to publish in another format; these were published in this.
            warnings.simplefilter("ignore", DeprecationWarning)
            network = _jit.load(str(path), map_location=str(device)).eval()
    except RuntimeError as error:
        if is_memory_error(error):
            raise MemoryError(str(error)) from error
        raise unreadable(path, f"PyTorch {torch.__version__}") from error
    require_tensor_arithmetic(network, path)
    return network
