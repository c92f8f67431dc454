"""The services that bench_serve.py compares."""

import json
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from baked import Bench
from bench_predict import LOGISTIC
from wrk_said import Load

ROW = {
    "species": "Adelie",
    "island": "Biscoe",
    "bill_length_mm": 40.1,
    "bill_depth_mm": 18.2,
    "flipper_length_mm": 181,
    "body_mass_g": 4000,
    "year": 2007,
}
PANDAS = """
import sys
from pathlib import Path
import pandas as pd
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from mlrepo.learning import model_file

model = model_file.load(Path("models/model.skops"))
app = FastAPI()


class Row(BaseModel):
    species: str
    island: str
    bill_length_mm: float | None
    bill_depth_mm: float | None
    flipper_length_mm: int | None
    body_mass_g: int | None
    year: int


@app.post("/predict")
def predict(row: Row) -> dict:
    x = pd.DataFrame([row.model_dump()])
    shares = dict(zip(model.classes_.tolist(), model.predict_proba(x)[0].tolist()))
    return {{"prediction": model.predict(x)[0], "probabilities": shares}}


uvicorn.run(app, port=int(sys.argv[1]), access_log=False)
"""
TO_MLFLOW = """
import sys
import mlflow.sklearn
import skops.io

types = skops.io.get_untrusted_types(file="models/model.skops")
model = skops.io.load("models/model.skops", trusted=types)
mlflow.sklearn.save_model(model, sys.argv[1], serialization_format="cloudpickle")
"""
WRK = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = [[{}]]
"""
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


@dataclass(frozen=True)
class Service:
    """How one of the services is started and asked."""

    name: str
    command: list[str]
    path: str
    body: Any
    variables: dict[str, str]


class Served(Bench):
    """A project with a version in production, and the services for it."""

    def __init__(self, folder: Path, project: Path | None = None) -> None:
        """Generate the project, or copy one with a service, and release two versions."""
        super().__init__(folder, "service=fastapi", project=project)
        self._train(LOGISTIC)
        if project is None:
            self.set_up(self.project)
        else:
            self._say("dvc", "repro", "--quiet")
            self._commit("Logistic")
        origin = str(folder / "origin.git")
        self._say("git", "init", "--quiet", "--bare", origin)
        self._say("git", "remote", "add", "origin", origin)
        self._release()
        again = {**LOGISTIC, "arguments": {"max_iter": 1000, "C": 0.5}}
        self._train(again)
        self._say("dvc", "repro", "--quiet")
        self._commit("Again")
        self._release()
        self.promote("v1.1")

    def promote(self, version: str) -> None:
        """Bring a version into the stage that is served; it has no gate."""
        self._say("model", "promote", version, "staging", "-m", "Benchmark")

    def ours(self) -> Service:
        """Return the project's own service."""
        command = ["model", "serve", "--stage", "staging", "--poll", "1", "--port"]
        return Service("model serve", command, "/predict", ROW, {})

    def pandas(self) -> Service:
        """Return the plain service; pandas is in a folder of its own."""
        extra = str(self.folder / "pandas")
        install = ["uv", "pip", "install", "--quiet", "--python", self.python, "--target", extra]
        self._say(*install, "--no-deps", "pandas", "python-dateutil", "six")
        command = [self.python, "-c", PANDAS.format(self.baked.name)]
        return Service("FastAPI + pandas", command, "/predict", ROW, {"PYTHONPATH": extra})

    def mlflow(self) -> Service | None:
        """Return MLflow's service, if it can be installed."""
        venv, model = self.folder / "mlflow", str(self.folder / "mlflow-model")
        freeze = subprocess.run(
            ["uv", "pip", "freeze", "--python", self.python], capture_output=True, text=True
        )
        same = re.findall(r"^(?:scikit-learn|numpy|scipy|skops)==.*", freeze.stdout, re.MULTILINE)
        python = str(venv / "bin/python")
        try:
            self._say("uv", "venv", "--quiet", "--python", self.python, str(venv))
            self._say("uv", "pip", "install", "--quiet", "--python", python, "mlflow", *same)
            quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "PATH": f"{venv}/bin:/usr/bin:/bin"}
            self.run(self.project, python, "-c", TO_MLFLOW, model, **quiet)
        except SystemExit as error:
            print(f"MLflow is left out: {str(error)[-300:]}", file=sys.stderr)
            return None
        command = [str(venv / "bin/mlflow"), "models", "serve", "-m", model]
        command += ["--env-manager", "local", "--workers", "1", "--port"]
        body = {"dataframe_records": [ROW]}
        return Service("mlflow models serve", command, "/invocations", body, quiet)

    @contextmanager
    def running(self, service: Service, port: int) -> Iterator[str]:
        """Run a service until the block ends; yield what it predicts for the row."""
        path = f"{Path(self.python).parent}:{self.environment['PATH']}"
        variables = {**self.environment, "PATH": path, **ONE_THREAD, **service.variables}
        with (self.folder / f"{service.name.split()[0]}.log").open("w") as log:
            process = subprocess.Popen(
                [*service.command, str(port)],
                cwd=self.project,
                env=variables,
                stdout=log,
                stderr=log,
            )
            try:
                yield wait(service, port, process)
            finally:
                process.terminate()
                process.wait()

    def load(self, service: Service, port: int, clients: int, seconds: float) -> Load:
        """Let wrk ask."""
        said = self.wrk(service, port, clients, seconds).communicate()[0]
        return Load.of(said)

    def wrk(
        self, service: Service, port: int, clients: int, seconds: float
    ) -> "subprocess.Popen[str]":
        """Start wrk."""
        script = self.folder / "post.lua"
        script.write_text(WRK.format(json.dumps(service.body)), encoding="utf-8")
        address = f"http://127.0.0.1:{port}{service.path}"
        options = ["-t1", f"-c{clients}", f"-d{seconds:.0f}s", "--timeout", "30s", "--latency"]
        command = ["wrk", *options, "-s", str(script), address]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def _train(self, train: dict[str, Any]) -> None:
        params = self.project / "params.yaml"
        content = yaml.safe_load(params.read_text(encoding="utf-8"))
        content["train"] |= train
        content["train"]["preprocessing"]["numbers"]["scale"] = "standard"
        params.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")

    def _release(self) -> None:
        self._say("dvc", "push", "--quiet")
        self._say("git", "push", "--quiet", "--no-verify", "origin", "HEAD")
        self._say("model", "register", "-m", "Benchmark")

    def _commit(self, message: str) -> None:
        # The hook of a project that was given looks for an environment in the copy.
        self._say("git", "commit", "--quiet", "--no-verify", "--all", "--message", message)

    def _say(self, *command: str) -> None:
        self.run(self.project, *command)


def ask(port: int, path: str, body: object = None) -> bytes:
    """Ask once."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        content: bytes = answer.read()
    return content


def wait(service: Service, port: int, process: "subprocess.Popen[bytes]") -> str:
    """Wait for the first answer and return its prediction."""
    end = time.monotonic() + 120
    while True:
        try:
            said = json.loads(ask(port, service.path, service.body))
        except OSError:
            if process.poll() is not None or time.monotonic() > end:
                sys.exit(f"error: {service.name} does not answer")
            time.sleep(0.2)
            continue
        label = said.get("prediction") or said["predictions"][0]
        print(f"{service.name} says {label}", file=sys.stderr)
        return str(label)
