"""Where the machine's text is not UTF-8: a locale of ISO 8859-1, as old servers have one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from conftest import Tool, lack

from mlrepo.core.errors import ProjectError
from mlrepo.core.paths import CARD
from mlrepo.tables import raw

from .conftest import OWNER, OWNERS, TinyProject, tiny_table

STAGES = ("prepare", "train", "evaluate")
# In ISO 8859-1, and in none of its kind.
LETTERS = {"red": "grün", "green": "żółty", "blue": "日本"}


@pytest.fixture(scope="module")
def latin_1(tool: Tool, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Variables of such a locale, which is made for the test."""
    name, folder = "de_DE.ISO-8859-1", tmp_path_factory.mktemp("locales")
    program = tool("localedef", "apt-get install libc-bin")
    command = [program, "-i", "de_DE", "-f", "ISO-8859-1", str(folder / name)]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if not (folder / name).is_dir():
        lack(f"no locale can be made ({made.stderr.strip()}): apt-get install locales")
    return {**os.environ, "LOCPATH": str(folder), "LC_ALL": name, "PYTHONUTF8": "0"}


def python(env: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[bytes]:
    done = subprocess.run([sys.executable, *arguments], capture_output=True, check=False, env=env)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done


def test_a_locale_of_another_encoding_is_what_these_tests_have(latin_1: dict[str, str]) -> None:
    tell = "import sys; print(sys.stdout.encoding, sys.getfilesystemencoding())"
    assert python(latin_1, "-c", tell).stdout.split() == [b"iso8859-1", b"iso8859-1"]


def test_stages_write_the_same_bytes(tiny: TinyProject, latin_1: dict[str, str]) -> None:
    Path(OWNER).symlink_to(OWNERS / OWNER)
    table = tiny_table().with_columns(pl.col("colour").replace(LETTERS))
    table.rename({"size": "größe"}).write_csv("table.csv")
    tiny.set({"evaluate.slices": ["colour"], "card.purpose": "Über 日本"})
    tiny.propose()
    minor = "{}.{}".format(*sys.version_info)
    Path("env.json").write_text(json.dumps({"python": minor, "closures": {}}), encoding="utf-8")
    written = []
    for environment in (dict(os.environ), latin_1):
        for stage in STAGES:
            python(environment, "-m", "mlrepo", stage)
        folders = ("data", "models", "metrics", "reports")
        files = [path for name in folders for path in Path(name).rglob("*") if path.is_file()]
        written.append({path: path.read_bytes() for path in files})
    assert written[0] == written[1]
    assert "żółty".encode() in written[0][Path("reports/scores.csv")]


def test_what_a_file_or_a_program_gets_is_utf_8(tiny: TinyProject, latin_1: dict[str, str]) -> None:
    (tiny.folder / "dvc.yaml").touch()
    text = "0.9 ± 0.1 in grün, █ 日本\n"
    CARD.write_text(text, encoding="utf-8")
    assert python(latin_1, "-m", "mlrepo.commands", "card").stdout.decode() == text


def test_a_terminal_gets_what_it_can_show(tiny: TinyProject, latin_1: dict[str, str]) -> None:
    import pty  # which Windows lacks

    (tiny.folder / "dvc.yaml").touch()
    CARD.write_text("0.9 ± 0.1, █\n", encoding="utf-8")
    ours, its = pty.openpty()
    command = [sys.executable, "-m", "mlrepo.commands", "card"]
    done = subprocess.run(command, stdout=its, stderr=subprocess.PIPE, env=latin_1, check=False)
    os.close(its)
    assert done.stderr == b""
    assert os.read(ours, 100) == b"0.9 \xb1 0.1, \\u2588\r\n"
    os.close(ours)


def test_a_name_that_polars_would_not_find_is_refused(tiny: TinyProject) -> None:
    tiny_table().write_csv("grün.csv")
    tell = (
        "import sys; from pathlib import Path; from mlrepo.core.errors import exit_with_message; "
        "from mlrepo.prediction import write; a, b = sys.argv[1:]; "
        "exit_with_message(lambda: write.predict(None, Path(a), Path(b), False, print))"
    )
    env = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0"}
    for names in (("grün.csv", "o.csv"), ("i.csv", "grün.csv")):
        command = [sys.executable, "-c", tell, *names]
        done = subprocess.run(command, capture_output=True, check=False, env=env)
        assert done.returncode == 2
        assert done.stderr.startswith(b"error: gr\\udcc3\\udcbcn.csv has letters that names in ")
        assert b"run this with PYTHONUTF8=1" in done.stderr
    table = tiny.folder / os.fsdecode(b"gr\xfcn.csv")  # in ISO 8859-1
    tiny_table().write_csv("a.csv")
    Path("a.csv").rename(table)
    with pytest.raises(ProjectError, match="utf-8 lack here: give it another name"):
        raw.find_parts(table)
