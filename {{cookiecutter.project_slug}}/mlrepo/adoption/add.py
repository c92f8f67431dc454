"""A further model in the same repository: `model add NAME`.

It begins as a copy of the project's own one, in a folder with a package, pipeline, params and rules
of its own. Only that folder is written, so that Git takes it back whole.
"""

import keyword
import re
import sys
from importlib.util import find_spec
from pathlib import Path

from mlrepo.core import owner, yaml
from mlrepo.core.errors import ProjectError, known
from mlrepo.core.files import folder_or_nothing
from mlrepo.core.paths import ENVIRONMENT, PARAMS
from mlrepo.pipeline import git, models
from mlrepo.pipeline.dvc_yaml import PIPELINE, declared, load_pipeline

_NAME = re.compile(r"[a-z][a-z0-9_]{0,38}[a-z0-9]")  # of a package, and as GTO has it in a tag
_IN_THE_FOLDER = ("data", "environment", "metrics", "models", "reports")
_AS_IT_IS = (".gitattributes", ".gitignore")
_RULES, _SWEEP = Path("versions.yaml"), Path("sweep.yaml")
_ENVIRONMENT = Path("environment", PIPELINE)
_OURS = re.compile(r"\bpython -m mlrepo(?:\.(?=core\.environment$)| )")


def add(name: str) -> list[str]:
    """Write the folder of a further model, whole or not at all; return the paths in it."""
    _refuse(name)
    files = _files(name, owner.name())
    with folder_or_nothing(Path(name)) as folder:
        for path, content in files.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content if isinstance(content, bytes) else content.encode())
    return sorted(files)


def _refuse(name: str) -> None:
    """Raise for a name that cannot be that of a folder, a package, a module and a tag at once."""
    if not _NAME.fullmatch(name) or keyword.iskeyword(name):
        raise ProjectError(
            f"'{name}' cannot be the name of a model: its package has it, so take 2 to 40 small "
            "letters, digits and _, with a letter first and no _ last"
        )
    if Path(name).exists() or Path(name).is_symlink():
        raise ProjectError(f"{name} is there already: take another name")
    known = [model.name for model in models.find()]
    if name in known:
        raise ProjectError(f"{name} is the name of a model: take another one than {known}")
    taken = name in sys.stdlib_module_names or name in _IN_THE_FOLDER or find_spec(name)
    if taken or name == owner.name():
        raise ProjectError(f"'{name}' is the name of a Python module here: take another name")


def _files(name: str, package: str) -> dict[str, str | bytes]:
    """Return path -> content of all that is in the folder of the new model."""
    params = owner.load_params()
    table, schema = params.data.path, params.data.table_schema
    files: dict[str, str | bytes] = {
        PIPELINE: _pipeline(_read(PIPELINE), name, package),
        _ENVIRONMENT.as_posix(): _pipeline(_read(_ENVIRONMENT), name, package),
        PARAMS.as_posix(): yaml.spelled(_read(PARAMS), {("data", "path"): _above(table)}),
        Path(schema).as_posix(): _read(schema),
        # Two sweeps of one commit cannot have the same name.
        _SWEEP.as_posix(): yaml.spelled(_read(_SWEEP), {("name",): name}),
        _RULES.as_posix(): _rules(_read(_RULES)),
    }
    files |= {path: _read(path) for path in _AS_IT_IS if Path(path).exists()}
    listed = git.git("ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", package)
    own = re.compile(rf"^(\s*(?:from|import) +){re.escape(package)}\b", re.M)
    for path in sorted(set(filter(None, listed.split("\0")))):
        if Path(path).exists():
            code = own.sub(rf"\g<1>{name}", _read(path)) if path.endswith(".py") else None
            files[f"{name}/{path.partition('/')[2]}"] = code or Path(path).read_bytes()
    return files


def _read(path: str | Path) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        what, fix = "does not exist", known.brought_back(path)
    except UnicodeDecodeError:
        what, fix = "is not UTF-8", known.how_to_fix(path, "save it as that")
    raise ProjectError(f"{path} {what}, and the new model begins with a copy: {fix}")


def _above(path: str) -> str:
    return path if "://" in path or Path(path).is_absolute() else f"../{path}"


def _rules(text: str) -> str:
    """Return versions.yaml with the path of the keys that count, which is one for all models."""
    file = (yaml.parse(text, str(_RULES)).get("signing") or {}).get("allowed_signers")
    return yaml.spelled(text, {("signing", "allowed_signers"): _above(file)}) if file else text


def _pipeline(text: str, name: str, package: str) -> str:
    """Return a dvc.yaml of the project as that of the new model."""
    made = {ENVIRONMENT.as_posix(), *(out for s in load_pipeline().stages for out in s.outs)}
    content = yaml.parse(text, PIPELINE)
    changes: dict[tuple[str | int, ...], str] = {}
    for stage, entry in content["stages"].items():
        if isinstance(entry.get("cmd"), str):
            changes["stages", stage, "cmd"] = _OURS.sub("python ../mlrepo ", entry["cmd"])
        for number, dep in enumerate(entry.get("deps") or []):
            if dep.startswith(f"{package}/"):
                changes["stages", stage, "deps", number] = f"{name}/{dep.partition('/')[2]}"
            elif not dep.startswith("${") and dep not in made:
                changes["stages", stage, "deps", number] = _above(dep)
    text = yaml.spelled(text, changes)
    if "artifacts" in content:
        text = yaml.only_key(text, "artifacts", next(iter(declared())), name)
    return re.sub(rf"(?m)^( *#.*)\b{re.escape(package)}/", rf"\g<1>{name}/", text)
