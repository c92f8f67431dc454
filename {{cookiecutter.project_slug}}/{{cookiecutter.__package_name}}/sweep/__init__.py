"""Many small experiments for the price of their stages: `model sweep`."""

from pathlib import Path

PATH = Path("sweep.yaml")  # what is tried, unless another file is named
