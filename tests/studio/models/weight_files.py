"""Files of weights for tests of the store."""

from __future__ import annotations

from pathlib import Path

from studio.models.catalogue import ModelSpec, NpmSource, PipSource, WeightFile
from tests.studio.models.weight_factories import make_file, make_half_net, make_model, make_net

DATA = make_net("weights" * 1000)
OTHER = make_net("strange" * 1000)


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def half_precision_model(*sources: NpmSource | PipSource) -> ModelSpec:
    made = WeightFile(
        name="net.onnx", conversion="half-to-float", made_from=("half.onnx",), scale=2
    )
    return make_model(made, make_file("half.onnx", make_half_net(), *sources))


def files_in(folder: Path) -> set[str]:
    """Everything but the lock, which some systems keep and some remove."""
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    return found - {".lock"}
