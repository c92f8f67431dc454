"""Commands that are killed and Git remotes that die: the old state or the new one, never a half."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from helpers import LONG
from releases import Released, copied, refused
from rivals import Killer, Rival, rival

COMMANDS = {
    "register": ["register", "-m", "More"],
    "promote": ["promote", "v1", "staging", "-m", "Why"],
    "rollback": ["rollback", "staging", "-m", "Why"],
}
# Said twice, a bare rollback would go back twice.
AGAIN = {**COMMANDS, "rollback": ["rollback", "staging", "--to", "v1", "-m", "Why"]}
ALREADY = {
    "register": "this commit is model@v1.2.0 already",
    "promote": "v1.0.0 is in 'staging' already",
    "rollback": "v1.0.0 is in 'staging' already",
}
# The first or the last call of Git with these words. before: it is never made; during: it outlives
# its caller.
MOMENTS = {
    "before the fetch": ("first", " fetch ", "before"),
    "before the second look": ("last", " fetch ", "before"),
    "before a scratch repository": ("last", " init ", "before"),
    "before the tag": ("last", " tag --annotate ", "before"),
    "during the tag": ("last", " tag --annotate ", "during"),
    "after the tag": ("last", " rev-parse refs/tags/", "before"),
    "before the push": ("last", " push ", "before"),
    "during the push": ("last", " push ", "during"),
    "after the push": ("last", " update-ref ", "before"),
    "during the update": ("last", " update-ref ", "during"),
    "after the update": ("last", " for-each-ref ", "before"),
}
TAKEN = ["during the push", "after the push", "during the update", "after the update"]


class Victim:
    """A clone whose HEAD is no version yet, and the tags that it and its origin start from."""

    def __init__(self, clone: Released, process: Rival, folder: Path) -> None:
        self.clone = clone
        self.process = process
        self.killer = Killer(clone, folder)
        self.old = self.here()
        self.calls = cache(self._calls)

    def here(self) -> str:
        return self.clone.git("for-each-ref", "--format=%(objectname)\t%(refname)", "refs/tags")

    def there(self) -> str:
        return self.clone.git("ls-remote", "--refs", "origin", "refs/tags/*")

    def reset(self) -> None:
        """Go back to the old state."""
        for line in set(self.there().splitlines()) - set(self.old.splitlines()):
            name = line.partition("\t")[2]
            self.clone.run("git", "push", "--quiet", "--no-verify", "--delete", "origin", name)
        for line in set(self.here().splitlines()) - set(self.old.splitlines()):
            self.clone.git("update-ref", "-d", line.partition("\t")[2])
        assert self.here() == self.there() == self.old

    def _calls(self, name: str, words: str) -> int:
        """Return how often a command calls Git with ``words``."""
        done = self.killer.run(*COMMANDS[name], words=words)
        assert done.returncode == 0, done.stderr
        self.reset()
        return self.killer.count()


@pytest.fixture(scope="module")
def victim(two_versions: Released, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Victim]:
    folder = tmp_path_factory.mktemp("killed")
    clone = copied(two_versions, folder / "all")
    clone.run("git", "commit", "--quiet", "--allow-empty", "--message", "The same model")
    with rival(clone) as process:
        yield Victim(clone, process, folder / "killer")


# All write their tag by the same lines, so that in the short form two stand for all.
KILLS = [
    (name, moment)
    for name in COMMANDS
    for moment in MOMENTS
    if LONG or (name != "rollback" and "push" in moment) or (name == "promote" and " tag" in moment)
]


@pytest.mark.parametrize(("name", "moment"), KILLS)
def test_a_kill_leaves_the_old_state_or_the_new_one(victim: Victim, name: str, moment: str) -> None:
    which, words, how = MOMENTS[moment]
    number = 1 if which == "first" else victim.calls(name, words)
    assert number > 0
    done = victim.killer.run(*COMMANDS[name], words=words, kill=f"{number} {how}")
    assert done.returncode == -9, done.stderr

    there, here = victim.there(), victim.here()
    new = set(there.splitlines()) - set(victim.old.splitlines())
    assert len(new) == (moment in TAKEN)
    assert here in (victim.old, there)
    assert victim.clone.changed() == []
    victim.clone.run("git", "fetch", "--quiet", "--tags")
    assert victim.here() == victim.there() == there
    history = json.loads(victim.process.model("history", "--json"))
    assert len(history) == len(there.splitlines())
    assert (history[0]["event"] == name) or not new

    victim.process.start(*AGAIN[name])
    code, said = victim.process.end()
    assert (code, ALREADY[name] in said) == ((2, True) if new else (0, False)), said
    assert len(victim.there().splitlines()) == len(victim.old.splitlines()) + 1
    assert victim.here() == victim.there()
    for folder in (victim.clone.path, victim.clone.origin):
        victim.clone.run("git", "-C", str(folder), "fsck", "--no-dangling", "--no-progress")
    victim.reset()


DYING = {
    "pre-receive": ("exit 1", ["Nothing has changed, here or there"]),
    "update": ("kill -9 $PPID", ["Nothing has changed, here or there"]),
    "post-receive": ("kill -9 $PPID", []),
}


def hook(released: Released, name: str, command: str) -> None:
    """Let the Git remote run a command."""
    path = released.origin / "hooks" / name
    path.write_text(f"#!/bin/sh\n{command}\n", encoding="utf-8")
    path.chmod(0o755)


@pytest.mark.parametrize("name", DYING)
def test_a_remote_that_dies_has_taken_the_tag_or_has_not(
    two_versions: Released, tmp_path: Path, name: str
) -> None:
    """After the push is done it is taken, though the answer got lost."""
    copy = copied(two_versions, tmp_path / "all")
    command, words = DYING[name]
    hook(copy, name, command)
    if words:
        refused(copy, *COMMANDS["promote"], words=words)
        (copy.origin / "hooks" / name).unlink()
    copy.model(*COMMANDS["promote"])
    assert copy.json("history")[0]["tag"] == "model#staging#4"
    assert copy.tag("model#staging#4") in copy.git("ls-remote", "origin", "refs/tags/*")


def test_a_remote_that_takes_the_tag_and_is_gone_leaves_it_open(
    two_versions: Released, tmp_path: Path
) -> None:
    copy = copied(two_versions, tmp_path / "all")
    hook(copy, "post-receive", 'mv "$PWD" "$PWD.gone"; kill -9 $PPID')
    before = copy.git("show-ref")
    done = copy.model(*COMMANDS["promote"], check=False)
    assert done.returncode == 2
    assert "Nothing has changed here" in done.stderr
    assert "origin took model#staging#4 is not known" in done.stderr
    assert copy.git("show-ref") == before
    copy.origin.with_name("origin.git.gone").rename(copy.origin)
    (copy.origin / "hooks/post-receive").unlink()
    done = copy.model(*COMMANDS["promote"], check=False)
    assert (done.returncode, ALREADY["promote"] in done.stderr) == (2, True)
    assert copy.json("at", "2999-01-01", "staging")[0]["version"] == "v1.0.0"
