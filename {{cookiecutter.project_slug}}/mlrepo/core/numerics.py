"""The same arithmetic on every machine, as far as that goes.

Sums of floats depend on the order of their terms: on the number of threads and on the vector
instructions of the processor. NumPy and its libraries choose both while they are imported, from
environment variables, so ``pin`` has to come before them. Processors of other makers or without
AVX2 can still differ in the last bit: `learning.fingerprint` tells them apart.

`python -m mlrepo.core.numerics dask worker ADDRESS` runs any command with these settings.
"""

import os
import platform
import sys
from pathlib import Path
from typing import Final

from mlrepo.core.environment import installed
from mlrepo.core.errors import ProjectError, exit_with_message

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
    """
    settings = _settings()
    if "numpy" in sys.modules:
        if any(os.environ.get(name) != value for name, value in settings.items()):
            raise ProjectError(
                "numpy is imported before numerics.pinned can take effect: import it in pages, and "
                "neither in params.py nor in what that imports"
            )
        return
    # NumPy refuses to start when features are enabled and disabled by name at once.
    os.environ.pop("NPY_ENABLE_CPU_FEATURES", None)
    os.environ.update(settings)


def _settings() -> dict[str, str]:
    settings = dict.fromkeys(_ONE_THREAD, "1")
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return settings
    if _has_avx2():
        # OpenBLAS' routines for AVX2, whatever else the processor can do.
        settings["OPENBLAS_CORETYPE"] = "Haswell"
    version = installed().get("numpy")
    if version:  # else what comes next says so better
        major, minor = version.split(".")[:2]
        names = _AVX512 if (int(major), int(minor)) >= (2, 4) else _AVX512_BEFORE_2_4
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


def main() -> None:
    """Become the command of the command line, with one thread and one instruction set."""
    command = sys.argv[1:]
    if not command:
        raise ProjectError("say which command, such as `dask worker tcp://127.0.0.1:8786`")
    pin()
    try:
        os.execvp(command[0], command)
    except FileNotFoundError:
        raise ProjectError(f"{command[0]} is not there: run `uv sync --extra cluster`") from None


if __name__ == "__main__":
    exit_with_message(main)
