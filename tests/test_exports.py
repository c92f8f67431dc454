"""A version's record in the formats of others, judged by the validators of those formats."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Project
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from google.protobuf.json_format import ParseDict, ParseError
from helpers import Copy, clone, copy_again, copy_project, sha256
from in_toto_attestation.predicates.provenance.v1.provenance_pb2 import Provenance
from in_toto_attestation.v1.statement import Statement
from in_toto_attestation.v1.statement_pb2 import Statement as StatementMessage

Document = dict[str, Any]
Change = Callable[[Document], object]

# Renders the newest version as if its tag held the record of a file.
RENDER = """
import sys
from pathlib import Path
from mlrepo.versions.records.exports import render
from mlrepo.versions.registry import Registry
newest = Registry.load("model").newest()
vars(newest.tag)["message"] = "Notes\\n\\n" + Path(sys.argv[1]).read_text(encoding="utf-8")
print(render(newest, sys.argv[2]))
"""


def check_slsa(document: Document) -> None:
    """Raise ParseError or ValueError unless it is a Statement with SLSA provenance, v1."""
    message = ParseDict(document, StatementMessage(), ignore_unknown_fields=False)
    Statement.copy_from_pb(message).validate()
    provenance = ParseDict(document["predicate"], Provenance(), ignore_unknown_fields=False)
    # Protobuf requires no field; these are what SLSA requires.
    definition = provenance.build_definition
    if not (definition.build_type and definition.external_parameters.fields):
        raise ValueError("no build type or external parameters")
    if not provenance.run_details.builder.id:
        raise ValueError("no builder")


def check_cyclonedx(document: Document) -> None:
    """Raise ValueError unless it is a CycloneDX 1.6 BOM whose references lead somewhere."""
    error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(document))
    if error:
        raise ValueError(str(error.data.message))
    components = [document["metadata"]["component"], *document["components"]]
    known = [component["bom-ref"] for component in components]
    if len(known) != len(set(known)):
        raise ValueError("a bom-ref stands twice")
    used = {ref for each in document["dependencies"] for ref in (each["ref"], *each["dependsOn"])}
    model_card = components[0]["modelCard"]["modelParameters"]
    used |= {each["ref"] for each in model_card["datasets"]}
    if not used <= set(known):
        raise ValueError(f"no component is {used - set(known)}")


CHECKS = {"slsa": check_slsa, "cyclonedx": check_cyclonedx}


@pytest.fixture(scope="module")
def copy(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """A copy with one version."""
    made = copy_project(project, tmp_path_factory.mktemp("exports") / "penguins")
    made.run("dvc", "push")
    made.run("python", "-m", "mlrepo.commands", "register", "-m", "First")
    return made


def record(copy: Copy, form: str) -> str:
    return copy.run("python", "-m", "mlrepo.commands", "record", "v1", "--format", form).stdout


@pytest.fixture(scope="module")
def documents(copy: Copy) -> dict[str, Document]:
    """What `model record` prints, by format."""
    return {form: json.loads(record(copy, form)) for form in ("json", *CHECKS)}


def test_json_is_the_record_of_the_tag(copy: Copy, documents: dict[str, Document]) -> None:
    message = copy.git("tag", "--list", "--format=%(contents:body)", "model@v1.0.0")
    assert json.loads(message) == documents["json"]


def test_slsa_names_the_model_and_all_that_it_was_made_from(
    copy: Copy, documents: dict[str, Document]
) -> None:
    document = documents["slsa"]
    check_slsa(document)
    model = "models/model.skops"
    digest = {"sha256": sha256(copy.path / model)}
    assert document["subject"] == [{"name": model, "digest": digest}]

    definition = document["predicate"]["buildDefinition"]
    needed = {
        each.get("name", each.get("uri")): each for each in definition["resolvedDependencies"]
    }
    assert needed.pop("commit")["digest"] == {"gitCommit": copy.git("rev-parse", "HEAD")}
    files = {name: each["digest"] for name, each in needed.items() if "digest" in each}
    assert files == {name: {"sha256": sha256(copy.path / name)} for name in files}
    assert {"data/raw/penguins.csv", "schema.yaml", "uv.lock"} <= set(files)
    assert {"penguins/train.py", "mlrepo/core/params.py"} <= set(files)
    assert not [name for name in files if name.startswith(("models/", "data/prepared/"))]
    version = copy.read("env.json")["closures"]["scikit-learn"]["scikit-learn"]
    assert f"pkg:pypi/scikit-learn@{version}" in needed
    params = definition["externalParameters"]["params"]
    assert params["train"]["train"]["arguments"] == {"n_estimators": 100, "min_samples_leaf": 1}
    assert document["predicate"]["runDetails"]["builder"] == {"id": "mailto:test@example.com"}


@pytest.mark.parametrize(
    ("variables", "builder", "run"),
    [
        (
            {
                "GITHUB_REPOSITORY": "me/it",
                "GITHUB_SERVER_URL": "https://github.com",
                "GITHUB_RUN_ID": "7",
            },
            "https://github.com",
            "https://github.com/me/it/actions/runs/7",
        ),
        ({"CI_JOB_URL": "https://lab.example/a/-/jobs/1"}, "https://lab.example", None),
        ({"BUILD_URL": "http://ci.example:8080/job/a/1/"}, "http://ci.example:8080", None),
        ({"GITHUB_REPOSITORY": "me/it"}, "mailto:test@example.com", ""),
    ],
)
def test_the_builder_is_a_run_of_ci_where_one_registered(
    copy: Copy, tmp_path: Path, variables: dict[str, str], builder: str, run: str | None
) -> None:
    other = copy_again(copy, copy.path.parent / tmp_path.name)  # beside the same remote
    other.run("git", "commit", "--quiet", "--allow-empty", "--no-verify", "--message", "More")
    register = ("python", "-m", "mlrepo.commands", "register", "-m", "By a job")
    other.run(*register, check=True, **variables)
    document = other.json("python", "-m", "mlrepo.commands", "record", "v1.1", "--format", "slsa")
    check_slsa(document)
    details = document["predicate"]["runDetails"]
    assert details["builder"] == {"id": builder}
    address = next(iter(variables.values())) if run is None else run
    assert details.get("metadata", {}).get("invocationId", "") == address


def test_cyclonedx_describes_the_model_its_data_and_its_packages(
    copy: Copy, documents: dict[str, Document]
) -> None:
    document = documents["cyclonedx"]
    check_cyclonedx(document)
    model = document["metadata"]["component"]
    assert (model["type"], model["version"]) == ("machine-learning-model", "v1.0.0")
    hashes = {each["alg"]: each["content"] for each in model["hashes"]}
    assert hashes["SHA-256"] == sha256(copy.path / "models/model.skops")

    metrics = model["modelCard"]["quantitativeAnalysis"]["performanceMetrics"]
    overall = {each["type"]: float(each["value"]) for each in metrics if "slice" not in each}
    assert overall == copy.read("metrics/evaluate.json")["test"]
    bounds = metrics[0]["confidenceInterval"]
    assert [float(value) for value in bounds.values()] == documents["json"]["intervals"][
        metrics[0]["type"]
    ]
    assert {each["slice"] for each in metrics if "slice" in each} == {
        f"species: {name}" for name in ("Adelie", "Chinstrap", "Gentoo")
    }
    by_type = {each["type"]: each for each in document["components"]}
    assert by_type["data"]["name"] == "data/raw/penguins.csv"
    assert by_type["data"]["licenses"] == [{"license": {"name": "CC0-1.0"}}]
    names = {each["name"] for each in document["components"]}
    assert {"scikit-learn", "numpy", "skops", "scipy"} <= names


def test_a_clone_without_data_gives_the_same_bytes(copy: Copy, tmp_path: Path) -> None:
    other = clone(copy, tmp_path / "clone")
    for form in ("json", *CHECKS):
        assert record(other, form) == record(copy, form)


def folder_of_data(record: Document) -> None:
    part = {"md5": "0" * 32, "sha256": "1" * 64, "size": 1}
    record["files"][record["data"]["path"]] = {"md5": f"{'2' * 32}.dir", "parts": {"a.csv": part}}


def odd_packages(record: Document) -> None:
    packages = record["environment"]["packages"]
    packages["numpy"] = {"numpy": "2.3.0 or 2.4.0+local"}
    packages["ours"] = {"ours": "1.0 (git https://example.com/ours?rev=1)"}
    packages["estimator"] = {"lightgbm": "4.6.0", "numpy": "2.4.0+local"}
    record["architecture"]["estimator"] = "lightgbm.LGBMClassifier"


def regression(record: Document) -> None:
    record["architecture"] |= {"task": "regression", "classes": None}
    record["card"]["limits"] = []
    record["data"]["licence"] = "as agreed, not on SPDX's list"
    record["by"] = "Ö <ö|x@example.com>"


@pytest.mark.parametrize("form", CHECKS)
@pytest.mark.parametrize("change", [folder_of_data, odd_packages, regression])
def test_other_records_are_valid_as_well(
    copy: Copy, documents: dict[str, Document], tmp_path: Path, change: Change, form: str
) -> None:
    changed = json.loads(json.dumps(documents["json"]))
    change(changed)
    file = tmp_path / "record.json"
    file.write_text(json.dumps(changed, indent=1), encoding="utf-8")
    text = copy.run("python", "-c", RENDER, str(file), form).stdout
    CHECKS[form](json.loads(text))
    if change is folder_of_data:
        assert "data/raw/penguins.csv/a.csv" in text
    if change is odd_packages:
        assert "pkg:pypi/numpy@2.4.0%2Blocal" in text
        assert "pkg:pypi/lightgbm@4.6.0" in text
        assert "pkg:pypi/ours" not in text


@pytest.mark.parametrize(
    ("form", "spoil", "says"),
    [
        ("slsa", lambda d: d["subject"][0].pop("digest"), "digest"),
        ("slsa", lambda d: d.update(_type="https://in-toto.io/Statement/v0.1"), "type"),
        ("slsa", lambda d: d["predicate"].update(builder={}), "builder"),
        ("slsa", lambda d: d["predicate"]["runDetails"]["builder"].pop("id"), "builder"),
        ("cyclonedx", lambda d: d.update(made_up=1), "made_up"),
        ("cyclonedx", lambda d: d["metadata"].update(timestamp="yesterday"), "yesterday"),
        ("cyclonedx", lambda d: d["components"][0].update(type="table"), "table"),
        ("cyclonedx", lambda d: d["components"].pop(), "no component is"),
    ],
)
def test_the_validators_refuse_a_broken_document(
    documents: dict[str, Document], form: str, spoil: Change, says: str
) -> None:
    broken = json.loads(json.dumps(documents[form]))
    spoil(broken)
    with pytest.raises((ParseError, ValueError), match=says):
        CHECKS[form](broken)
