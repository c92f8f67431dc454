"""All that the page says of each version, from its record, its commit and the files of DVC."""

import posixpath
from contextlib import suppress
from typing import Any

from mlrepo.core.errors import ProjectError
from mlrepo.core.files import csv_rows
from mlrepo.core.paths import CARD, SCORES, in_project
from mlrepo.page import overview, plot_specs
from mlrepo.page.read_files import at_commits, find, stored
from mlrepo.pipeline import git
from mlrepo.pipeline.dvc_yaml import PIPELINE
from mlrepo.scoring.score_report import worst_slice
from mlrepo.storage.store import Stored
from mlrepo.versions.diff import code, facts
from mlrepo.versions.records import old_records
from mlrepo.versions.registry import Registry, Version
from mlrepo.versions.rules.policy import in_force
from mlrepo.versions.rules.roles import signatures
from mlrepo.versions.tags import read_messages

Node = dict[str, Any]

_TEMPLATES = ".dvc/plots"
_SHORT = 12  # characters of a hash that is only compared


def of_all(registry: Registry, offline: bool) -> tuple[dict[str, Node], dict[str, str]]:
    """Return name -> facts of each version, and path -> why of the plots that cannot be had."""
    versions = list(registry.versions.values())
    read_messages(version.tag for version in versions)
    said: dict[str, Node] = {}
    for version in versions:  # a tag that was made by hand may hold a record of any shape
        with suppress(AttributeError, KeyError, TypeError, ValueError):
            said[version.name] = _of_record(version.record)
    readable = [version for version in versions if version.name in said]
    texts = at_commits(
        (version.tag.commit, path)
        for version in readable
        for path in (SCORES.as_posix(), CARD.as_posix(), PIPELINE)
    )
    drawn, lost = _plots(readable, texts, offline)
    signed = signatures({v.tag.name: v.tag for v in readable}, in_force().signers)
    found = {}
    for version in readable:
        commit = version.tag.commit
        scores = csv_rows(texts.get((commit, SCORES.as_posix()), ""))
        card = texts.get((commit, CARD.as_posix()), "").splitlines()
        found[version.name] = {
            **said[version.name],
            "commit": commit,
            "notes": version.tag.notes,
            "card_text": card,
            "scores": plot_specs.columns(texts.get((commit, SCORES.as_posix()), ""), "scores"),
            "leading": next((row for row in scores if not row["slice"]), None),
            "worst": _worst(scores),
            "plots": drawn[version.name],
            "signature": signed[version.tag.name].says,
            "rebuilds": overview.rebuilds(registry, version),
        }
    return found, lost


def _worst(scores: list[dict[str, str]]) -> dict[str, str] | None:
    try:
        return worst_slice([row for row in scores if row["estimate"]]) if scores else None
    except KeyError:  # of a release whose table did not say which way is better
        return None


def _of_record(record: Node) -> Node:
    """Return what a record says; each part that versions may share stands for itself."""
    parts = facts(record)
    data, environment = record["data"], record["environment"]
    compared = {f"compared {name}": _nested(part) for name, part in parts.items()}
    return {
        **compared,
        "previous": record.get("previous"),
        "card": record["card"],
        "columns": data["columns"],
        "data": {key: data.get(key) for key in ("path", "sha256", "size", "source", "licence")},
        "rows": data["rows"],
        "code": _code(record),
        "gate": record.get("gate"),
        "machine": environment["registered_on"],
        "lock": environment["lock"]["sha256"],
        "seeds": environment["seeds"],
        "library": environment.get("library", {}).get("version", ""),
        "ci": environment.get("ci", ""),
        "pipeline": record["architecture"]["pipeline"],
        "stages": {
            name: {key: stage[key] for key in ("cmd", "deps", "outs")}
            for name, stage in record["stages"].items()
        },
        "sources": _sources(record),
        "files": {
            path: str(entry.get("sha256") or entry["md5"])[:_SHORT]
            for path, entry in record["files"].items()
            if not path.endswith(".py")
        },
    }


def _sources(record: Node) -> list[str]:
    """Return the data that no stage makes, and what declares its columns."""
    made = {out for stage in record["stages"].values() for out in stage["outs"]}
    kept = [path for path, entry in record["files"].items() if entry["kept_by"] == "dvc"]
    return list(
        dict.fromkeys([*(path for path in kept if path not in made), record["data"]["path"]])
    )


def _nested(part: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return dotted names by what they begin with: most of these groups are those before."""
    groups: dict[str, dict[str, Any]] = {}
    for name, value in part.items():
        groups.setdefault(name.partition(".")[0], {})[name] = value
    return groups if len(groups) < len(part) else {"": part}


def _code(record: Node) -> dict[str, dict[str, str]]:
    """Return folder -> file -> the beginning of its SHA-256."""
    groups: dict[str, dict[str, str]] = {}
    for path, digest in code(record).items():
        groups.setdefault(posixpath.dirname(path), {})[path] = digest[:_SHORT]
    return groups


def _plots(
    versions: list[Version], texts: dict[tuple[str, str], str], offline: bool
) -> tuple[dict[str, dict[str, Node]], dict[str, str]]:
    """Return version -> plot -> specification and columns; and path -> why of what is lost."""
    specs = _specifications(versions, texts)
    tables: dict[str, list[tuple[str, str, str, Node, Stored | None]]] = {}
    for version in versions:
        files = old_records.files(version.record)
        of_git = {p for p, e in version.record["files"].items() if e["kept_by"] == "git"}
        for name, (table, template, spec) in specs[version.name].items():
            if entry := files.get(table):
                kept = None if table in of_git else Stored(table, entry["md5"])
                tables.setdefault(version.name, []).append((name, table, template, spec, kept))
    commits = {version.name: version.tag.commit for version in versions}
    listed = [(name, *each) for name, plots in tables.items() for each in plots]
    of_dvc, lost = stored([each[-1] for each in listed if each[-1]], offline)
    of_git_texts = at_commits((commits[each[0]], each[2]) for each in listed if each[-1] is None)
    drawn: dict[str, dict[str, Node]] = {version.name: {} for version in versions}
    for version_name, name, table, template, spec, kept in listed:
        place = (commits[version_name], table)
        text = of_dvc.get(kept.md5, "") if kept else of_git_texts.get(place, "")
        if rows := plot_specs.columns(text, template):
            drawn[version_name][name] = {"spec": spec, "columns": rows}
    return drawn, lost


def _specifications(
    versions: list[Version], texts: dict[tuple[str, str], str]
) -> dict[str, dict[str, tuple[str, str, Node]]]:
    """Return version -> what DVC makes of its dvc.yaml and templates; equal ones are made once."""
    made: dict[tuple[str | None, str], dict[str, tuple[str, str, Node]]] = {}
    shared = in_project(_TEMPLATES).as_posix()
    place = posixpath.normpath(git.folder_in_repository() + shared)
    folders = find([f"{version.tag.commit}:{place}" for version in versions])
    found = {}
    for version, folder in zip(versions, folders, strict=True):
        pipeline = texts.get((version.tag.commit, PIPELINE), "")
        key = (folder, pipeline)
        if key not in made:
            listed = git.ask("ls-tree", "-z", "--name-only", folder) if folder else ""
            names = [name for name in (listed or "").split("\0") if name]
            read = at_commits((version.tag.commit, f"{shared}/{name}") for name in names)
            try:
                texts_of = {path: text for (_, path), text in read.items()}
                made[key] = plot_specs.specifications(pipeline, texts_of)
            except ProjectError:  # no dvc.yaml that can be read
                made[key] = {}
        found[version.name] = made[key]
    return found
