"""The stage `evaluate`: what the model is worth on rows that it never saw."""

from .errors import run


def main() -> None:
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
        from .assess import evaluate

        evaluate(params)


if __name__ == "__main__":
    run(main)
