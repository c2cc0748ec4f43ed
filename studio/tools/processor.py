"""What of the processor may change a result's last bits: the code that libraries pick for it."""

from __future__ import annotations

import platform
from functools import lru_cache
from pathlib import Path

import cv2
from threadpoolctl import threadpool_info

_CPU_INFO = Path("/proc/cpuinfo")


@lru_cache
def describe_processor() -> dict[str, str]:
    """Its name, and by library which of its kernels run here.

    "name" is the model, or the architecture where the system tells none; "opencv" the vector
    extensions in use, "ipp" the variant of Intel's primitives where OpenCV calls them, "blas" the
    cores whose kernels the copies of OpenBLAS run. ONNX Runtime and ncnn do not tell; they go by
    the same extensions.
    """
    picked = {
        "name": _model_name() or platform.machine(),
        "opencv": cv2.getCPUFeaturesLine(),
        "blas": ", ".join(sorted({str(pool["architecture"]) for pool in _blas_pools()})),
    }
    if cv2.ipp.useIPP():
        picked["ipp"] = cv2.ipp.getIppVersion()
    return {key: value for key, value in picked.items() if value}


def _blas_pools() -> list[dict[str, object]]:
    pools = threadpool_info()
    return [pool for pool in pools if pool["user_api"] == "blas" and pool.get("architecture")]


def _model_name() -> str:
    if not _CPU_INFO.exists():
        return platform.processor()
    for line in _CPU_INFO.read_text(encoding="utf-8").splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            return value.strip()
    return ""
