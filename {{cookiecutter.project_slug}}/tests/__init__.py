"""Tests of this project: its own code, its data, its pipeline, and one run from end to end."""
