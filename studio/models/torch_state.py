"""Reader of PyTorch state dictionaries (``.pth``, ``.pt``) that runs nothing and needs no PyTorch.

A checkpoint is a zip archive: ``data.pkl`` names the tensors, and every storage is a member of
raw numbers. Format: ``torch/serialization.py`` and ``torch/_utils.py``. A pickle may call anything
it names; the reader looks every name up in a fixed table of an ordered dictionary, the types of
storages and two functions of this module, and refuses the file at the first other one. What it may
note down is bounded before it is read: one opcode of five bytes asks for 16 GiB.
"""

from __future__ import annotations

import io
import pickle
import pickletools
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from studio.errors import WeightError
from studio.models.runtime import Array
from studio.words import Message, msg, verbatim

State = Mapping[str, Array]

_STORAGE_TYPES = {
    "DoubleStorage": "f8",
    "FloatStorage": "f4",
    "HalfStorage": "f2",
    "LongStorage": "i8",
    "IntStorage": "i4",
    "ShortStorage": "i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "b1",
}
_LONGEST_PICKLE_BYTES = 16 << 20
_ENCRYPTED = 0x1
_NOTING = ("PUT", "BINPUT", "LONG_BINPUT")
_LONGEST_REASON = 200
_WRAPPERS = ("params_ema", "params", "state_dict")
"""Keys a checkpoint may keep its state under, the one to prefer first."""


def read_state(path: Path) -> State:
    """The tensors of a checkpoint by name, in the file's order.

    Where the file wraps them, ``params_ema`` (the averaged weights) goes before ``params``.

    Raises:
        WeightError: ``weight.conversion``, the file is no such checkpoint, or asks for more
            than tensors.

    """
    try:
        with zipfile.ZipFile(path) as archive:
            content = _Checkpoint(archive).load()
    except zipfile.BadZipFile as error:
        raise _refusal(path, msg("it is no zip archive, as PyTorch writes since 1.6")) from error
    except (
        pickle.UnpicklingError,
        LookupError,
        ValueError,
        TypeError,
        AttributeError,
        EOFError,
        OverflowError,
        RecursionError,
        MemoryError,
    ) as error:
        reason = verbatim(_plain(str(error))) if str(error) else msg("it cannot be read")
        raise _refusal(path, reason) from error
    state = next((content[key] for key in _WRAPPERS if key in content), content)
    if not isinstance(state, dict) or not all(isinstance(v, np.ndarray) for v in state.values()):
        raise _refusal(path, msg("it holds more than named tensors"))
    return {str(name).removeprefix("module."): tensor for name, tensor in state.items()}


def _plain(reason: str) -> str:
    """A reason may quote the file, which may hold anything."""
    return reason.encode("ascii", "backslashreplace").decode("ascii")[:_LONGEST_REASON]


def _refusal(path: Path, reason: Message) -> WeightError:
    return WeightError(
        msg(
            "{name} is not a PyTorch state dictionary the studio can read: {reason}.",
            name=path.name,
            reason=reason,
        ),
        code="weight.conversion",
    )


class _Checkpoint:
    """The members of one archive."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        pickles = [name for name in archive.namelist() if name.endswith("/data.pkl")]
        if len(pickles) != 1:
            raise ValueError("it holds no single data.pkl")
        self._root = pickles[0].removesuffix("data.pkl")
        self._order = self._byte_order()

    def load(self) -> dict[str, Any]:
        """What ``data.pkl`` describes."""
        data = self._member("data.pkl")
        _require_bounded(data)
        content = _TensorUnpickler(data, self).load()
        if not isinstance(content, dict):
            raise TypeError("it is no dictionary")
        return content

    def storage(self, kind: str, key: str, count: int) -> Array:
        """``count`` numbers of the member ``data/key``."""
        numbers = np.frombuffer(self._member(f"data/{key}"), self._order + kind)
        if numbers.size != count:
            raise ValueError(f"the storage {key} has another size than stated")
        return numbers

    def _byte_order(self) -> str:
        name = f"{self._root}byteorder"
        word = self._archive.read(name).decode() if name in self._archive.namelist() else "little"
        return {"little": "<", "big": ">"}[word]

    def _member(self, name: str) -> bytes:
        info = self._archive.getinfo(self._root + name)
        if info.flag_bits & _ENCRYPTED:
            raise ValueError("its members are encrypted")
        # PyTorch stores without compression; a small file cannot unfold into a large one.
        if info.compress_type != zipfile.ZIP_STORED:
            raise ValueError("its members are compressed")
        return self._archive.read(info)


def _require_bounded(data: bytes) -> None:
    """Refuse a pickle that is longer than names of tensors need, or notes things down far away."""
    if len(data) > _LONGEST_PICKLE_BYTES:
        raise ValueError("it describes more than any network has")
    for opcode, argument, _ in pickletools.genops(data):
        # To note a thing down takes two bytes or more, so a sound pickle never counts this far.
        if opcode.name in _NOTING and isinstance(argument, int) and argument > len(data):
            raise ValueError("it notes things down out of order")


class _TensorUnpickler(pickle.Unpickler):
    def __init__(self, data: bytes, checkpoint: _Checkpoint) -> None:
        super().__init__(io.BytesIO(data), encoding="utf-8")
        self._checkpoint = checkpoint

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401  # whatever the table holds
        """Look a name up in the table, never in a module."""
        if module == "torch" and name in _STORAGE_TYPES:
            return _STORAGE_TYPES[name]
        try:
            return _KNOWN[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}") from None

    def persistent_load(self, pid: Any) -> Array:  # noqa: ANN401  # what the pickle says
        """The storage that an entry of the pickle refers to."""
        word, kind, key, _device, count = pid
        if word != "storage" or kind not in _STORAGE_TYPES.values():
            raise pickle.UnpicklingError("it refers to something other than a storage")
        return self._checkpoint.storage(kind, str(key), int(count))


def _tensor(
    storage: Array, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: object
) -> Array:
    """A tensor as a contiguous array of its own; nothing outside of the storage is reached."""
    if not isinstance(storage, np.ndarray) or len(size) != len(stride):
        raise TypeError("a tensor is malformed")
    if min((offset, *size, *stride), default=0) < 0 or prod(size) > storage.size:
        raise ValueError("a tensor does not lie within its storage")
    last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    if prod(size) and last >= storage.size:
        raise ValueError("a tensor does not lie within its storage")
    view = np.lib.stride_tricks.as_strided(
        storage[offset:], size, [step * storage.itemsize for step in stride], writeable=False
    )
    return np.array(view, dtype=storage.dtype.newbyteorder("="))


def _parameter(tensor: Array, *_: object) -> Array:
    return tensor


_KNOWN = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_parameter"): _parameter,
}
