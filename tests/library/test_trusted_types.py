"""A model file that was changed or made by someone else is not loaded, and runs nothing."""

import json
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pytest
import skops.io
from sklearn.naive_bayes import GaussianNB

from mlrepo.core import files
from mlrepo.core.errors import ProjectError
from mlrepo.learning import model_file
from penguins import model as architecture

PACKAGE = "penguins"
INPUTS = np.arange(40.0).reshape(20, 2)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A saved model, alone with its SHA-256 in a folder."""
    path = tmp_path / "models" / "model.skops"
    model_file.save(GaussianNB().fit(INPUTS, INPUTS[:, 0] > 20), path)
    return path


@pytest.fixture
def traps(tmp_path: Path) -> Iterator[dict[str, dict[str, Any]]]:
    """Nodes of schema.json, each of which would make the file `ran` when it is built or used."""
    code = f"open({str(tmp_path / 'ran')!r}, 'w').close()"
    runs = Path(architecture.__file__).with_name("__main__.py")
    runs.write_text(f"{code}\n\ndef main(): pass\n", encoding="utf-8")
    arguments = sequence("tuple", text(code))
    run_code = function("builtins", "eval")
    method_caller = node("OperatorFuncNode", "operator", "methodcaller")
    transformer = node(
        "ObjectNode", "sklearn.preprocessing._function_transformer", "FunctionTransformer"
    )
    rest = {"args": sequence("tuple"), "kwds": mapping(), "namespace": mapping()}
    partial = {**rest, "func": run_code, "args": arguments}
    partials = [
        node("PartialNode", "functools", "partial") | content({**rest, "func": function(*name)})
        for name in (("sklearn.utils.validation", "check_array"), ("numpy", "exp"))
    ]
    yield {
        "a call of eval": call("builtins", "eval", text(code)),
        "a call of os.system": call("os", "system", text(f"echo > {tmp_path / 'ran'}")),
        "eval itself": run_code,
        "a partial": node("PartialNode", "functools", "partial") | content(partial),
        "a partial of another than the one that is trusted": sequence("list", *partials),
        "a bound method": node("MethodNode", "builtins", "dict")
        | content({"obj": mapping(), "func": "clear"}),
        "an operator": method_caller | {"attrs": sequence("tuple", text("clear"))},
        "a type": node("TypeNode", "subprocess", "Popen"),
        "a class that is called with a text": node("DictNode", "builtins", "dict")
        | {"content": {code: text("")}, "key_types": sequence("list", run_code)},
        "eval in a transformer": transformer | content(mapping(func=run_code)),
        "what the project imports": call(f"{PACKAGE}.train", "TrainingTable", text(code)),
        "what the project calls": call(f"{PACKAGE}.card", "main", text(code)),
        "a function of the project": function(f"{PACKAGE}.train", "main"),
        "a class of the library": node("ObjectNode", "mlrepo.core.params", "Csv")
        | content(mapping()),
        "a function of the library": function("mlrepo.core.files", "write_json"),
        "what the library calls": call("mlrepo.core.files", "write_json", text(code), text("")),
        "a module that runs when it is imported": function(f"{PACKAGE}.__main__", "main"),
    }
    runs.unlink()


CASES = [
    "a call of eval",
    "a call of os.system",
    "eval itself",
    "a partial",
    "a partial of another than the one that is trusted",
    "a bound method",
    "an operator",
    "a type",
    "a class that is called with a text",
    "eval in a transformer",
    "what the project imports",
    "what the project calls",
    "a function of the project",
    "a class of the library",
    "a function of the library",
    "what the library calls",
    "a module that runs when it is imported",
]


def node(loader: str, module: str, name: str) -> dict[str, Any]:
    return {"__loader__": loader, "__module__": module, "__class__": name}


def content(value: Any) -> dict[str, Any]:
    return {"content": value}


def text(value: str) -> dict[str, Any]:
    return node("JsonNode", "builtins", "str") | content(json.dumps(value)) | {"is_json": True}


def function(module: str, name: str) -> dict[str, Any]:
    return node("FunctionNode", module, name)


def call(module: str, name: str, *arguments: dict[str, Any]) -> dict[str, Any]:
    return node("ConstructorFromReduceNode", module, name) | content(sequence("tuple", *arguments))


def sequence(kind: str, *items: dict[str, Any]) -> dict[str, Any]:
    return node(f"{kind.title()}Node", "builtins", kind) | content(list(items))


def mapping(**items: dict[str, Any]) -> dict[str, Any]:
    keys = sequence("list", *[node("TypeNode", "builtins", "str")] * len(items))
    return node("DictNode", "builtins", "dict") | content(items) | {"key_types": keys}


def put(path: Path, data: bytes) -> None:
    """Write a model file with the SHA-256 that belongs to it."""
    path.write_bytes(data)
    sidecar = path.with_name(f"{path.name}.sha256")
    sidecar.write_text(f"{files.sha256(path)}  {path.name}\n", encoding="utf-8")


def put_schema(path: Path, schema: str) -> None:
    with ZipFile(path, "w") as archive:
        archive.writestr("schema.json", schema)
    put(path, path.read_bytes())


@pytest.mark.parametrize("protocol", [0, 2])
@pytest.mark.parametrize("case", CASES)
def test_a_file_that_would_run_code_is_refused(
    case: str, protocol: int, path: Path, traps: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    put_schema(path, json.dumps(traps[case] | {"protocol": protocol}))
    message = r"model\.skops .*not trusted|cannot be in a model file|model\.skops cannot be read"
    with pytest.raises(ProjectError, match=message):
        model_file.load(path)
    assert not (tmp_path / "ran").exists()


def test_the_traps_are_real(path: Path, traps: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    for case in ("a call of eval", "a call of os.system"):
        put_schema(path, json.dumps(traps[case] | {"protocol": 2}))
        skops.io.load(path, trusted=["builtins.eval", "os.system"])
        (tmp_path / "ran").unlink()


class Trap:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (open, (str(self.path), "w"))


def test_a_pickle_is_refused_and_not_opened(path: Path, tmp_path: Path) -> None:
    put(path, pickle.dumps(Trap(tmp_path / "ran")))
    with pytest.raises(ProjectError, match="no skops file"):
        model_file.load(path)
    assert not (tmp_path / "ran").exists()


def test_one_changed_byte_is_found_before_anything_else(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(ProjectError, match=r"is not the file that was saved.*`dvc checkout .*`"):
        model_file.load(path)


def test_a_file_cut_short_is_refused(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:-100])
    with pytest.raises(ProjectError, match="is not the file that was saved"):
        model_file.load(path)
    put(path, data[:-100])
    with pytest.raises(ProjectError, match="is cut short"):
        model_file.load(path)


@pytest.mark.parametrize(
    "schema",
    [
        "{",
        "[]",
        "{}",
        '{"protocol": 99}',
        '{"protocol": 2}',
        json.dumps(node("NoSuchNode", "builtins", "dict") | {"protocol": 2}),
        json.dumps(node("NdArrayNode", "numpy", "ndarray") | {"protocol": 2, "type": "numpy"}),
        json.dumps(
            node("NdArrayNode", "numpy", "ndarray")
            | {"protocol": 2, "type": "numpy", "file": "gone.npy"}
        ),
        json.dumps(function(f"{PACKAGE}.no_such_module", "main") | {"protocol": 2}),
    ],
)
def test_a_malformed_schema_is_one_message(schema: str, path: Path) -> None:
    put_schema(path, schema)
    with pytest.raises(ProjectError, match=r"model\.skops cannot be read"):
        model_file.load(path)


def test_a_zip_of_something_else_is_refused(path: Path) -> None:
    with ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")
    put(path, path.read_bytes())
    with pytest.raises(ProjectError, match=r"cannot be read .*schema\.json"):
        model_file.load(path)


def test_a_damaged_array_is_refused(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[data.index(b"NUMPY") + 120] ^= 1
    put(path, bytes(data))
    with pytest.raises(ProjectError, match=r"cannot be read .*CRC"):
        model_file.load(path)


def test_a_trusted_file_without_an_estimator_is_refused(path: Path) -> None:
    put_schema(path, json.dumps(mapping() | {"protocol": 2}))
    with pytest.raises(ProjectError, match="holds a dict and no estimator"):
        model_file.load(path)


def test_a_missing_model_is_one_message(path: Path) -> None:
    path.unlink()
    with pytest.raises(ProjectError, match=r"model\.skops is missing: `dvc checkout .*skops`"):
        model_file.load(path)


def test_a_missing_or_strange_sha256_is_one_message(path: Path) -> None:
    sidecar = path.with_name("model.skops.sha256")
    right = sidecar.read_text(encoding="utf-8")
    for wrong in ("", "abc  model.skops\n", right.replace("model", "other"), right * 2):
        sidecar.write_text(wrong, encoding="utf-8")
        with pytest.raises(ProjectError, match=r"does not hold the SHA-256 of model\.skops"):
            model_file.load(path)
    sidecar.unlink()
    with pytest.raises(ProjectError, match=r"sha256 is missing.*`dvc checkout .*sha256`"):
        model_file.load(path)
