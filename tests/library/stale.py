"""A pipeline of three stages in two folders, and all that can make its dvc.lock stale."""

import hashlib
from collections.abc import Callable
from pathlib import Path

FILES = {
    ".dvc/config": "[core]\n    no_scm = True\n    analytics = false\n    check_update = false\n",
    "params.yaml": "join: {depth: 3, seed: 0, names: [a, b]}\ncount: {to: rows.txt, top: 5}\n",
    "env.json": '{"python": "3.12", "numpy": {"numpy": "2.3.0"}}\n',
    "copy.py": "import shutil, sys\nshutil.copyfile(sys.argv[1], sys.argv[2])\n",
    "data/table.csv": "a,b\n1,2\n",
    "data/parts/1.csv": "a\n1\n",
    "data/parts/deep/2.csv": "a\n2\n",
    "code/one.py": "ONE = 1\n",
    "code/deep/two.py": "TWO = 2\n",
    "dvc.yaml": r"""
stages:
  join:
    cmd: [python copy.py data/table.csv joined.csv, python copy.py data/parts/1.csv rest.csv]
    params: [join, env.json: [python]]
    deps: [data/table.csv, data/parts/, data/parts/1.csv, ./copy.py]
    outs: [joined.csv, rest.csv]
  count:
    cmd: python copy.py joined.csv ${count.to} '\${top}'
    params: [count.to, count.top]
    deps: [joined.csv, copy.py]
    metrics: [{"${count.to}": {cache: false}}]
""",
    "below/params.yaml": "to: third.txt\n",
    "below/dvc.yaml": """
stages:
  third: {wdir: .., cmd: 'python copy.py copy.py ${to}', deps: [copy.py, code/], outs: ['${to}']}
""",
    # What Git ignores is no part of the project.
    ".gitignore": "/ignored/\n",
    "ignored/dvc.yaml": "stages: [",
    ".dvcignore": "/ignored/\n__pycache__/\n*~\n",
}
THIRD = "below/dvc.yaml:third"


def edit(name: str, old: str = "", new: str = "") -> None:
    """Change a file of the current folder; without ``old`` add a line."""
    path = Path(name)
    text = path.read_bytes().decode()
    assert old in text
    path.write_bytes((text.replace(old, new) if old else f"{text}{new}\n").encode())


def md5(name: str) -> str:
    return hashlib.md5(Path(name).read_bytes(), usedforsecurity=False).hexdigest()


def new_table() -> None:
    """Do what `dvc add` does with a changed table."""
    old = md5("data/table.csv")
    edit("data/table.csv", "1,2", "1,3")
    edit("data/table.csv.dvc", old, md5("data/table.csv"))


def new_folder() -> None:
    """Do the same with a changed folder; its digest here is any other."""
    edit("data/parts/deep/2.csv", "2", "3")
    edit("data/parts.dvc", "md5: ", "md5: 0")


def unseen(stage: str, name: str, kind: str) -> str:
    fix = f"which `dvc repro` does not see: run `dvc repro -f -s {stage}`"
    return f"{stage}: {name} is no longer among its {kind}, {fix}"


def apart(name: str) -> str:
    fix = f"`dvc add {name}` takes the change, `dvc checkout {name}.dvc` drops it"
    return f"join: {name} is not what {name}.dvc says: {fix}"


# What is done -> what is reported.
CHANGES: dict[str, tuple[Callable[[], None], list[str]]] = {
    "a param": (
        lambda: edit("params.yaml", "depth: 3", "depth: 4"),
        ["join: params.yaml: join.depth was 3, is 4"],
    ),
    "an item of a list": (
        lambda: edit("params.yaml", "[a, b]", "[a, c]"),
        ["join: params.yaml: join.names was ['a', 'b'], is ['a', 'c']"],
    ),
    "a param less": (
        lambda: edit("params.yaml", "seed: 0, ", ""),
        ["join: params.yaml: join.seed was 0, is <absent>"],
    ),
    "a param more": (
        lambda: edit("params.yaml", "seed: 0", "seed: 0, new: 1"),
        ["join: params.yaml: join.new was <absent>, is 1"],
    ),
    "a param of another file": (
        lambda: edit("env.json", "3.12", "3.13"),
        ["join: env.json: python was 3.12, is 3.13"],
    ),
    "a param more of the stage": (
        lambda: edit("dvc.yaml", "[python]", "[python, numpy]"),
        ["join: env.json: numpy.numpy was <absent>, is 2.3.0"],
    ),
    "a param less of the stage": (
        lambda: edit("dvc.yaml", "[count.to, count.top]", "[count.to]"),
        [unseen("count", "params.yaml: count.top", "params")],
    ),
    "a file of params less of the stage": (
        lambda: edit("dvc.yaml", "[join, env.json: [python]]", "[join]"),
        [unseen("join", "env.json", "params")],
    ),
    "code": (
        lambda: edit("copy.py", new="# more"),
        [f"{name}: copy.py has changed" for name in ("join", "count", THIRD)],
    ),
    "code in a folder": (
        lambda: edit("code/deep/two.py", "2", "3"),
        [f"{THIRD}: code has changed"],
    ),
    "code more in a folder": (
        lambda: Path("code/more.py").touch(),
        [f"{THIRD}: code has changed"],
    ),
    "code less in a folder": (
        lambda: Path("code/one.py").unlink(),
        [f"{THIRD}: code has changed"],
    ),
    "code that is gone": (
        lambda: Path("copy.py").unlink(),
        [
            f"{name}: copy.py does not exist: `dvc checkout` brings files of DVC's back, `git "
            "checkout HEAD -- copy.py` those of Git's"
            for name in ("join", "count", THIRD)
        ],
    ),
    "a dep less": (
        lambda: edit("dvc.yaml", "[joined.csv, copy.py]", "[joined.csv]"),
        [unseen("count", "copy.py", "deps")],
    ),
    "a dep more": (
        lambda: edit("dvc.yaml", "[joined.csv, copy.py]", "[joined.csv, copy.py, env.json]"),
        ["count: env.json is new among its deps"],
    ),
    "an output less": (
        lambda: edit("dvc.yaml", "[joined.csv, rest.csv]", "[joined.csv]"),
        [unseen("join", "rest.csv", "outs")],
    ),
    "an output more": (
        lambda: edit("dvc.yaml", "[joined.csv, rest.csv]", "[joined.csv, rest.csv, more.csv]"),
        ["join: more.csv is new among its outs"],
    ),
    "a command": (
        lambda: edit("dvc.yaml", "1.csv rest.csv", "deep/2.csv rest.csv"),
        ["join: its command has changed"],
    ),
    "a command below": (
        lambda: edit("below/dvc.yaml", "python copy.py", "python ./copy.py"),
        [f"{THIRD}: its command has changed"],
    ),
    "a value below": (
        lambda: edit("below/params.yaml", "third", "fourth"),
        [
            f"{THIRD}: its command has changed",
            unseen(THIRD, "third.txt", "outs"),
            f"{THIRD}: fourth.txt is new among its outs",
        ],
    ),
    "another name of a stage": (
        lambda: edit("dvc.yaml", "  count:\n", "  counts:\n"),
        ["counts: never run"],
    ),
    "a stage more": (
        lambda: edit("dvc.yaml", new="  more: {cmd: python copy.py env.json more.json}"),
        ["more: never run"],
    ),
    "a metric by hand": (
        lambda: edit("rows.txt", "1,2", "1,9"),
        ["count: rows.txt is not what the step wrote"],
    ),
    "a metric that is gone": (
        lambda: Path("rows.txt").unlink(),
        ["count: rows.txt is not what the step wrote"],
    ),
    "an output by hand": (
        lambda: edit("rest.csv", new="3"),
        ["join: rest.csv is not what the step wrote"],
    ),
    "a table with its pointer": (new_table, ["join: data/table.csv has changed"]),
    "a folder with its pointer": (new_folder, ["join: data/parts has changed"]),
    "a table without its pointer": (
        lambda: edit("data/table.csv", "1,2", "1,3"),
        [apart("data/table.csv")],
    ),
    "a folder without its pointer": (
        lambda: edit("data/parts/deep/2.csv", new="3"),
        [apart("data/parts")],
    ),
}
# Where DVC sees nothing (its issue 9913).
BLIND = [change for change in CHANGES if change.endswith("less of the stage")]
BLIND += ["a dep less", "an output less"]
