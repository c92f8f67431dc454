"""`python -m mlrepo.core.environment`: write env.json, if params.yaml asks for what is possible.

Apart from what steps import: the check asks the owner's code, which shapes none of their outputs.
"""

from mlrepo.core.environment import describe
from mlrepo.core.errors import exit_with_message
from mlrepo.core.files import write_json
from mlrepo.core.paths import ENVIRONMENT


def main() -> None:
    """Write env.json, after what params.yaml asks for was found to be possible."""
    # Here, so that a package which is missing is named in words.
    from mlrepo.core import owner, params_check

    found = describe()
    params_check.refuse_mistakes(owner.load_params())
    write_json(ENVIRONMENT, found)


if __name__ == "__main__":
    exit_with_message(main)
