"""Bring the tracker up to date after a job: what it lacks is reported, and fails nothing."""

import os
import subprocess
import sys

from mlrepo.ci.job import begin, say
from mlrepo.pipeline.dvc import variables

# Either says that there is a tracker beyond the disk of this job.
SETTINGS = ("MLFLOW_TRACKING_URI", "WANDB_API_KEY")


def mirror() -> None:
    """Run `model mirror`, and send to W&B what it writes."""
    for name, value in dict(os.environ).items():
        # What a provider does not know comes as an empty text, which the trackers take as one.
        if name.startswith(("MLFLOW_", "WANDB_")) and not value:
            del os.environ[name]
    if not any(os.environ.get(name) for name in SETTINGS):
        print(f"Neither {' nor '.join(SETTINGS)} is set, so nothing is mirrored.")
        return
    begin()
    commands = [["mlrepo.commands", "mirror"]]
    if os.environ.get("WANDB_API_KEY"):
        commands.append(["wandb", "sync", "--yes"])
    for command in commands:
        say(" ".join(command))
        done = subprocess.run([sys.executable, "-m", *command], env=variables(), check=False)
        if done.returncode:
            print("The tracker is not complete, see above; the next job tries again.")
            return
