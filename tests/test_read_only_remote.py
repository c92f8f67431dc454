"""A remote of DVC that may be read and not written, as on a share of others."""

import shutil
from pathlib import Path

from helpers import sha256
from releases import MODEL, Released, copied
from test_bad_machines import namespace  # noqa: F401 -- a fixture

# Each line is a command; what it says and its exit code go to files by its first word.
READ_ONLY = """
mount --bind "$1" "$1"
mount -o remount,bind,ro "$1"
while read -r line; do
    code=0
    python -m mlrepo.commands $line > "$2/${line%% *}" 2>&1 < /dev/null || code=$?
    echo "exit $code" >> "$2/${line%% *}"
done < "$2/typed"
"""
COMMANDS = ("doctor", "pull --all", "verify v1.1", "get v1 -o ../out", "push")


def test_reading_works_and_a_push_says_why_not(
    two_versions: Released,
    namespace: list[str],  # noqa: F811
    tmp_path: Path,
) -> None:
    copy = copied(two_versions, tmp_path / "copy")
    model = sha256(copy.path / MODEL)
    shutil.rmtree(copy.path / ".dvc/cache")
    (copy.path / MODEL).unlink()
    (tmp_path / "typed").write_text("".join(f"{each}\n" for each in COMMANDS), encoding="utf-8")
    before = {path: sha256(path) for path in copy.storage.rglob("*") if path.is_file()}
    copy.run(*namespace, READ_ONLY, "sh", str(copy.storage), str(tmp_path))

    said = {each: (tmp_path / each.split()[0]).read_text(encoding="utf-8") for each in COMMANDS}
    ends = {each: text.splitlines()[-1] for each, text in said.items()}
    assert [*ends.values()] == ["exit 1", "exit 0", "exit 0", "exit 0", "exit 2"], said
    remote = f"DVC's remote 'storage' ({copy.storage})"
    trouble = f"{remote} is a folder that you may not read, or not write to ("
    assert f"WRONG  DVC remote\n  {trouble}" in said["doctor"]
    assert said["push"].startswith(f"error: {trouble}")
    for text in (said["doctor"], said["push"]):
        assert "Read-only file system" in text
        fix = "`uv run dvc remote modify --local storage url FOLDER`"
        assert f"check its owner and permissions, or {fix}" in text
    assert sha256(copy.path / MODEL) == model
    assert {path: sha256(path) for path in copy.storage.rglob("*") if path.is_file()} == before
