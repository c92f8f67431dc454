"""How this process computes: what tells another machine's arithmetic from another model."""

import hashlib
import math
import os
import platform
from typing import Any

import numpy as np
import scipy.linalg  # has a BLAS of its own
import scipy.special
import sklearn  # noqa: F401  # loads the libraries that a model is fitted with
from threadpoolctl import threadpool_info


def fingerprint() -> str:
    """Return 16 hexadecimal digits that stand for how this process computes.

    They hash the results of fixed operations on matrices of shape (120, 120). Two processes with
    equal fingerprints should fit equal models; with others, a difference in a model says nothing.
    """
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


def machine(pinned: bool) -> dict[str, Any]:
    """Return what of this machine can shape a model's bytes; ``pinned``: after `numerics.pin`."""
    pools = [(str(pool["prefix"]), int(pool["num_threads"])) for pool in threadpool_info()]
    return {
        "system": platform.system(),
        "architecture": platform.machine(),
        "cores": os.cpu_count(),
        "numerics_pinned": pinned,
        "numerics": fingerprint(),
        "threads": dict(sorted(pools)),  # of the libraries that are loaded by now
    }
