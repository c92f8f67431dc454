"""The stage `card`: what this commit's model is, for people."""

from .errors import run


def main() -> None:
    """Run the stage with the params of this folder."""
    # Imports wait until here, where `run` can say what is missing in the environment.
    from . import environment
    from .params import load_params

    params = load_params()
    environment.check()
    from .model_card import write

    write(params)


if __name__ == "__main__":
    run(main)
