"""The run record: enough to say later why the same run gives another result."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from studio.errors import Region
from studio.words import Message


class WeightUse(BaseModel):
    """A weight file that a run used."""

    model_config = ConfigDict(frozen=True)

    id: str
    sha256: str
    graph_sha256: str | None = None
    """Of the graph, where that is a file apart from the weights."""
    runtime: str
    """``onnxruntime``, ``ncnn``, ``opencv`` or ``torch``."""
    device: str
    """``cpu`` or ``cuda``."""
    precision: str
    """``fp32`` or ``fp16``."""
    was_warm: bool
    """Whether the model was already resident."""


class RunRecord(BaseModel):
    """What ran, on what, for how long."""

    model_config = ConfigDict(frozen=True)

    studio_version: str
    tool_version: int
    weights: list[WeightUse]
    libraries: dict[str, str]
    processor: dict[str, str] = {}
    """What libraries chose their code by, as "blas": "Haswell"; older records have none."""
    device: str
    seconds: dict[str, float]
    """By stage: decode, load, run, encode."""
    input_megapixels: float
    peak_memory_bytes: int
    notes: list[Message]
    regions: list[Region] = []
    """What was found or changed where, to be drawn on the main picture."""
