"""`python -m mlrepo STAGE`: run a stage of the project, with DVC or without it."""

from mlrepo.core.run import main

main()
