"""Commands whose packages a project may lack exist all the same, and say how to add them."""

import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import TinyProject, render_yaml

RUN = """
import sys
absent = ["fastapi", "fastapi_offline", "uvicorn", "prometheus_client", "mlflow", "wandb"]
sys.modules.update(dict.fromkeys(absent))  # as if none of them were installed
from mlrepo.commands.app import main
main()
"""


@pytest.mark.parametrize(
    ("command", "option"),
    [("serve", '{"service": "fastapi"}'), ("mirror", '{"tracker": "mlflow"}')],
)
def test_one_message_says_how_to_add_them(tiny: TinyProject, command: str, option: str) -> None:
    render_yaml("dvc.yaml", "versions.yaml")
    subprocess.run(["git", "init", "--quiet"], check=True)
    ran = [sys.executable, "-c", RUN, command]
    done = subprocess.run(ran, capture_output=True, text=True, check=False, cwd=Path.cwd())
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert f"cruft update --variables-to-update '{option}'" in done.stderr
