"""Pinned processes compute alike, whatever the machine's settings say."""

import os
import platform
import subprocess
import sys

import pytest

from mlrepo.core import numerics
from mlrepo.core.errors import ProjectError

PRINT = "from mlrepo.learning import fingerprint; print(fingerprint.fingerprint())"
PIN = """
import sys
from mlrepo.core import numerics
numerics.pin()
assert "numpy" not in sys.modules
import numpy
"""


def run(script: str, **settings: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error::ImportWarning", "-c", script],
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_pinned_process_computes_the_same_under_any_settings() -> None:
    plain = run(PIN + PRINT)
    assert len(plain) == 16
    threads = {"OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2", "MKL_NUM_THREADS": "2"}
    assert run(PIN + PRINT, **threads, OPENBLAS_CORETYPE="Sandybridge") == plain
    # Beside the names that pin() disables, NumPy would refuse to start.
    assert run(PIN + PRINT, NPY_ENABLE_CPU_FEATURES="X86_V3") == plain


def test_avx512_is_off_and_numpy_knows_every_name_that_turns_it_off() -> None:
    # `run` turns NumPy's warning about unknown names into an error.
    script = "from numpy._core._multiarray_umath import __cpu_features__ as found\n"
    script += "print(sum(found.get(n, False) for n in ('X86_V4', 'AVX512_SKX', 'AVX512_ICL')))"
    assert run(PIN + script) == "0"


@pytest.mark.skipif(
    platform.system() != "Linux" or platform.machine() != "x86_64", reason="OpenBLAS on Linux"
)
def test_openblas_takes_the_pinned_routines() -> None:
    script = "import numpy.__config__ as c\nprint(c.CONFIG['Build Dependencies']['blas']['name'])"
    if "openblas" not in run(PIN + script) or not numerics._has_avx2():
        pytest.skip("this NumPy has another BLAS, or this processor no AVX2")
    command = [sys.executable, "-c", PIN]
    settings = {"OPENBLAS_VERBOSE": "2"}
    done = subprocess.run(
        command, env=os.environ | settings, capture_output=True, text=True, check=True
    )
    assert "Core: Haswell" in done.stderr + done.stdout


def test_pinning_too_late_is_an_error_and_pinning_twice_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in numerics._settings().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setitem(sys.modules, "numpy", sys)
    numerics.pin()
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    with pytest.raises(ProjectError, match=r"numpy is imported before numerics\.pinned"):
        numerics.pin()


def test_processors_get_only_the_settings_that_they_know(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    assert set(numerics._settings().values()) == {"1"}
    monkeypatch.setattr(platform, "machine", lambda: "AMD64")
    monkeypatch.setattr(numerics, "_has_avx2", lambda: False)
    monkeypatch.setattr(numerics, "installed", lambda: {"numpy": "2.3.5"})
    settings = numerics._settings()
    assert "OPENBLAS_CORETYPE" not in settings
    assert "AVX512_SKX" in settings["NPY_DISABLE_CPU_FEATURES"].split()
    monkeypatch.setattr(numerics, "installed", lambda: {"numpy": "2.4.0"})
    assert "X86_V4" in numerics._settings()["NPY_DISABLE_CPU_FEATURES"].split()
