"""Predict for a table of any size. Read `chosen` (which model), `batch` (what is done), `run`."""
