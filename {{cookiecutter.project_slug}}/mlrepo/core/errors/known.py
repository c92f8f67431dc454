"""The one place that knows what exceptions of Python, Git and other packages mean, and what helps.

A class is known by its dotted name, so that no package is imported for it. What is not known here
is a defect of the code, which keeps its traceback.
"""

import errno
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mlrepo.core.errors.shell import quoted

_DISK_FULL = {errno.ENOSPC, errno.EDQUOT}
_NO_PERMISSION = {errno.EACCES, errno.EPERM, errno.EROFS}
_PROGRAM = re.compile(r"[a-z-]+")  # in contrast to a file, which has a dot or lies in a folder
_MADE_BY = {"dvc.lock": "dvc repro", "uv.lock": "uv lock"}  # files that nobody edits
_OPEN = "standard output or an open file"  # errors of which name no file
_IN_COMMIT = re.compile(r"(.+) of ([0-9a-f]{7,40}|refs/\S+)")


def explain(error: BaseException) -> str | None:
    """Return what is wrong and how to fix it; None for a defect of the code."""
    return (
        of_files(error) or of_system(error) or _first(_NETWORK, error) or _first(_PACKAGES, error)
    )


def of_files(error: BaseException) -> str | None:
    """Return the same of an error about the files of the project, which is none of a remote's."""
    return _first(_FILES, error)


def of_system(error: BaseException, written: object = None) -> str | None:
    """Return what the system refused and how to fix it, None if ``error`` is nothing of the kind.

    The file is ``written`` if given; else the error must name it.
    """
    # polars has the number in the text only, and not always in an OSError.
    told = re.search(r"\(os error (\d+)\)", str(error))
    number = getattr(error, "errno", None) or (told and int(told[1]))
    file = getattr(error, "filename", None)
    name = written or file or (_OPEN if isinstance(error, OSError) else error)
    if number in _DISK_FULL:
        return f"no space left on the disk while writing {name}: free some space and run again"
    reason = getattr(error, "strerror", None) or (number and os.strerror(number))
    if number in _NO_PERMISSION:
        fix = "check owner and permissions of the file and of its folder"
        return f"cannot write or read {name} ({reason}): {fix}"
    if file is None or written or not isinstance(error, OSError):
        return None
    if isinstance(error, FileNotFoundError):
        if _PROGRAM.fullmatch(path := os.fsdecode(file)):
            return f"{path} is not in PATH: install it"
        return f"{path} does not exist: {brought_back(path)}"
    if isinstance(error, NotADirectoryError):  # one of the folders around it
        place = Path(os.fsdecode(file))
        file = next((each for each in (place, *place.parents) if each.is_file()), file)
    return f"{file} cannot be used ({reason}): move away what is there, or name another place"


def brought_back(path: str | Path, otherwise: str = "") -> str:
    """Return how a file that is not there comes back: from the last commit, if that has it."""
    maker = _MADE_BY.get(Path(path).name)
    if not differs_from_commit(path):
        back = f"`dvc checkout` brings files of DVC's back, `{_checkout(path)}` those of Git's"
        return otherwise or (f"`{maker}` makes it" if maker else back)
    after = f", and `{maker}` then brings it up to date" if maker else ""
    return f"`{_checkout(path)}` brings the committed one back{after}"


def how_to_fix(path: str | Path, how: str = "fix it") -> str:
    """Return how to fix a file that cannot be read."""
    if _IN_COMMIT.fullmatch(str(path)):
        return since_when(str(path))
    committed = differs_from_commit(path)
    if maker := _MADE_BY.get(Path(path).name):
        return brought_back(path) if committed else f"delete it, and `{maker}` makes it anew"
    log = f"{how}; `git log -- {quoted(path)}` names the commits that changed it"
    return f"{how}, or {brought_back(path)}" if committed else log


def since_when(name: str) -> str:
    """Return how to learn since when a file is broken, or one that is called "FILE of COMMIT"."""
    found = _IN_COMMIT.fullmatch(name)
    where = f"{found[2]} -- {quoted(found[1])}" if found else f"-- {quoted(name)}"
    return f"`git log -p {where}` tells since when"


def of_git(said: str, otherwise: str = "") -> str:
    """Return what Git says, and what helps where it does not tell itself."""
    found = next((fix for form, fix in _GIT.items() if re.search(form, said)), None)
    if found:  # in the place of the advice that Git gives below an empty line
        said = re.split(r"\n\s*\n", said)[0].rstrip(".")
    return f"{said}: {otherwise if found is None else found}".removesuffix(": ")


def first_line(error: BaseException) -> str:
    """Return the first line of an error's text, which is the part for people.

    Without the values of cells that polars lists there, which may be private.
    """
    line = (str(error).splitlines() or [type(error).__name__])[0]
    return re.sub(r"( values?(\(s\))?): \[.*", r"\1", line)


def differs_from_commit(path: str | Path) -> bool:
    """Return whether the last commit has a file, and another one than is here, if one is here."""
    import subprocess  # which no stage waits for

    command = ["git", "status", "--porcelain", "--", str(path)]
    try:
        said = subprocess.run(command, capture_output=True, check=False).stdout
    except OSError:
        return False
    return bool(said) and said[:1] not in b"?A"  # that are new


def _checkout(path: object) -> str:
    return f"git checkout HEAD -- {quoted(path)}"


Tell = Callable[[Any], str]


def _first(rules: dict[str, Tell], error: BaseException) -> str | None:
    """Return what the rule of the error's class, or of the first base class that has one, says."""
    names = [f"{each.__module__}.{each.__qualname__}" for each in type(error).__mro__]
    found = (tell for name in names for form, tell in rules.items() if re.fullmatch(form, name))
    tell = next(found, None)
    return tell(error) if tell else None


def _yaml_of_dvc(error: Any) -> str:
    """Tell of a YAML file that DVC cannot read, in the same words as where we read it."""
    from mlrepo.core import yaml
    from mlrepo.core.errors import ProjectError

    path = Path(error.relpath).as_posix()
    try:
        yaml.parse(error.yaml_text, path)
    except ProjectError as told:
        return str(told)
    return f"DVC cannot read {path}: {how_to_fix(path)}"


def _file_of_dvc(error: Any) -> str:
    """Tell of any other file that DVC cannot read; of a YAML file we know where it is broken."""
    from mlrepo.core import yaml
    from mlrepo.core.errors import ProjectError

    path = Path(error.path)
    try:
        if path.suffix in (".yaml", ".dvc"):
            yaml.load(path)
    except ProjectError as told:
        return str(told)
    return f"DVC: {first_line(error)}: {how_to_fix(path)}"


def _layout_of_dvc(error: Any) -> str:
    found, path = error.exc.errors[0], Path(error.path).as_posix()
    place = ".".join(map(str, found.path)) or "the whole"
    return f"{path} is not as DVC wants it: {place}: {found.error_message}: {how_to_fix(path)}"


def _python(error: Any) -> str:
    path = os.path.relpath(error.filename or "?")
    return f"{path} is no Python in line {error.lineno} ({error.msg}): {how_to_fix(path)}"


def _settings_of_dvc(error: BaseException) -> str:
    local = ".dvc/config.local and " * Path(".dvc/config.local").exists()
    said = " ".join(str(error).split())
    return f"DVC's settings: {said}: look at {local}.dvc/config: {how_to_fix('.dvc/config')}"


def _process(error: Any) -> str:
    said = error.stderr or error.stdout or f"exit code {error.returncode}"
    text = said if isinstance(said, str) else said.decode(errors="replace")
    command = error.cmd if isinstance(error.cmd, str) else " ".join(map(quoted, error.cmd))
    return f"`{command}` failed: {text.strip()}: run it yourself to see more"


def _says(form: str) -> Tell:
    """Return a rule that puts the first line of an error's text into a sentence."""
    return lambda error: form.format(first_line(error) if str(error) else type(error).__name__)


_CHANGED = "`git diff` shows what has changed since the last commit"
# Words of Git, as a pattern -> what helps; "" where Git says that as well.
_GIT = {
    r"safe\.directory|hint: ": "",
    r"(?i)no space left|out of disk ?space|unable to write(?!.*(denied|read-only))": (
        "free some space on the disk and run this again"
    ),
    r"(?i)not a git repository|not in a git directory": "`python bootstrap.py` makes one",
    r"index\.lock": "if no Git is at work, `rm .git/index.lock`",
    r"(?i)\bindex file|bad signature|bad index": "`rm .git/index` and `git reset` make it anew",
    r"(?i)could not read from remote|unable to access|could not resolve|does not appear to be": (
        "`git remote -v` shows the address, `git remote set-url NAME ADDRESS` changes it"
    ),
}
# Dotted name of a class, as a pattern -> what to say.
_FILES: dict[str, Tell] = {
    r"dvc\.utils\.strictyaml\.YAMLSyntaxError": _yaml_of_dvc,
    r"dvc\.utils\.strictyaml\.YAMLValidationError": _layout_of_dvc,
    r"dvc\.utils\.serialize.*\.(Encoding|Parse)Error": _file_of_dvc,
    r"dvc\.parsing\..*": _says(f"DVC: {{}}: fix dvc.yaml or params.yaml; {_CHANGED}"),
    r"dvc\.exceptions\.NotDvcRepoError": lambda _: (
        ".dvc/config does not exist: "
        + brought_back(".dvc/config", "`git log -- .dvc/config` names the commit that took it away")
    ),
    r"dvc\.(lock\.LockError|rwlock\.RWLockFile\w+)": _says(
        "DVC is at work in this folder, or was killed ({}): run this again later; if no DVC runs, "
        "`rm -f .dvc/tmp/lock .dvc/tmp/rwlock`"
    ),
    r"(scmrepo|dulwich|_?pygit2|dvc\.scm)\..*(Error|Exception)": lambda error: (
        f"Git: {of_git(first_line(error), '`git status` tells more')}"
    ),
    r"dvc\.exceptions\.CheckoutError": lambda error: (
        f"DVC has no {', '.join(error.target_infos)} to put here: `model pull` brings what others "
        "have pushed, `dvc repro` makes it"
    ),
    r"builtins\.SyntaxError": _python,
}
_NETWORK: dict[str, Tell] = dict.fromkeys(
    (
        r"(requests|urllib3|urllib\.error|aiohttp|httpx|httpcore|botocore)\b.*",
        r"(builtins\.(ConnectionError|TimeoutError)|socket\.gaierror|ssl\.SSLError)",
    ),
    _says("a server cannot be reached ({}): check the network, the address and the proxy"),
)
_PACKAGES: dict[str, Tell] = {
    r"dvc\.config\.\w*ConfigError": _settings_of_dvc,
    r"(dvc|dvc_data|dvc_objects)\..*": _says("DVC: {}: `dvc status` tells more"),
    r"subprocess\.CalledProcessError": _process,
    r"ruamel\.yaml\..*": _says(f"a YAML file cannot be read ({{}}): {_CHANGED}"),
    r"tomllib\..*": _says(f"a TOML file cannot be read ({{}}): {_CHANGED}"),
    r"json\.decoder\..*": _says(f"a JSON file cannot be read ({{}}): {_CHANGED}"),
    r"builtins\.UnicodeDecodeError": _says(f"a text file is not UTF-8 ({{}}): {_CHANGED}"),
    r"polars\.exceptions\..*": _says(
        "the table cannot be used ({}): compare it with schema.yaml, and look at data.py; `dvc "
        "checkout` brings prepared tables back"
    ),
    r"pydantic_core\..*ValidationError": _says(f"a value is not as it must be ({{}}): {_CHANGED}"),
}
