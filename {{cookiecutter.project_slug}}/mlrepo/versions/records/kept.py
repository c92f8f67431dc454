"""The files of a version that DVC keeps, in its cache and its remote; and what a machine adds."""

import os
import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from mlrepo.core import owner
from mlrepo.core.artifact import is_own, read_sidecar, refuse_wrong
from mlrepo.core.environment import installed
from mlrepo.core.errors import ProjectError, first_line
from mlrepo.pipeline import dvc_files, git
from mlrepo.storage.store import Hashes, Store, Stored, hashes

Node = dict[str, Any]

# What a model is, by its SHA-256 and the release of scikit-learn that described it: to import that
# and to load a model takes longer than all other checks of a version.
_KEPT: Final = "mlrepo-models.json"
_MOST: Final = 200  # models that are kept


@dataclass(frozen=True)
class Unknown:
    """Stands for what cannot be derived here, and says why."""

    why: str


_UNREAD: Final = Unknown("its bytes were not read")


class Kept:
    """DVC's cache and its remote, or without a store none of both: each file is read once.

    ``everywhere``: the remote, or the bucket that a file was imported from, counts as well.
    """

    def __init__(self, store: Store | None = None, everywhere: bool = False) -> None:
        """Read nothing yet."""
        self.store, self._everywhere = store, everywhere
        self._seen: dict[Stored, list[tuple[str, Hashes]]] = {}
        self._left: dict[Stored, Iterator[tuple[str, Hashes]]] = {}

    def _look(self, stored: Stored) -> Iterator[tuple[str, Hashes]]:
        """Yield each place and the hashes there; none is read before it is asked for."""
        seen = self._seen.setdefault(stored, [])
        yield from seen
        if stored not in self._left and self.store:
            self._left[stored] = self.store.look(stored, self._everywhere)
        try:
            for found in self._left.get(stored, ()):
                seen.append(found)
                yield found
        except ProjectError:  # a remote that does not answer is asked again, and told again
            del self._seen[stored], self._left[stored]
            raise

    def parts(self, stored: Stored) -> list[Stored]:
        """Return the files of a folder."""
        return self.store.parts(stored) if self.store else []

    def entry(self, stored: Stored) -> Node:
        """Return the hashes of the bytes that dvc.lock means, in whatever place has them."""
        if not stored.md5.endswith(".dir"):
            found = (each for _, each in self._look(stored) if each.get("md5") == stored.md5)
            return next(found, {"md5": stored.md5, "sha256": _UNREAD, "size": _UNREAD})
        try:
            parts = self.parts(stored)
        except ProjectError:
            parts = []
        names = (part.path.removeprefix(f"{stored.path}/") for part in parts)
        held = dict(zip(names, map(self.entry, parts), strict=True))
        return as_folder(held) if held else {"md5": stored.md5, "size": _UNREAD, "parts": _UNREAD}

    def wrong(self, stored: Stored, sha256: str | None) -> Iterator[str]:
        """Yield where a file, or the list of a folder's, is missing or has other bytes."""
        for place, found in self._look(stored):
            if not found:
                yield f"{stored.path} is missing in {place}: `model push --all` sends it"
            # A folder is known by the MD5 of the list of its files, and each of them is compared.
            elif found["md5"] != stored.md5.removesuffix(".dir") or (
                sha256 not in (None, found["sha256"])
            ):
                says = f"its SHA-256 is {found['sha256']}, recorded is {sha256}"
                yield f"{stored.path} was changed in {place}: {says}"
        if not any(found for _, found in self._look(stored)):
            yield f"{stored.path} (MD5 {stored.md5}) is nowhere: it cannot be verified"

    def architecture(self, commit: str, model: Stored, *beside: Stored, packages: Node) -> Node:
        """Return features, classes and pipeline of a model; ``packages`` are its commit's.

        Of one of the owner's kind, which is not loaded, what stands ``beside`` it says that, and
        its bytes what kind it is.
        """
        sha256 = self.entry(model)["sha256"]
        why, known = _UNREAD, git.recall(_KEPT)
        if self.store and sha256 is not _UNREAD:
            key = f"{sha256} scikit-learn {installed().get('scikit-learn')}"
            try:
                if is_own(Path(model.path)):
                    return _describe_own(self.store, commit, [model, *beside])
                if key not in known:
                    known[key] = _describe(self.store, commit, model, sha256)
                    git.keep(_KEPT, dict([*known.items()][-_MOST:]))
                return {**known[key], **_written_otherwise(packages)}
            except Exception as error:  # what is no model of these packages can raise anything
                why = Unknown(f"{model.path} cannot be described here: {first_line(error)}")
        keys = ["features", "classes", "pipeline"]
        keys += ["kind", "runs_code"] if is_own(Path(model.path)) else []
        return dict.fromkeys(keys, why)


def as_folder(parts: Mapping[str, Node]) -> Node:
    """Return the entry of a folder, given that of each file in it."""
    sizes = [each["size"] for each in parts.values()]
    md5 = dvc_files.of_folder({name: each["md5"] for name, each in parts.items()})
    size = _UNREAD if _UNREAD in sizes else sum(sizes)
    return {"md5": md5, "size": size, "parts": dict(parts)}


def observe(record: Node) -> None:
    """Add to a derived record what only this machine knows; refuse one that says too little."""
    from mlrepo.learning import fingerprint

    for fact in record["architecture"].values():
        if isinstance(fact, Unknown):
            raise ProjectError(fact.why)
    environment = record["environment"]
    environment["python"] = platform.python_version()
    pinned = environment["registered_on"]["numerics_pinned"]
    environment["registered_on"] |= fingerprint.machine(pinned)
    if run := _ci_run():
        environment["ci"] = run


def _ci_run() -> str | None:
    """Return the address of the CI run that registers, by the variables of its provider."""
    env = os.environ.get
    if repository := env("GITHUB_REPOSITORY"):
        server, number = env("GITHUB_SERVER_URL"), env("GITHUB_RUN_ID")
        return f"{server}/{repository}/actions/runs/{number}" if server and number else None
    return env("CI_JOB_URL") or env("BUILD_URL")  # of GitLab, of Jenkins


def _describe(store: Store, commit: str, model: Stored, sha256: str) -> Node:
    from mlrepo.learning import model_file  # scikit-learn
    from mlrepo.versions.committed_code import CommittedCode

    with TemporaryDirectory() as folder:
        file = Path(folder) / Path(model.path).name
        store.fetch(model, file, sha256)
        if changed := CommittedCode(commit).changed_in(file):
            raise ProjectError(f"{', '.join(changed)} is other code than in its commit")
        Path(f"{file}.sha256").write_text(f"{sha256}  {file.name}\n", encoding="utf-8")
        loaded: Any = model_file.load(file)
    classes = getattr(loaded, "classes_", None)
    return {
        "features": [str(name) for name in loaded.feature_names_in_],
        "classes": None if classes is None else [str(label) for label in classes.tolist()],
        "pipeline": repr(loaded),
    }


def _describe_own(store: Store, commit: str, files: list[Stored]) -> Node:
    from mlrepo.learning.saved_model import kinds

    with TemporaryDirectory() as folder:
        targets = [Path(folder) / Path(stored.path).name for stored in files]
        for stored, target in zip(files, targets, strict=True):
            store.fetch(stored, target, None)
        recorded, about = read_sidecar(targets[0])
        refuse_wrong(Path(files[0].path), hashes(targets[0])["sha256"], recorded)
        kind, runs_code = kinds.describe(
            targets[0], git.file_at(commit, f"{owner.name()}/model.py")
        )
    if about is None:
        raise ProjectError(f"{files[0].path}.sha256 does not say what it is")
    return {
        "features": about.features,
        "classes": None if about.classes is None else [str(label) for label in about.classes],
        "pipeline": f"a file of {owner.name()}/model.py",
        "kind": kind,
        "runs_code": runs_code,
    }


def _written_otherwise(packages: Node) -> Node:
    """Return that the text of a pipeline is unknown where other packages write it than then."""
    here = installed()
    for name, versions in (packages.get("scikit-learn", {}) | packages["estimator"]).items():
        known = [version.split(" ")[0] for version in versions.split(" or ")]
        if here.get(name, known[0]) not in known:
            why = f"this is {name} {here[name]}, and not {versions}: `uv sync` installs that"
            return {"pipeline": Unknown(why)}
    return {}
