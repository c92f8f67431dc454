"""A release as a client gets it: a folder, an empty environment, and nothing of the repository."""

import csv
import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import run
from pages import console, section
from releases import RAW, Released, copied, flip, read_rows
from test_versions_predict import ADDED, IMPORT, OWN

FILES = {
    "MODEL_CARD.md", "VERSION.json", "bom.cdx.json", "code.zip", "example.csv", "model.skops",
    "model.skops.sha256", "predict.py", "provenance.slsa.json", "record.json", "requirements.txt",
    "schema.yaml",
}  # fmt: skip
# Of the first rows: (row, column, what stands there).
BAD = [(1, 2, "3"), (2, 0, "Emperor"), (3, 5, "heavy"), (4, 3, "1e9"), (5, 7, "")]


CASES = [("raw",), ("narrow",), ("values",), ("values", "--bad-rows", "set-aside")]


@dataclass(frozen=True)
class Client:
    """Who has the folder, some tables and an environment of its own."""

    folder: Path
    variables: dict[str, str]
    said: dict[str, tuple[int, str, bytes]]  # by the project, of the same tables

    @property
    def release(self) -> Path:
        return self.folder / "release"

    def run(self, *command: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        environment = {**self.variables, **variables}
        return run(*command, cwd=self.folder, environment=environment, check=False)

    def predict(self, name: str, *options: str) -> tuple[int, str, bytes]:
        """Return exit code, what went to standard error, and what was written."""
        output = self.folder / f"{name}.out.csv"
        table = str(self.folder / f"{name}.csv")
        done = self.run("python", "release/predict.py", table, "-o", str(output), *options)
        return done.returncode, done.stderr, _taken(output)


def _taken(output: Path) -> bytes:
    """Return predictions and bad rows, and take them away."""
    found = b""
    for path in (output, output.with_name(f"{output.stem}.bad.csv")):
        if path.exists():
            found += path.read_bytes()
            path.unlink()
    return found


def _write(path: Path, rows: list[list[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


@pytest.fixture(scope="module")
def client(two_versions: Released, tmp_path_factory: pytest.TempPathFactory) -> Client:
    """A model with a class of its own and a column that data.py makes, as v1.2.0."""
    copy = copied(two_versions, tmp_path_factory.mktemp("owner") / "copy")
    (copy.path / "penguins/same.py").write_text(OWN, encoding="utf-8")
    copy.edit(
        "penguins/model.py", "from .params import Params\n", f"from .params import Params\n{IMPORT}"
    )
    copy.edit("penguins/model.py", "steps: list[Any] = []", "steps: list[Any] = [Same()]")
    copy.edit("penguins/data.py", "\n    return table\n", ADDED)
    copy.ready("A class and a column of its own")
    copy.model("register", "-m", "A class and a column of its own")

    folder = tmp_path_factory.mktemp("client")
    copy.model("get", "v1.2", "-o", str(folder / "release"))
    shutil.copy(copy.path / RAW, folder / "raw.csv")
    shutil.copy(folder / "release/example.csv", folder / "example.csv")
    head, *rows = read_rows(copy)
    _write(folder / "narrow.csv", [row[1:] for row in (head, *rows)])
    for row, column, value in BAD:
        rows[row - 1][column] = value
    _write(folder / "values.csv", [head, *rows])
    said = {}
    for name, *options in CASES:
        output = folder / f"{name}.out.csv"
        table = str(folder / f"{name}.csv")
        asked = ("predict", table, "-o", str(output), "--version", "v1.2", *options)
        done = copy.model(*asked, check=False)
        said[" ".join([name, *options])] = (done.returncode, done.stderr, _taken(output))
    shutil.rmtree(copy.path.parent)  # out of reach from here on

    hidden = ("PATH", "VIRTUAL_ENV", "PYTHONPATH")
    variables = {k: v for k, v in copy.project.environment.items() if k not in hidden}
    scripts = folder / ".venv" / ("Scripts" if os.name == "nt" else "bin")
    variables["PATH"] = f"{scripts}{os.pathsep}{copy.project.environment['PATH']}"
    made = Client(folder, variables, said)
    python = json.loads((made.release / "VERSION.json").read_bytes())["python"]
    assert made.run("uv", "venv", "--quiet", "--python", python).returncode == 0
    bare = made.run("python", "release/predict.py", "release/example.csv", "-o", "out.csv")
    assert bare.returncode == 2
    assert "is not installed in" in bare.stderr
    assert "-m pip install --require-hashes -r" in bare.stderr
    install, _ = console(section(_card(made), "Use"))
    typed = install.replace("python -m pip", "uv pip").replace(" -r ", " -r release/")
    done = made.run(*typed.split())
    assert done.returncode == 0, done.stderr
    return made


def _card(client: Client) -> str:
    return (client.release / "MODEL_CARD.md").read_text(encoding="utf-8")


def test_it_holds_what_the_code_of_the_version_needs_and_no_more(client: Client) -> None:
    assert {path.name for path in client.release.iterdir()} == FILES
    facts = json.loads((client.release / "VERSION.json").read_bytes())
    assert {"penguins.same.Same", "sklearn.tree._tree.Tree"} <= set(facts["trusted"])
    locked = (client.release / "requirements.txt").read_text(encoding="utf-8")
    packages = set(re.findall(r"^([\w-]+)==", locked, re.MULTILINE))
    assert {"numpy", "polars", "pydantic", "scikit-learn", "skops"} < packages
    assert not packages & {"typer", "semver", "pathspec", "xgboost", "distributed", "dvc", "pytest"}
    assert locked.count("--hash=sha256:") >= len(packages) == len(re.findall(r"(?m)^\S+==", locked))
    for text in (locked, str(facts)):
        assert "://" not in text
        assert str(client.folder.parent) not in text


@pytest.mark.parametrize("case", CASES, ids=" ".join)
def test_it_says_of_a_table_what_the_project_says(client: Client, case: tuple[str, ...]) -> None:
    name, *options = case
    code, words, written = client.said[" ".join(case)]
    assert client.predict(name, *options) == (code, words, written)
    takes = name == "raw" or bool(options)
    assert (code, bool(written)) == ((0, True) if takes else (2, False))
    told = ["'3' in row 1", "below 20", "'Emperor' in row 2", "no integer", "'heavy' in row 3"]
    for word in {"narrow": ["lacks ['species']"], "values": told}.get(name, []):
        assert word in words + written.decode() or options


def test_its_card_is_true(client: Client) -> None:
    text = section(_card(client), "Use")
    *_, predict = console(text)
    done = run(*predict.split(), cwd=client.release, environment=client.variables)
    assert "1 row predicted by v1.2.0" in done.stdout
    (client.release / "predictions.csv").unlink()
    [script] = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    script += "print(type(model).__name__, list(model.classes_))"
    done = run("python", "-c", script, cwd=client.release, environment=client.variables)
    assert done.stdout.split(" ", 1)[0] == "Pipeline"


def test_only_the_released_bytes_and_types_are_loaded(client: Client, tmp_path: Path) -> None:
    shutil.copytree(client.release, tmp_path / "release")
    other = Client(tmp_path, client.variables, {})
    shutil.copy(client.folder / "example.csv", tmp_path)
    facts = tmp_path / "release/VERSION.json"
    text = facts.read_text(encoding="utf-8")
    facts.write_text(text.replace('"penguins.same.Same",', ""), encoding="utf-8")
    code, words, written = other.predict("example")
    assert (code, written) == (2, b"")
    assert "types that are not trusted" in words
    assert "penguins.same.Same" in words
    facts.write_text(text, encoding="utf-8")
    flip(tmp_path / "release/model.skops")
    code, words, _ = other.predict("example")
    assert code == 2
    assert "is not the file that was saved" in words
    assert "Traceback" not in words
