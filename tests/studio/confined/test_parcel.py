from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import psutil
import pytest

from studio.confined import parcel


def there_and_back(value: object) -> object:
    descriptor = parcel.pack(value)
    try:
        return parcel.unpack(descriptor)
    finally:
        os.close(descriptor)


def test_parcel_of_arrays_of_odd_sizes_gives_them_back_aligned() -> None:
    value = {
        "bytes": np.arange(3, dtype=np.uint8),
        "none": np.zeros(0, np.float64),
        "numbers": np.linspace(0, 1, 1001),
        "lines": np.arange(35, dtype=np.uint16).reshape(5, 7),
        "last": np.zeros(0, np.float32),
    }
    found = there_and_back(value)
    assert isinstance(found, dict)
    assert found.keys() == value.keys()
    for name, array in value.items():
        assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape)
        assert np.array_equal(found[name], array)
        assert not array.size or found[name].ctypes.data % 64 == 0


@pytest.mark.parametrize("count", range(20))
def test_parcel_of_any_number_of_arrays_gives_each_back(count: int) -> None:
    arrays = [np.full(number + 1, number, np.uint8) for number in range(count)]
    found = there_and_back(arrays)
    assert isinstance(found, list)
    assert [array.tolist() for array in found] == [array.tolist() for array in arrays]


def test_parcel_holds_each_array_once() -> None:
    descriptor = parcel.pack(np.zeros(1_000_000, np.uint8))
    assert 1_000_000 < os.fstat(descriptor).st_size < 1_001_000
    os.close(descriptor)


def test_parcel_without_arrays_gives_the_value_back() -> None:
    assert there_and_back(("two", 2, None)) == ("two", 2, None)


def test_parcel_where_the_system_has_no_files_of_memory_lies_on_disk(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(os, "memfd_create", raising=False)
    assert np.array_equal(there_and_back(np.arange(9)), np.arange(9))  # type: ignore[call-overload]


def test_parcel_without_room_for_the_file_leaves_nothing_open() -> None:
    before = psutil.Process().num_fds()
    with files_at_most(10_000), pytest.raises(OSError, match="too large"):
        parcel.pack(np.zeros(1_000_000, np.uint8))
    assert psutil.Process().num_fds() == before


@contextmanager
def files_at_most(size_bytes: int) -> Iterator[None]:
    was = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, was[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, was)
