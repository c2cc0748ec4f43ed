"""TensorFlow Lite graphs written by hand: several functions of one input.

Slots are those of TensorFlow's ``schema.fbs``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import flatbuffers

LOGISTIC, RELU = 14, 19
_SCHEMA_VERSION = 3


class _Writer:
    def __init__(self) -> None:
        self.builder = flatbuffers.Builder(1024)

    def table(self, slots: int, **fields: tuple[int, str, int]) -> int:
        """A table; each field is (slot, type, value), and its name says what it is."""
        self.builder.StartObject(slots)
        for slot, kind, value in fields.values():
            getattr(self.builder, f"Prepend{kind}Slot")(slot, value, 0)
        return int(self.builder.EndObject())

    def tables(self, offsets: Sequence[int]) -> int:
        self.builder.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            self.builder.PrependUOffsetTRelative(offset)
        return int(self.builder.EndVector())

    def integers(self, values: Sequence[int]) -> int:
        self.builder.StartVector(4, len(values), 4)
        for value in reversed(values):
            self.builder.PrependInt32(value)
        return int(self.builder.EndVector())

    def tensor(self, name: str, shape: Sequence[int]) -> int:
        text, sizes = self.builder.CreateString(name), self.integers(shape)
        offset = "UOffsetTRelative"
        return self.table(5, shape=(0, offset, sizes), name=(3, offset, text))


def write_tflite(path: Path, outputs: Mapping[str, int], shape: Sequence[int]) -> Path:
    """A graph whose ``outputs`` are operators (``LOGISTIC``, ``RELU``) of an NHWC input."""
    writer, offset = _Writer(), "UOffsetTRelative"
    tensors = writer.tables([writer.tensor(name, shape) for name in ("input", *outputs)])
    codes = writer.tables(
        [
            writer.table(4, old_code=(0, "Int8", code), code=(3, "Int32", code))
            for code in outputs.values()
        ]
    )
    operators = writer.tables(
        [
            writer.table(
                5,
                code=(0, "Uint32", number),
                inputs=(1, offset, writer.integers([0])),
                outputs=(2, offset, writer.integers([number + 1])),
            )
            for number in range(len(outputs))
        ]
    )
    graph = writer.table(
        5,
        tensors=(0, offset, tensors),
        inputs=(1, offset, writer.integers([0])),
        outputs=(2, offset, writer.integers(range(1, len(outputs) + 1))),
        operators=(3, offset, operators),
    )
    model = writer.table(
        8,
        version=(0, "Uint32", _SCHEMA_VERSION),
        codes=(1, offset, codes),
        graphs=(2, offset, writer.tables([graph])),
        buffers=(4, offset, writer.tables([writer.table(1)])),
    )
    writer.builder.Finish(model, b"TFL3")
    path.write_bytes(bytes(writer.builder.Output()))
    return path
