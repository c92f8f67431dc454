"""A version in a folder that stands alone: to predict with it needs nothing of this repository.

The model; VERSION.json, which names the types in the model file that are to be trusted;
`predict.py` with the code and the packages that it needs; the schema with an example of the input;
the version's papers. With a key all of it is signed.
"""

from pathlib import Path

from mlrepo.core import yaml
from mlrepo.core.artifact import is_own
from mlrepo.core.errors import ProjectError
from mlrepo.core.files import write_json
from mlrepo.core.paths import CARD
from mlrepo.core.sections import parse
from mlrepo.learning import model_file
from mlrepo.pipeline import git
from mlrepo.pipeline.output import Tell, as_json
from mlrepo.storage.store import Store
from mlrepo.tables import example
from mlrepo.tables.schema import Schema
from mlrepo.versions import fetch
from mlrepo.versions.bundle.code import Code, script
from mlrepo.versions.bundle.packages import requirements
from mlrepo.versions.proofs.envelope import Key, enclose
from mlrepo.versions.proofs.folder import SIGNATURE, sign
from mlrepo.versions.records import old_records
from mlrepo.versions.records.exports import render, statement
from mlrepo.versions.registry import Version

_ALONE = ("predict.py", "code.zip", "requirements.txt", "example.csv")


def fill(folder: Path, version: Version, key: Key | None, tell: Tell) -> list[Path]:
    """Write it and return the files, the model first; VERSION.json comes last.

    A version of a library that knew no `predict.py` has none, and none of what belongs to it.
    """
    contents = _papers(version, key)
    alone = script() in git.paths_at(version.tag.commit)
    model = Path(version.record["artifact"]["path"]).name
    names = [model, f"{model}.sha256", "VERSION.json", *contents, *(_ALONE if alone else ())]
    if key:
        _refuse_others(folder, {*names, SIGNATURE})
    file = fetch.fetch_model(version, folder, Store())
    if alone:
        contents |= _to_predict(version, file, tell)
    else:
        tell(f"{version.name} has no predict.py: mlrepo in its commit is from before there was one")
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    write_json(folder / "VERSION.json", fetch.version_info(version) | _to_load(version, file))
    if key:
        sign(folder, names, key)
        names.append(SIGNATURE)
    return [folder / name for name in names]


def _papers(version: Version, key: Key | None) -> dict[str, bytes]:
    """Return name -> content of what is to be read: record, schema, card and exports."""
    commit, texts = (
        version.tag.commit,
        {
            "record.json": as_json(version.record),
            "provenance.slsa.json": render(version, "slsa"),
            "bom.cdx.json": render(version, "cyclonedx"),
        },
    )
    if key:
        key.require_elliptic()
        texts["provenance.slsa.dsse.json"] = as_json(enclose(statement(version.record), key))
    contents = {name: f"{text.rstrip()}\n".encode() for name, text in texts.items()}
    schema = old_records.data_params(version.record).table_schema
    contents["schema.yaml"] = git.bytes_at(commit, schema)
    if git.ask("cat-file", "-e", f"{commit}:./{CARD}") is not None:
        contents[CARD.name] = git.bytes_at(commit, CARD.name)
    return contents


def _to_predict(version: Version, model: Path, tell: Tell) -> dict[str, bytes]:
    """Return name -> content of what `python predict.py example.csv` needs besides the model."""
    commit, data = version.tag.commit, old_records.data_params(version.record)
    code = Code.of(commit, model)
    schema = yaml.parse(git.file_at(commit, data.table_schema), data.table_schema)
    fields = parse(schema, Schema, data.table_schema).read
    return dict(
        zip(
            _ALONE,
            (
                git.bytes_at(commit, script()),
                code.archive(),
                requirements(commit, code.imports, code.own, tell),
                example.table([f for f in fields if f.name != data.target], data.csv),
            ),
            strict=True,
        )
    )


def _to_load(version: Version, model: Path) -> dict[str, object]:
    """Return what has to be known of the model file and of the tables before it predicts."""
    return {
        **({} if is_own(model) else {"trusted": model_file.trusted_in(model)}),
        "numerics_pinned": version.record["environment"]["registered_on"]["numerics_pinned"],
        "data": old_records.data_params(version.record).model_dump(mode="json", by_alias=True),
    }


def _refuse_others(folder: Path, ours: set[str]) -> None:
    others = sorted(path.name for path in folder.glob("*") if path.name not in ours)
    if others:
        raise ProjectError(
            f"{folder} has {', '.join(others)}, and a signature covers all of it: name a new one"
        )
