"""Set this project up, from nothing to a first commit: `python bootstrap.py`, or `make`.

In a clone, data and models come from DVC's remote. It needs Python, Git and uv. Run it again at any
time: what is done already is left as it is, and what a killed run left half done is done again.
"""

import errno
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# An older Python reads this far: no newer syntax in this file, no newer import above this line.
if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit(f"error: run this with Python 3.11 or newer: this is {sys.version.split()[0]}")

MINORS = ("3.14", "3.13", "3.12", "3.11")
# For any of those; a changed line would meet that of each project, which is narrowed, at an update.
SHIPPED = 'requires-python = ">=3.11,<3.14"'
INSTALL_UV = "https://docs.astral.sh/uv/getting-started/installation"

PYPROJECT, PINNED, LOCK = Path("pyproject.toml"), Path(".python-version"), Path("uv.lock")
VENV = Path(".venv")
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
RUNNING, SYNCING = Path(".dvc/tmp/bootstrap.lock"), Path(".dvc/tmp/bootstrap.sync")
LATER = 75  # exit code of a step that has said what is to be done later


class SetupError(Exception):
    """The end of the set-up; its text says why, and how to fix it."""


def main() -> None:
    """Set up, or end with one message."""
    os.chdir(Path(__file__).resolve().parent)
    try:
        uv = find_tools()
        with one_at_a_time():
            set_up(uv)
    except SetupError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        denied = error.errno in (errno.EACCES, errno.EPERM, errno.EROFS)
        fix = "check owner and permissions" if denied else "free space, or move away what is there"
        sys.exit(f"error: {error.strerror}: {error.filename}: {fix}; then run this again")
    except KeyboardInterrupt:
        sys.exit("\nStopped. Run bootstrap.py again: it goes on from here.")


def set_up(uv: str) -> None:
    """Do every step."""
    choose_python(uv)
    environment(uv)
    has_data = run(str(PYTHON), "-m", "mlrepo.storage.setup", "data")
    step("Plots that need no network", "mlrepo.page.offline_plots")
    if not has_data:
        say("Set up but for data and models, which this clone lacks: see above")
        return
    step("Pipeline", "dvc", "repro", fix="Fix that and run this again: it goes on from there.")
    step("Metrics", "mlrepo.scoring.score_report")
    step("First commit", "mlrepo.storage.setup", "commit")


def find_tools() -> str:
    """Return the command that starts uv, and say where uv is if a new terminal will not find it."""
    if shutil.which("git") is None:
        raise SetupError("git is missing: get it from https://git-scm.com, then run this again.")
    ask("git", "rev-parse")  # refused in another user's clone: nothing is written there
    if (program := shutil.which("uv")) and ask("uv", "--version") is not None:
        if ((venv := Path(program).parent.parent) / "pyvenv.cfg").exists():
            say(f"uv, in {venv}: activate that in each new terminal, or see {INSTALL_UV}")
        return "uv"
    if module := ask(sys.executable, "-c", "import uv; print(uv.find_uv_bin())"):
        say(f"uv, in {Path(module).parent}: add that to PATH, as README.md starts uv by its name")
        return module
    inside = "`pip install uv` in an active virtual environment brings it"
    raise SetupError(f"uv is missing: {inside}, or see {INSTALL_UV}; then run this again.")


def choose_python(uv: str) -> None:
    """Pin the project to one minor version of Python that this machine has."""
    for name in ("VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT", "PYTHONHOME", "PYTHONPATH"):
        os.environ.pop(name, None)  # they lead to an environment that is active here
    os.environ["UV_PYTHON_DOWNLOADS"] = "never"
    os.environ.setdefault("UV_COMPILE_BYTECODE", "1")  # 0: a module is compiled when it is needed
    # uv takes a package whose copying was cut short for an installed one. Scripts of an environment
    # that is not relocatable start the Python of the folder that it was made in.
    made = VENV / "pyvenv.cfg"
    movable = made.exists() and "relocatable = true" in made.read_text("utf-8", "replace")
    if VENV.exists() and (SYNCING.exists() or not PYTHON.exists() or not movable):
        shutil.rmtree(VENV)
    minor = pinned_minor()
    here = "{}.{}".format(*sys.version_info)
    for candidate in [minor] if minor else sorted(MINORS, key=lambda each: each != here):
        if python := find_python(uv, candidate):
            break
    else:
        raise SetupError(
            f"this project needs Python {minor or ', '.join(MINORS)}, which this machine lacks: "
            f"`uv python install {minor or MINORS[0]}` installs it; then run this again. To move, "
            f"name it in {PINNED} and, as requires-python, in {PYPROJECT}; then say `uv lock`."
        )
    os.environ["UV_PYTHON"] = python
    narrowed = f'requires-python = "=={candidate}.*"'
    if SHIPPED in (text := read(PYPROJECT)):
        write(PYPROJECT, text.replace(SHIPPED, narrowed))
    elif narrowed not in text:
        raise SetupError(f"{PINNED} says {candidate}: pyproject.toml must say {narrowed}.")
    if not PINNED.exists():
        write(PINNED, f"{candidate}\n")
    say(f"Python {candidate}")


def pinned_minor() -> str | None:
    """Return the minor version that an earlier run chose, also one that was killed in between."""
    narrowed = re.search(r'requires-python = "==(3\.\d+)', read(PYPROJECT))
    chosen = read(PINNED) if PINNED.exists() else narrowed and narrowed[1]
    minor = ".".join(chosen.strip().split(".")[:2]) if chosen else None
    if minor and minor not in MINORS:
        raise SetupError(f"{PINNED} says {minor}: this project runs on {', '.join(MINORS)}.")
    return minor


def find_python(uv: str, minor: str) -> str | None:
    """Return a Python of this minor version that is on this machine."""
    tell = "import sys; print('{}.{}'.format(*sys.version_info))"
    # The project's own environment first: uv would build it anew around another Python.
    for path in (str(PYTHON), sys.executable):
        if Path(path).exists() and ask(path, "-c", tell) == minor:
            return path
    return ask(uv, "python", "find", "--system", minor)


def environment(uv: str) -> None:
    """Install the locked packages; uv.lock is made if there is none."""
    say("Environment")
    network = "It needs the package index: check the network, then run this again."
    lock(uv, network)
    SYNCING.touch()
    if not VENV.exists():
        run(uv, "venv", "--quiet", "--relocatable")
    try:
        run(uv, "sync", "--frozen")
    except SetupError:
        from_another_index(uv)
        run(uv, "sync", "--frozen", fix=network)
    SYNCING.unlink()
    # Stages and hooks say `python`: that must be the project's own.
    os.environ["PATH"] = os.pathsep.join([str(PYTHON.parent.resolve()), os.environ["PATH"]])


def lock(uv: str, network: str) -> None:
    """Make uv.lock if there is none, else check that it is what pyproject.toml asks for."""
    # A merge that is under way leaves one side's uv.lock beside the pyproject.toml of both.
    if not LOCK.exists() or ask("git", "ls-files", "--unmerged", str(LOCK)):
        run(uv, "lock", fix=network)
        return
    index = re.search(r'{ registry = "(http[^"]+)"', read(LOCK))  # with another, all has changed
    if ask(uv, "lock", "--check", *(["--index", index[1]] if index else [])) is None:
        fix = "`uv lock` renews an old uv.lock, `git checkout HEAD -- FILE` a file that is damaged."
        run(uv, "lock", "--check", fix=fix)


def from_another_index(uv: str) -> None:
    """Install what uv.lock names, by its hashes, from the index that uv is told of here."""
    say("Environment, from this machine's package index: that of uv.lock does not answer")
    locked, index = ".dvc/tmp/requirements.txt", "check the network, UV_DEFAULT_INDEX and uv.toml"
    run(uv, "export", "--quiet", "--frozen", "--no-emit-project", "-o", locked)
    options = ("--no-deps", "--require-hashes", "--python", str(PYTHON), "-r", locked)
    run(uv, "pip", "install", *options, fix=f"It needs a package index: {index}; run this again.")


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Keep a second run out while this one works, and after a kill what it started."""
    RUNNING.parent.mkdir(parents=True, exist_ok=True)
    with RUNNING.open("w") as file:
        try:
            if sys.platform == "win32":
                import msvcrt

                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise SetupError("bootstrap.py is running in this folder already.") from None
        os.set_inheritable(file.fileno(), True)
        yield


def step(title: str, module: str, *arguments: str, fix: str = "") -> bool:
    """Announce and run a module with the project's Python."""
    say(title)
    return run(str(PYTHON), "-m", module, *arguments, fix=fix)


def run(*command: str, fix: str = "") -> bool:
    """Run a command in view of the user; return whether it is done, and not left for later."""
    process = subprocess.Popen(command, close_fds=False)  # with the lock, for as long as it runs
    try:
        code = process.wait()
    except KeyboardInterrupt:
        process.wait()  # it was told as well, and tidies up
        raise
    if code not in (0, LATER):
        raise SetupError(f"`{shlex.join(command)}` ended with exit code {code}. {fix}".rstrip())
    return code == 0


def ask(*command: str) -> str | None:
    """Return what a command prints, None if it fails."""
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if "safe.directory" in (said := " ".join(done.stderr.split())):
        raise SetupError(f"run this as the owner of this folder, or do as Git says: {said}")
    return None if done.returncode else done.stdout.strip()


def say(text: str) -> None:
    """Announce a step."""
    print(f"==> {text}", flush=True)


def read(path: Path) -> str:
    """Return a file's text; one that is lost or damaged comes back from the last commit."""
    try:
        return path.read_bytes().decode()
    except (FileNotFoundError, UnicodeDecodeError) as error:
        lost = isinstance(error, FileNotFoundError)
    fix = "generate the project again, and take it from there" if lost else "save it as that"
    if ask("git", "cat-file", "-e", f"HEAD:./{path}") is not None:
        fix = f"`git checkout HEAD -- {path}` brings the committed one back"
    raise SetupError(f"{path} {'does not exist' if lost else 'is not UTF-8'}: {fix}.")


def write(path: Path, text: str) -> None:
    """Replace a file as a whole, so that a kill leaves the old or the new one."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(text.encode())
    partial.replace(path)


if __name__ == "__main__":
    main()
