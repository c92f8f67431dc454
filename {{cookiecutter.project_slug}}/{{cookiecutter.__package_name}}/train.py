"""The stage `train`: one fitted Pipeline, written as one file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .errors import run

if TYPE_CHECKING:
    from .fit import AfterFold


def main(after_fold: AfterFold | None = None) -> None:
    """Run the stage with the params of this folder."""
    # Imports wait until here, where `run` can say what is missing, and until
    # the settings are there that numpy reads when it is imported.
    from . import environment, numerics
    from .params import load_params

    params = load_params()
    if params.numerics.pinned:
        numerics.pin()
    environment.check()
    from . import cluster

    with cluster.connected(params.numerics.pinned):
        from .fit import train

        train(params, after_fold)


if __name__ == "__main__":
    run(main)
