from __future__ import annotations

import platform

import pytest

from studio.tools.processor import describe_processor


def test_processor_is_described_by_the_kernels_that_libraries_picked() -> None:
    described = describe_processor()
    assert described["name"]
    assert described["blas"]
    assert all(described.values())


@pytest.mark.skipif(platform.machine() != "x86_64", reason="other names of extensions")
def test_processor_of_pcs_tells_the_vector_extensions_that_opencv_uses() -> None:
    assert "SSE2" in describe_processor()["opencv"]
