"""The predictor of this folder, or of a version: the bytes, schema, params and code of each."""

from importlib.metadata import version as installed
from pathlib import Path
from tempfile import TemporaryDirectory

from mlrepo.core import files, owner
from mlrepo.core.errors import ProjectError
from mlrepo.core.owner import load_params
from mlrepo.pipeline import git, status
from mlrepo.pipeline.dvc_yaml import declared
from mlrepo.pipeline.output import Tell
from mlrepo.prediction.predictor import Predictor
from mlrepo.storage.store import Store
from mlrepo.tables.schema import load_schema
from mlrepo.versions import fetch
from mlrepo.versions.committed_code import CommittedCode
from mlrepo.versions.records import old_records
from mlrepo.versions.registry import Registry, Version
from mlrepo.versions.rules.policy import in_force


def of_folder(name: str) -> Predictor:
    """Return the model of this folder, which must be of its params and code, and as it was made."""
    fix = f"{status.FIX} Or name a version: --version"
    status.report().refuse_stale("the model is not of these params and code:", fix)
    file = Path(declared()[name]["path"])
    model, params = fetch.load_here(file), load_params()
    sha256, commit = files.sha256(file), git.ask("rev-parse", "HEAD")
    versions = [v for v in Registry.load(name).versions.values() if v.tag.commit == commit]
    same = (v.name for v in versions if v.tag.record["artifact"]["sha256"] == sha256)
    schema = load_schema(Path(params.data.table_schema))
    add_features = owner.add_features()
    return Predictor(model, next(same, "unregistered"), sha256, params.data, schema, add_features)


def of_version(version: Version, tell: Tell) -> Predictor:
    """Return the model of a version, with the schema, params and `data.py` of its commit.

    It is refused if its bytes are not the recorded ones, its signature is bad, or it needs code
    that this folder has changed.
    """
    in_force().signers.refuse_bad(version.tag)
    record, commit = version.record, version.tag.commit
    data, code = old_records.data_params(record), CommittedCode(commit)
    elsewhere = f"`git worktree add ../{version.name} {version.tag.name}` and predict there"
    with TemporaryDirectory() as folder:
        file = fetch.fetch(version, Path(folder), Store())
        changed = code.changed_in(file)
        if changed:
            raise ProjectError(
                f"{version.name} holds classes whose code is another in this folder "
                f"({', '.join(changed)}): {elsewhere}"
            )
        model = fetch.load(version, file)
        schema = Path(folder) / "schema.yaml"
        schema.write_bytes(git.bytes_at(commit, data.table_schema))
        known = load_schema(schema)
    then = old_records.closures(record).get("scikit-learn", {}).get("scikit-learn")
    now = installed("scikit-learn")
    if then != now:
        tell(f"{version.name} was fitted with scikit-learn {then}; this is {now}")
    sha256 = record["artifact"]["sha256"]
    try:
        add_features = code.load("data").add_features
    except ProjectError as error:
        raise ProjectError(f"{error}: {elsewhere}") from error
    return Predictor(model, version.name, sha256, data, known, add_features)
