"""A model file that would run code is refused by `evaluate`, and the code is not run."""

import io
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from conftest import Project
from helpers import Copy, copy_again, copy_project
from spoil import MODEL, model

# What would be left behind, in the folder of the project.
RAN = "ran"
Node = dict[str, Any]


class Call:
    """When it is unpickled, a shell command runs."""

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return __import__("os").system, (f"echo > {RAN}",)


def node(loader: str, module: str, name: str, **more: object) -> Node:
    """A node of skops' schema.json, from which one object is built."""
    return {"__loader__": loader, "__module__": module, "__class__": name, **more}


def text(value: str) -> Node:
    return node("JsonNode", "builtins", "str", content=json.dumps(value), is_json=True)


def listing(kind: str, *items: Node) -> Node:
    return node(f"{kind.title()}Node", "builtins", kind, content=list(items))


def call(module: str, name: str, argument: str) -> Node:
    content = listing("tuple", text(argument))
    return node("ConstructorFromReduceNode", module, name, content=content)


def skops_file(tree: Node, **members: bytes) -> bytes:
    file = io.BytesIO()
    with ZipFile(file, "w") as archive:
        archive.writestr("schema.json", json.dumps({**tree, "protocol": 2}))
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


EVAL = node("FunctionNode", "builtins", "eval")
CODE = f"open({RAN!r}, 'w').close()"
# An array of objects is a pickle behind a header of NumPy's.
HEADER = b"{'descr': '|O', 'fortran_order': False, 'shape': (1,)}".ljust(117) + b"\n"
OBJECTS = b"\x93NUMPY\x01\x00" + len(HEADER).to_bytes(2, "little") + HEADER

# What the file is, and what the message says of it.
FILES: dict[str, tuple[bytes, str]] = {
    "a call of os.system": (skops_file(call("os", "system", f"echo > {RAN}")), "os.system"),
    "a call of eval": (skops_file(call("builtins", "eval", CODE)), "builtins.eval"),
    "eval as a key type": (
        skops_file(
            node(
                "DictNode",
                "builtins",
                "dict",
                content={CODE: text("")},
                key_types=listing("list", EVAL),
            )
        ),
        "builtins.eval",
    ),
    "a pickle": (pickle.dumps(Call()), "is no skops file"),
    "a pickle in a zip": (
        skops_file(text(""), **{"model.pkl": pickle.dumps(Call())}),
        "holds a str and no estimator",
    ),
    "a pickle in an array": (
        skops_file(
            node("NdArrayNode", "numpy", "ndarray", type="numpy", file="a.npy"),
            **{"a.npy": OBJECTS + pickle.dumps([Call()])},
        ),
        "cannot be read",
    ),
}
# How each file is opened by someone who trusts it: then the code does run.
TRUSTING = {
    "a pickle": "import pickle; pickle.load(open('models/model.skops', 'rb'))",
    "a pickle in a zip": (
        "import pickle, zipfile; f = zipfile.ZipFile('models/model.skops')\n"
        "pickle.loads(f.read('model.pkl'))"
    ),
    "a pickle in an array": (
        "import io, numpy, zipfile; f = zipfile.ZipFile('models/model.skops')\n"
        "numpy.load(io.BytesIO(f.read('a.npy')), allow_pickle=True)"
    ),
}
SKOPS = (
    "import skops.io; skops.io.load('models/model.skops', trusted=['os.system', 'builtins.eval'])"
)


@pytest.fixture(scope="module")
def whole(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Copy:
    return copy_project(project, tmp_path_factory.mktemp("models") / "penguins")


@pytest.fixture(params=FILES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def copy(whole: Copy, name: str, tmp_path: Path) -> Copy:
    copy = copy_again(whole, tmp_path / "penguins")
    content, _ = FILES[name]
    model(content)(copy.path)
    return copy


def test_a_model_file_that_would_run_code(copy: Copy, name: str) -> None:
    scores = copy.lines("reports/scores.csv")
    result = copy.run("python", "-m", "mlrepo", "evaluate", check=False)
    assert result.returncode == 2, result.stderr
    assert result.stderr.startswith(f"error: {MODEL} ")
    assert FILES[name][1] in result.stderr
    assert "dvc checkout" in result.stderr
    assert "Traceback" not in result.stderr
    assert not (copy.path / RAN).exists()
    assert copy.lines("reports/scores.csv") == scores


def test_the_code_is_real(copy: Copy, name: str) -> None:
    copy.run("python", "-c", TRUSTING.get(name, SKOPS), check=False)
    assert (copy.path / RAN).exists()
