"""What tests hand to tools in place of resident models."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from studio.models.cache import Model
from studio.models.catalogue import ModelSpec, Task, load_catalogue
from studio.models.runtime import Array, Device
from studio.record import WeightUse
from studio.report import Report
from tests.studio.models.networks import FakeRuntime, plain_matting
from tests.studio.models.weight_factories import make_file, make_model


class NoModels:
    """A model cache of which nothing may be asked."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"models.{name} was asked for, and no network should run")

    def open(self, model_id: str, *_: object, **__: object) -> NoReturn:
        raise AssertionError(f"{model_id} was opened, and no network should run")


class ListedModels(NoModels):
    """A model cache that knows the catalogue, and of which nothing may be opened."""

    def spec(self, model_id: str) -> ModelSpec:
        return load_catalogue().get(model_id)

    def require(self, model_id: str) -> None:
        """Every model counts as installed."""
        self.spec(model_id)

    def known_for(self, tool: str, task: Task) -> list[ModelSpec]:
        return load_catalogue().for_tool(tool, task)

    def installed_for(self, tool: str, task: Task) -> list[str]:
        """Those of a fresh studio."""
        return [spec.id for spec in self.known_for(tool, task) if spec.default]


class NearestModels:
    """A cache whose every model repeats pixels, and misses black and white as real ones do.

    What it answers may be changed by ``then``, planes ``float32 (1, 3, H, W)`` before and after.
    """

    def __init__(
        self,
        *scales: int,
        can_denoise: bool = False,
        then: Callable[[Array], Array] = lambda planes: planes,
    ) -> None:
        other = {"mixes_with": f"x{scales[0]}.onnx"} if can_denoise else {}
        files = [make_file(f"x{s}.onnx").model_copy(update={"scale": s, **other}) for s in scales]
        self._spec = make_model(*files, id="repeating")
        self.opened: list[int | None] = []
        self.shares: list[float] = []
        self._then = then

    def spec(self, _model_id: str) -> ModelSpec:
        return self._spec

    def open(
        self, model_id: str, report: Report, *, scale: int | None = None, share: float = 1.0
    ) -> Model:
        assert scale is not None
        self.opened.append(scale)
        self.shares.append(share)
        report.weights.append(
            WeightUse(
                id=model_id,
                sha256="0" * 64,
                runtime="fake",
                device="cpu",
                precision="fp32",
                was_warm=True,
            )
        )

        def answer(planes: Array) -> Array:
            veiled = np.clip(planes, 2 / 255, 253 / 255)
            return self._then(veiled.repeat(scale, axis=2).repeat(scale, axis=3))

        return Model(self._spec, self._spec.file_for(Device.CPU, scale), FakeRuntime(answer))


class MattingModels:
    """A cache with one model, "matting": its short side is 120 px and it answers as told."""

    def __init__(self, answer: Callable[[Array], Array]) -> None:
        contract = plain_matting(size_px=None, short_side_px=120)
        self._spec = make_model(
            make_file(), id="matting", task="matting", tools=("cutout",), contract=contract
        )
        self._answer = answer
        self.opened: list[str] = []

    def spec(self, model_id: str) -> ModelSpec:
        assert model_id == self._spec.id
        return self._spec

    def open(self, model_id: str, _report: Report, *, scale: int | None = None) -> Model:
        self.opened.append(model_id)
        return Model(self._spec, self._spec.files[0], FakeRuntime(self._answer))
