"""The code without which a model cannot predict, as it is in the version's commit."""

import ast
import io
import sys
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mlrepo.core import owner
from mlrepo.core import paths as places
from mlrepo.core.artifact import is_own
from mlrepo.pipeline import git
from mlrepo.pipeline.commit import Commit
from mlrepo.versions.committed_code import dotted, imported, modules_in

SCRIPT = "mlrepo/prediction/predict.py"
_ENTRY = "mlrepo.prediction.released"
_PROJECT = "pyproject.toml"  # which names the owner's package
_OLDEST = (1980, 1, 1, 0, 0, 0)  # date of ZIP


def script() -> str:
    """Return the path of predict.py, from this folder."""
    return places.in_project(SCRIPT).as_posix()


@dataclass(frozen=True)
class Code:
    """Files of a commit, and the modules from elsewhere that they import.

    Attributes:
        files: path -> content.
        imports: top-level modules that the library imports.
        own: the same of the owner's code and of the model file.
    """

    files: dict[str, bytes]
    imports: set[str]
    own: set[str]

    @classmethod
    def of(cls, commit: str, model: Path) -> "Code":
        """Return the code for a model file."""
        there, paths, package = Commit(commit), git.paths_at(commit), owner.name()
        up = places.above()  # a second model's library is above it, and beside its package here
        known = {dotted(p.removeprefix(up)): p for p in paths if p.endswith(".py")}
        named = modules_in(model, lambda: [p.removeprefix(up) for p in paths])
        if is_own(model):
            named.add(f"{package}.model")
        found, imports = dict[str, bytes](), {"mlrepo": set[str](), package: set(named)}
        waiting = {_ENTRY, f"{package}.data", *named} & known.keys()
        while waiting:
            new = there.read(known[module] for module in sorted(waiting))
            used: set[str] = set()
            for module in waiting:
                path = known[module]
                found[path.removeprefix(up)] = new[path]
                above = module.rpartition(".")[0]
                place = module if path.endswith("/__init__.py") else above
                uses = {*imported(ast.parse(new[path]), place), above}
                imports[module.partition(".")[0]] |= uses
                used |= uses
            waiting = {m for m in used & known.keys() if known[m].removeprefix(up) not in found}
        # What its code may read: tables of codes, say.
        beside = (p for p in paths if p.startswith(f"{package}/") and not p.endswith(".py"))
        found |= there.read([*beside, *([] if up else [_PROJECT])])
        if up:  # where the name of the folder is that of the package
            found[_PROJECT] = f'[tool.mlrepo]\npackage = "{package}"\n'.encode()
        return cls(found, _elsewhere(imports["mlrepo"]), _elsewhere(imports[package]))

    def archive(self) -> bytes:
        """Return all files as one ZIP archive, which has the same bytes on every machine."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
            for path in sorted(self.files):
                archive.writestr(zipfile.ZipInfo(path, _OLDEST), self.files[path])
        return buffer.getvalue()


def _elsewhere(modules: Iterable[str]) -> set[str]:
    ours = {"", "mlrepo", owner.name(), *sys.stdlib_module_names}
    return {module.partition(".")[0] for module in modules} - ours
