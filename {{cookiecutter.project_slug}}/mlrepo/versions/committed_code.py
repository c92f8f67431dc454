"""The owner's package as it is in a commit: to run it, and to compare it with this folder's.

A version makes its columns with the data.py of its commit and with all that this imports from the
owner's package, whatever has become of both since. Classes in a model file are another matter: the
file names their modules, and those are imported from this folder, so they must be the same here.
"""

import ast
import atexit
import re
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

from mlrepo.core import owner
from mlrepo.core.artifact import is_own
from mlrepo.core.errors import ProjectError, first_line
from mlrepo.pipeline import git
from mlrepo.versions.records import old_records


class CommittedCode:
    """The owner's package in a commit; nothing is read before it is asked for."""

    def __init__(self, commit: str) -> None:
        """Name a commit."""
        self._commit, self._package = commit, owner.name()
        self._alias = f"{self._package}_at_{commit[:12]}"

    @cached_property
    def _files(self) -> list[str]:
        return [path for path in git.paths_at(self._commit) if path.startswith(f"{self._package}/")]

    def load(self, module: str) -> Any:
        """Return a module, such as "data", imported from a copy of the package of another name."""
        path = f"{self._package}/{module}.py"
        if path not in self._files:
            raise ProjectError(f"the commit {self._commit[:7]} has no {path}")
        try:
            if self._alias not in sys.modules:
                self._unpack()
            return import_module(f"{self._alias}.{module}")
        except Exception as error:  # code of another time can raise anything
            reason = f"{type(error).__name__}: {first_line(error)}"
            raise ProjectError(
                f"{path} of the commit {self._commit[:7]} does not run here ({reason})"
            ) from error

    def _unpack(self) -> None:
        # It stays as long as the process: a function may import or open a file when it is called.
        folder = Path(tempfile.mkdtemp())
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        self.write(folder)
        sys.path.append(str(folder))

    def write(self, folder: Path) -> str:
        """Write a copy of the package to ``folder``, and return the name that it has there."""
        for path in self._files:
            target = folder / self._alias / path.partition("/")[2]
            target.parent.mkdir(parents=True, exist_ok=True)
            content = git.bytes_at(self._commit, path)
            if path.endswith(".py") and self._package.encode() in content:
                tree = _Renamed(self._package, self._alias).visit(ast.parse(content))
                content = ast.unparse(tree).encode()
            target.write_bytes(content)
        return self._alias

    def changed_in(self, model: Path) -> list[str]:
        """Return the paths of changed modules whose classes or functions a model file holds."""
        named = modules_in(model, lambda: self._files)
        own = {name for name in named if name.startswith(f"{self._package}.")}
        return self.changed(own) if own else []

    def changed(self, modules: set[str]) -> list[str]:
        """Return the paths of those modules, and of all that they use, that differ here.

        Import statements, docstrings, comments and formatting do not count, so that a function
        may move to another module. Nor do modules that have become a part of the library.
        """
        paths = {dotted(path): path for path in self._files if path.endswith(".py")}
        ours = old_records.library_modules(self._commit)
        reached, waiting, found = set[str](), list(modules), list[str]()
        while waiting:
            module = waiting.pop()
            if module in reached:
                continue
            reached.add(module)
            path = paths.get(module, f"{module.replace('.', '/')}.py")
            text = git.file_at(self._commit, path) if module in paths else ""
            here = Path(path)
            if not here.is_file() or _meaning(text) != _meaning(here.read_text(encoding="utf-8")):
                found.append(path)
            above = module.rpartition(".")[0]
            place = module if path.endswith("/__init__.py") else above
            for used in {*_used(ast.parse(text), place), above} & paths.keys():
                waiting += [] if ours.intersection(used.split(".")[1:2]) else [used]
        return sorted(found)


def modules_in(model: Path, paths: Callable[[], Iterable[str]]) -> set[str]:
    """Return the modules whose classes and functions a model file names.

    A skops file says so. In the bytes of any other the names of the owner's modules are looked for,
    which are among ``paths``: pickles and the configurations of Keras write them so.
    """
    if not is_own(model):
        with zipfile.ZipFile(model) as archive:
            types = archive.read("schema.json").decode()
        return set(re.findall(r'"__module__": *"([^"]+)"', types))
    content, package = model.read_bytes(), f"{owner.name()}."
    ours = {dotted(path) for path in paths() if path.endswith(".py")}
    ours = {name for name in ours if name.startswith(package)}
    return {name for name in ours if re.search(rf"{re.escape(name)}(?!\w)".encode(), content)}


def dotted(path: str) -> str:
    """Return the name of the module in a file of a package."""
    return path.removesuffix(".py").replace("/", ".").removesuffix(".__init__")


class _Renamed(ast.NodeTransformer):
    """Turns absolute imports of one package into those of another, bound to the same names."""

    def __init__(self, old: str, new: str) -> None:
        self._old, self._new = old, new

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST:
        node.module = node.module if node.level else self._renamed(node.module or "")
        return node

    def visit_Import(self, node: ast.Import) -> ast.AST:
        names = []
        for each in node.names:
            names.append(ast.alias(self._renamed(each.name), each.asname))
            if names[-1].name != each.name and each.asname is None:
                names.append(ast.alias(self._new, self._old))
        return ast.Import(names)

    def _renamed(self, module: str) -> str:
        head, dot, rest = module.partition(".")
        return f"{self._new}{dot}{rest}" if head == self._old else module


class _Bare(ast.NodeTransformer):
    """Takes import statements and docstrings out."""

    def visit(self, node: ast.AST) -> Any:
        match node:
            # A text that stands alone does nothing, wherever it stands.
            case ast.Import() | ast.ImportFrom() | ast.Expr(ast.Constant(str())):
                return None
        return self.generic_visit(node)


def _meaning(text: str) -> str:
    return ast.dump(_Bare().visit(ast.parse(text)))


def _used(tree: ast.Module, place: str) -> Iterator[str]:
    """Yield what a module imports, but for what the annotations of its functions alone name."""
    nodes = list(ast.walk(tree))
    hints = [node.annotation for node in nodes if isinstance(node, ast.arg)]
    hints += [node.returns for node in nodes if isinstance(node, ast.FunctionDef)]
    in_hints = {id(node) for hint in hints if hint for node in ast.walk(hint)}
    names = [node for node in nodes if isinstance(node, ast.Name)]
    annotated = {node.id for node in names} - {n.id for n in names if id(n) not in in_hints}
    return imported(tree, place, annotated)


def imported(tree: ast.Module, place: str, besides: Collection[str] = ()) -> Iterator[str]:
    """Yield the modules that a module may import, in functions too, and the names out of them.

    Args:
        tree: of the module.
        place: the package that it is in.
        besides: names that do not count.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = place.rsplit(".", node.level - 1)[0] if node.level else ""
            base = ".".join(filter(None, [above, node.module]))
            for each in node.names:
                if (each.asname or each.name) not in besides:
                    yield from (base, f"{base}.{each.name}")
