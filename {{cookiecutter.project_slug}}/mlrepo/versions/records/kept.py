"""The files of a version that DVC keeps, in its cache and its remote; and what a machine adds."""

import platform
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from mlrepo.core.environment import installed
from mlrepo.core.errors import ProjectError
from mlrepo.pipeline import git
from mlrepo.storage.store import Hashes, Store, Stored
from mlrepo.versions.committed_code import CommittedCode
from mlrepo.versions.records.fields import Node, Unknown, compare
from mlrepo.versions.records.record import Unread, as_folder

# What a model is, by its SHA-256 and the release of scikit-learn that described it: to import that
# and to load a model takes longer than all other checks of a version.
_KEPT: Final = "mlrepo-models.json"
_MOST: Final = 200  # models that are kept


class Audit:
    """DVC's cache and its remote; each file is read once in each of them.

    ``everywhere``: the remote, or the bucket that a file was imported from, has to have it as well.
    """

    def __init__(self, everywhere: bool) -> None:
        """Open DVC's repository; nothing is read yet."""
        self.store, self._everywhere = Store(), everywhere
        self._seen: dict[Stored, list[tuple[str, Hashes]]] = {}
        self._left: dict[Stored, Iterator[tuple[str, Hashes]]] = {}

    def _look(self, stored: Stored) -> Iterator[tuple[str, Hashes]]:
        """Yield each place and the hashes there; none is read before it is asked for."""
        seen = self._seen.setdefault(stored, [])
        yield from seen
        for found in self._left.setdefault(stored, self.store.look(stored, self._everywhere)):
            seen.append(found)
            yield found

    def entry(self, stored: Stored) -> Node:
        """Return the hashes of the bytes that dvc.lock means, in whatever place has them."""
        if stored.md5.endswith(".dir"):
            try:
                parts = self.store.parts(stored)
            except ProjectError:
                return Unread().entry(stored)
            names = (part.path.removeprefix(f"{stored.path}/") for part in parts)
            return as_folder(dict(zip(names, map(self.entry, parts), strict=True)))
        found = (each for _, each in self._look(stored) if each.get("md5") == stored.md5)
        return next(found, None) or Unread().entry(stored)

    def wrong(self, stored: Stored, sha256: str | None) -> Iterator[str]:
        """Yield where a file, or the list of a folder's, is missing or has other bytes."""
        for place, found in self._look(stored):
            # A folder is known by the MD5 of the list of its files, and each of them is compared.
            same = found.get("md5") == stored.md5.removesuffix(".dir")
            if not found:
                yield f"{stored.path} is missing in {place}: `dvc push` sends it"
            elif not same or sha256 not in (None, found["sha256"]):
                is_now = found["sha256"]
                yield (
                    f"{stored.path} was changed in {place}: its SHA-256 is {is_now}, recorded is "
                    f"{sha256}"
                )
        if not any(found for _, found in self._look(stored)):
            yield f"{stored.path} (MD5 {stored.md5}) is nowhere: it cannot be verified"

    def architecture(self, commit: str, model: Stored, packages: Node) -> Node:
        """Describe the model, unless its bytes or its classes are not here."""
        sha256 = self.entry(model)["sha256"]
        if isinstance(sha256, Unknown):
            return Unread().architecture(commit, model, packages)
        try:
            found = git.recall(_KEPT).get(_key(sha256)) or self._load(commit, model, sha256)
        except (ProjectError, AttributeError) as error:
            return dict.fromkeys(("features", "classes", "pipeline"), Unknown(str(error)))
        return found | _other_packages(packages)

    def _load(self, commit: str, model: Stored, sha256: str) -> Node:
        with TemporaryDirectory() as folder:
            file = Path(folder) / Path(model.path).name
            self.store.fetch(model, file, sha256)
            if changed := CommittedCode(commit).changed_in(file):
                raise ProjectError(f"it holds classes of other code here ({', '.join(changed)})")
            Path(f"{file}.sha256").write_text(f"{sha256}  {file.name}\n", encoding="utf-8")
            return _describe(file, sha256)


def observe(record: Node) -> None:
    """Add to a derived record what only this machine knows; refuse one that says too little."""
    from mlrepo.learning import fingerprint

    for _, _, fact in compare({}, record["architecture"]):
        if isinstance(fact, Unknown):
            raise ProjectError(f"{record['artifact']['path']} cannot be described: {fact.why}")
    environment = record["environment"]
    environment["python"] = platform.python_version()
    environment["registered_on"] |= fingerprint.machine(
        environment["registered_on"]["numerics_pinned"]
    )


def _describe(file: Path, sha256: str) -> Node:
    from mlrepo.learning import model_file  # scikit-learn

    model: Any = model_file.load(file)
    classes = getattr(model, "classes_", None)
    found = {
        "features": [str(name) for name in model.feature_names_in_],
        "classes": None if classes is None else [str(label) for label in classes.tolist()],
        "pipeline": repr(model),
    }
    known = git.recall(_KEPT) | {_key(sha256): found}
    git.keep(_KEPT, dict(list(known.items())[-_MOST:]))
    return found


def _key(sha256: str) -> str:
    return f"{sha256} scikit-learn {installed().get('scikit-learn')}"


def _other_packages(packages: Node) -> Node:
    """Return that the text of a pipeline is unknown where other packages write it than then."""
    here = installed()
    needed = {**packages.get("scikit-learn", {}), **packages.get("estimator", {})}
    for name, versions in needed.items():
        known = {version.split(" ")[0] for version in versions.split(" or ")}
        if name in here and here[name] not in known:
            return {"pipeline": Unknown(f"this is {name} {here[name]}, and not {versions}")}
    return {}
