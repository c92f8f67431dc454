"""One cache for two users of a machine, by the commands of docs/scale.md, with any umask."""

import hashlib
import os
import re
import shutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from conftest import TEMPLATE, lack
from dvc.cli import main as dvc  # type: ignore[import-untyped]

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of pygtrie and fork
GROUP = 64000
PAGE = (TEMPLATE / "{{cookiecutter.project_slug}}/docs/scale.md").read_text(encoding="utf-8")
ADVICE = PAGE.partition("One cache for several people")[2].partition("\n- ")[0]
_, MAKES, *SETTINGS = re.findall(r"`(?:uv run )?([^`]+)`", ADVICE)  # behind `umask`


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that other users can reach, which the test's own need not be."""
    if sys.platform == "win32" or os.geteuid() != 0:
        lack("only root can be two users: run the tests as root")
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        place = Path(folder)
        place.chmod(0o755)
        for name in ("GLOBAL_CONFIG_DIR", "SYSTEM_CONFIG_DIR"):
            monkeypatch.setenv(f"DVC_{name}", f"{place}/{name}")
        monkeypatch.setenv("DVC_SITE_CACHE_DIR", f"{place}/site")
        (place / "site").mkdir()
        (place / "site").chmod(0o1777)  # as /var/tmp, where it is
        monkeypatch.chdir(place)
        yield place


def be(user: int, work: Callable[[], None]) -> None:
    """Do something as a user of the group who lets nobody else read: a fork has what it imports."""
    process = os.fork()
    if process == 0:
        code = 1
        try:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(600)  # should a lock of another thread have come along
            os.setgroups([GROUP])
            os.setgid(user)
            os.setuid(user)
            os.umask(0o077)
            work()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0


def project(folder: Path, cache: Path) -> None:
    """Make a project whose cache is the shared one."""
    (folder / ".dvc").mkdir(parents=True)
    os.chdir(folder)
    Path(".dvc/config").write_text("[core]\nno_scm = true\nanalytics = false\n", encoding="utf-8")
    for command in SETTINGS:
        assert dvc(command.replace("CACHE", str(cache)).split()[1:]) == 0


def add(folder: Path, name: str, content: bytes) -> None:
    """Add a file and a folder with it."""
    os.chdir(folder)
    (folder / f"{name}s").mkdir()
    for path in (folder / name, folder / f"{name}s" / name):
        path.write_bytes(content)
    assert dvc(["add", "--quiet", name, f"{name}s"]) == 0


def bring(folder: Path, name: str) -> None:
    """Put what the other one has added here, from the cache."""
    os.chdir(folder)
    assert dvc(["checkout", "--quiet", f"{name}.dvc", f"{name}s.dvc"]) == 0


def share(place: Path, name: str, giver: str, taker: str) -> None:
    """Hand pointers over, as Git does."""
    for pointer in (f"{name}.dvc", f"{name}s.dvc"):
        shutil.copyfile(place / giver / pointer, place / taker / pointer)
        (place / taker / pointer).chmod(0o644)


def of_one_folder(number: int) -> list[bytes]:
    """Return contents that are neighbours in the cache."""
    contents = (str(number).encode() for number in count())
    alike = (each for each in contents if hashlib.md5(each).hexdigest().startswith("ab"))
    return [next(alike) for _ in range(number)]


def test_each_adds_to_what_the_other_has_added_and_reads_it(place: Path) -> None:
    import pwd  # which Windows lacks

    first, second, third = of_one_folder(3)
    ada, bert = [user.pw_uid for user in pwd.getpwall() if user.pw_uid][:2]
    # What a fork needs is imported by then: packages and their folders may be root's alone.
    project(place / "nobody", place / "other")
    add(place / "nobody", "a", first)
    bring(place / "nobody", "a")

    os.system(f"cd {place} && {MAKES.replace('CACHE', 'cache').replace('GROUP', str(GROUP))}")
    cache = place / "cache"
    for name, user in (("ada", ada), ("bert", bert)):
        (place / name).mkdir()
        os.chown(place / name, user, user)
        be(user, lambda name=name: project(place / name, cache))  # type: ignore[misc]
    be(ada, lambda: add(place / "ada", "a", first))
    be(bert, lambda: add(place / "bert", "b", second))
    be(ada, lambda: add(place / "ada", "c", third))
    share(place, "b", "bert", "ada")
    be(ada, lambda: bring(place / "ada", "b"))
    assert (place / "ada/b").read_bytes() == (place / "ada/bs/b").read_bytes() == second
    for name in ("a", "c"):
        share(place, name, "ada", "bert")
        be(bert, lambda name=name: bring(place / "bert", name))  # type: ignore[misc]
    assert (place / "bert/cs/c").read_bytes() == third

    files = [path for path in cache.rglob("*") if path.is_file()]
    assert {path.stat().st_uid for path in files} == {ada, bert}
    assert {path.stat().st_gid for path in cache.rglob("*")} == {GROUP}
    assert len({path.parent for path in files if path.parent.name == "ab"}) == 1
