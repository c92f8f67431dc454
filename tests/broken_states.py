"""Ways in which a project is found broken, and a call of each command."""

import shutil
import subprocess
from pathlib import Path

from spoil import MODEL, Spoil, all_of, flip_a_byte, params, remove, swap, write

CONFLICT = b"<<<<<<< HEAD\na: 1\n=======\na: 2\n>>>>>>> theirs\n"


def cut(name: str, share: float = 0.5) -> Spoil:
    """Leave the first part of a file, as a full disk does; it ends in the midst of a line."""

    def spoil(folder: Path) -> None:
        path = folder / name
        text = path.read_bytes()
        end = text.index(b":", int(len(text) * share))
        path.write_bytes(text[:end])

    return spoil


def conflict(name: str) -> Spoil:
    """Put the marks of a merge around two lines in the middle of a text file."""

    def spoil(folder: Path) -> None:
        path = folder / name
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        middle = len(lines) // 2
        lines[middle : middle + 1] = [
            *("<<<<<<< HEAD\n", lines[middle], "=======\n", lines[middle], ">>>>>>> theirs\n")
        ]
        path.write_text("".join(lines), encoding="utf-8")

    return spoil


def lose(*names: str) -> Spoil:
    """Delete folders, which may lie beside the project."""

    def spoil(folder: Path) -> None:
        for name in names:
            shutil.rmtree(folder / name)

    return spoil


def git(*arguments: str) -> Spoil:
    """Run a Git command."""
    return lambda folder: subprocess.run(["git", *arguments], cwd=folder, check=True)


def remote(address: str) -> Spoil:
    """Let DVC's remote be at an address."""
    return swap(".dvc/config", "^ *url = .*", f"    url = {address}")


CACHE, REMOTE, RAW = ".dvc/cache", "../penguins-remote", "data/raw/penguins.csv"
TEST = "data/prepared/test.parquet"
NEW_CLONE = all_of(lose(CACHE), remove(MODEL), remove(RAW))

STATES: dict[str, Spoil] = {
    "dvc.yaml: a bracket is not closed": swap("dvc.yaml", "^stages:", "stages: ["),
    "dvc.yaml: deleted": remove("dvc.yaml"),
    "dvc.yaml: conflict": conflict("dvc.yaml"),
    "dvc.yaml: empty": write("dvc.yaml", b""),
    "dvc.yaml: a stage is a list": swap("dvc.yaml", "^stages:", "stages:\n  odd: [1]"),
    "dvc.yaml: not UTF-8": write("dvc.yaml", "stages: é".encode("utf-16")),
    "dvc.lock: conflict": conflict("dvc.lock"),
    "dvc.lock: deleted": remove("dvc.lock"),
    "dvc.lock: cut short": cut("dvc.lock"),
    "dvc.lock: empty": write("dvc.lock", b""),
    "dvc.lock: a list": write("dvc.lock", b"- 1\n"),
    "params.yaml: cut short": swap("params.yaml", r"^train:(?s:.*)", "train"),
    "params.yaml: deleted": remove("params.yaml"),
    "params.yaml: conflict": conflict("params.yaml"),
    "params.yaml: empty": write("params.yaml", b""),
    "params.yaml: a number in place of a section": params({"train": 3}),
    "params.yaml: a tab": swap("params.yaml", "^  task:", "\ttask:"),
    "schema.yaml: deleted": remove("schema.yaml"),
    "schema.yaml: conflict": conflict("schema.yaml"),
    "schema.yaml: empty": write("schema.yaml", b""),
    "versions.yaml: conflict": conflict("versions.yaml"),
    "versions.yaml: deleted": remove("versions.yaml"),
    "sweep.yaml: conflict": conflict("sweep.yaml"),
    ".dvc/config: conflict": conflict(".dvc/config"),
    ".dvc/config: no remote": write(".dvc/config", b"[core]\n    analytics = false\n"),
    ".dvc/config: an unknown key": swap(".dvc/config", "^ *url =", "    nonsense = 1\n    url ="),
    ".dvc: deleted": lose(".dvc"),
    "raw data: the pointer has a conflict": conflict(f"{RAW}.dvc"),
    "raw data: the pointer is deleted": remove(f"{RAW}.dvc"),
    "raw data: lost": all_of(remove(RAW), lose(CACHE, REMOTE)),
    "the remote's drive is not mounted": lose(REMOTE),
    "the remote's drive is not mounted, in a new clone": all_of(NEW_CLONE, lose(REMOTE)),
    "the remote's server cannot be reached": remote("http://127.0.0.1:9/models"),
    "the remote's plug-in is not installed": remote("s3://bucket/models"),
    "cache and remote: lost": lose(CACHE, REMOTE),
    "cache: a file in the place of the folder": all_of(lose(CACHE), write(CACHE, b"")),
    "model: deleted": remove(MODEL),
    "model: damaged": flip_a_byte(MODEL),
    "prepared table: damaged": write(TEST, b"PAR1 PAR1"),
    "metrics: cut short": write("metrics/evaluate.json", b'{"a": '),
    "env.json: deleted": remove("env.json"),
    "env.json: conflict": conflict("env.json"),
    "env.json: a list": write("env.json", b"[]"),
    "pyproject.toml: conflict": conflict("pyproject.toml"),
    "uv.lock: conflict": conflict("uv.lock"),
    "uv.lock: deleted": remove("uv.lock"),
    "Git: no repository": lose(".git"),
    "Git: no commit": all_of(lose(".git"), git("init", "--quiet")),
    "Git: a damaged index": write(".git/index", b"DIRC"),
    "Git: a lock is left": write(".git/index.lock", b""),
    "Git: the remote is gone": lose("../origin.git"),
    "Git: no remote is chosen": all_of(
        git("remote", "rename", "origin", "ours"),
        git("remote", "add", "theirs", "../theirs.git"),
    ),
    "Git: not all is committed": params({"train.seed": 5}),
    "model.py: no Python": write("penguins/model.py", b"def save(:\n"),
    "params.py: no Python": write("penguins/params.py", b"class Params(:\n"),
}  # fmt: skip

# A call of each command.
COMMANDS: dict[str, str] = {
    "rebuild": "model verify v1.1 --rebuild",
    "ci report": "model ci report",
    "sweep": "model sweep",
    "ci verify": "model ci verify",
    "show": "model show",
    "ci train": "model ci train -S train.seed=1",
    "ci check": "model ci check",
    "prepare": "python -m mlrepo prepare",
    "train": "python -m mlrepo train",
    "evaluate": "python -m mlrepo evaluate",
    "stage card": "python -m mlrepo card",
    "environment": "python -m mlrepo.core.environment",
    "doctor": "model doctor",
    "doctor offline": "model doctor --offline",
    "start": "model start data/raw/penguins.csv --target sex --task classification"
    " --purpose Test --source Test --licence CC0-1.0 --limit None",
    "add": "model add second",
    "schema": "model schema --force",
    "status": "model status",
    "scores": "model scores",
    "push": "model push",
    "push all": "model push --all",
    "pull": "model pull",
    "pull all": "model pull --all",
    "remote": "model remote ../elsewhere",
    "links": "model links copies",
    "gc": "model gc --yes",
    "gc cloud": "model gc --cloud --dry-run",
    "history": "model history",
    "at": "model at 2999-01-01 prod",
    "diff": "model diff v1 v1.1",
    "card": "model card",
    "card of a version": "model card v1",
    "record": "model record v1",
    "get": "model get v1 -o ../out",
    "report": "model report -o ../report.html v1",
    "register": "model register -m Why",
    "promote": "model promote v1 prod -m Why",
    "rollback": "model rollback staging -m Why",
    "retire": "model retire prod -m Why",
    "deprecate": "model deprecate v1 -m Why",
    "approve": "model approve v1 --for prod -m Why",
    "reject": "model reject v1 --for prod -m Why",
    "note": "model note v1 -m Why",
    "countersign": "model countersign -m Why",
    "restore": "model restore v1",
    "verify": "model verify v1.1",
    "seal": "model seal",
    "gate": "model gate --against prod",
    "predict": "model predict data/raw/penguins.csv -o ../predicted.csv",
    "predict by a version": "model predict data/raw/penguins.csv -o ../predicted.csv --version v1",
    "serve": "model serve",
    "mirror": "model mirror",
    "from-mlflow": "model from-mlflow v1 -o ../out",
    "compare": "model compare models/model.skops models/model.skops data/prepared/test.parquet",
    "sweep apply": "model sweep apply",
    "ci release": "model ci release model@v1.0.0",
    "ci deploy": "model ci deploy model#prod#2",
    "ci mirror": "model ci mirror",
    "page": "model page -o ../page.html",
    "ci page": "model ci page",
}
