"""The same arithmetic on every machine, as far as that goes.

Sums of floats depend on the order of their terms: on the number of threads and on the vector
instructions of the processor. NumPy and its libraries choose both while they are imported, from
environment variables, so ``pin`` has to come before them. Processors of other makers or without
AVX2 can still differ in the last bit: ``fingerprint`` tells them apart.
"""

import hashlib
import math
import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

_ONE_THREAD: Final = (
    "OMP_NUM_THREADS",  # OpenMP: scikit-learn's own loops, xgboost, lightgbm
    "OPENBLAS_NUM_THREADS",  # matrix products and solvers in the wheels of NumPy and SciPy
    "MKL_NUM_THREADS",  # the same in conda's builds of NumPy
    "BLIS_NUM_THREADS",  # the same in some Linux distributions
    "VECLIB_MAXIMUM_THREADS",  # the same in macOS' Accelerate
)
# For NPY_DISABLE_CPU_FEATURES: the AVX-512 instructions, with which exp, log and sums of NumPy
# round otherwise than with AVX2. NumPy 2.4 renamed them (its src/common/npy_cpu_features.c).
# A name that the processor lacks does nothing, one that NumPy does not know is a warning.
_AVX512: Final = "X86_V4 AVX512_ICL AVX512_SPR"
_AVX512_BEFORE_2_4: Final = (
    "AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR"
)


def pin() -> None:
    """Make NumPy, SciPy and scikit-learn use one thread and one instruction set (AVX2).

    The settings go to the environment of this process and of those that it starts.

    Raises:
        RuntimeError: if NumPy is imported already and was not pinned before that.
    """
    settings = _settings()
    if "numpy" in sys.modules:
        late = [name for name, value in settings.items() if os.environ.get(name) != value]
        if late:
            raise RuntimeError(f"pin() must run before numpy is imported: {', '.join(late)}")
        return
    # NumPy refuses to start when features are enabled and disabled by name at once.
    os.environ.pop("NPY_ENABLE_CPU_FEATURES", None)
    os.environ.update(settings)


def fingerprint() -> str:
    """Return 16 hexadecimal digits that stand for how this process computes.

    They hash the results of fixed operations on matrices of shape (120, 120). Two processes with
    equal fingerprints should fit equal models; with others, a difference in a model says nothing.
    """
    import numpy as np
    import scipy.linalg  # has a BLAS of its own
    import scipy.special

    side = 120
    # Whole numbers below 2**53 and one division: exact everywhere (IEEE 754).
    matrix = (np.arange(side * side, dtype=np.float64) * 7919 % 1009).reshape(side, side) / 1009
    regular = matrix + side * np.eye(side)
    numbers = matrix[0].tolist()
    results = [
        matrix @ matrix.T,
        matrix.astype(np.float32) @ matrix.T.astype(np.float32),
        np.linalg.solve(regular, matrix),
        np.linalg.svd(matrix, compute_uv=False),
        scipy.linalg.eigh(matrix + matrix.T, eigvals_only=True),
        scipy.linalg.lu_factor(regular)[0],
        scipy.special.expit(matrix),
        np.exp(matrix),
        np.log1p(matrix),
        np.tanh(matrix),
        np.power(matrix, 1.3),
        matrix.sum(axis=0),
        matrix.ravel().var(),
        np.sort(np.sin(matrix), axis=None),
        np.array([math.exp(x) + math.log1p(x) + math.pow(x, 0.7) for x in numbers]),
    ]
    digest = hashlib.sha256()
    for result in results:
        digest.update(result.tobytes())
    return digest.hexdigest()[:16]


def threads() -> dict[str, int]:
    """Return library -> threads that it uses, of those that this process has loaded by now."""
    import sklearn  # noqa: F401  # loads those that a model is fitted with
    from threadpoolctl import threadpool_info

    pools = [(str(pool["prefix"]), int(pool["num_threads"])) for pool in threadpool_info()]
    return dict(sorted(pools))


def machine(pinned: bool) -> dict[str, Any]:
    """Return what of this machine can shape the bytes of a model; ``pinned``: after ``pin``."""
    return {
        "system": platform.system(),
        "architecture": platform.machine(),
        "cores": os.cpu_count(),
        "numerics_pinned": pinned,
        "numerics": fingerprint(),
        "threads": threads(),
    }


def _settings() -> dict[str, str]:
    settings = dict.fromkeys(_ONE_THREAD, "1")
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return settings
    if _has_avx2():
        # OpenBLAS' routines for AVX2, whatever else the processor can do.
        settings["OPENBLAS_CORETYPE"] = "Haswell"
    names = _avx512_names()
    if names:
        settings["NPY_DISABLE_CPU_FEATURES"] = names
    return settings


def _has_avx2() -> bool:
    """Whether AVX2 is known to be there; OpenBLAS would crash without it and does not look."""
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8", errors="replace") as lines:
            flags = next((line for line in lines if line.startswith("flags")), "")
    except OSError:  # not Linux
        return False
    return {"avx2", "fma"} <= set(flags.split())


def _avx512_names() -> str:
    try:
        major, minor = version("numpy").split(".")[:2]
    except PackageNotFoundError:  # what comes next says so better
        return ""
    return _AVX512 if (int(major), int(minor)) >= (2, 4) else _AVX512_BEFORE_2_4
