"""Many small experiments for the price of their stages: `model sweep`."""

from pathlib import Path

PATH = Path("sweep.yaml")  # what is tried, unless another file is named
TRIALS = "study.log"  # what was tried, in the folder of a sweep
