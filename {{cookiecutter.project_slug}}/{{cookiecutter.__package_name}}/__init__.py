"""The pipeline of this project: one module a stage, run as ``python -m <package>.<stage>``."""
