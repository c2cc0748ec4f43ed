"""A Python value in an anonymous file, to be handed to another process by its descriptor."""

from __future__ import annotations

import mmap
import os
import pickle
import tempfile
from struct import calcsize, pack_into, unpack_from

_ALIGNMENT_BYTES = 64
_COUNT = "<Q"


def pack(value: object) -> int:
    """Descriptor of a file that holds ``value``; the caller closes it.

    Arrays are written as they lie in memory, beside the pickle and not in it.

    Raises:
        OSError: there is no room for the file or its descriptor.

    """
    buffers: list[pickle.PickleBuffer] = []
    head = pickle.dumps(value, protocol=5, buffer_callback=buffers.append)
    parts = [memoryview(head), *(buffer.raw() for buffer in buffers)]
    index = bytearray(calcsize(_COUNT) * (1 + len(parts)))
    for place, number in enumerate((len(parts), *(part.nbytes for part in parts))):
        pack_into(_COUNT, index, place * calcsize(_COUNT), number)
    descriptor = _anonymous_file()
    try:
        with open(descriptor, "wb", closefd=False) as file:
            file.write(index)
            for part in parts:
                file.seek(_aligned(file.tell()))
                file.write(part)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def unpack(descriptor: int) -> object:
    """What ``pack`` was given; its arrays lie in the file itself and need no second copy."""
    view = memoryview(mmap.mmap(descriptor, 0))
    (count,) = unpack_from(_COUNT, view)
    sizes = unpack_from(f"<{count}Q", view, calcsize(_COUNT))
    parts, position = [], calcsize(_COUNT) * (1 + count)
    for size in sizes:
        position = _aligned(position)
        parts.append(view[position : position + size])
        position += size
    value: object = pickle.loads(parts[0], buffers=parts[1:])  # noqa: S301 -- written by our own code
    return value


def _aligned(position: int) -> int:
    return -(-position // _ALIGNMENT_BYTES) * _ALIGNMENT_BYTES


def _anonymous_file() -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("darkroom-parcel")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
