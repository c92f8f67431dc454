"""`python -m mlrepo.commands`: the command `model` by the Python that runs this."""

from mlrepo.commands.app import main

main()
