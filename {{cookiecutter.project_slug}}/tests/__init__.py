"""Tests of the pipeline: run them with ``pytest``."""
