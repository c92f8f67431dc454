"""A seal of all tags holds for what came later, and for nothing that was changed before it."""

import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from mlrepo.ci import verify
from mlrepo.core.errors import ProjectError
from mlrepo.pipeline import git as pipeline_git
from mlrepo.versions.proofs.seal import Kept, Seal, broken, read, seal, write
from mlrepo.versions.registry import Registry

from . import tagging
from .conftest import render_yaml
from .repository import git

# What a notary types who has Git and no `model`.
BY_HAND = """
for tag in $(git tag --list 'model[@#+]*' | LC_ALL=C sort); do
    echo "$(git cat-file tag "$tag" | sha256sum | cut -d' ' -f1)  $tag"
done | sha256sum
"""


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two versions and three assignments."""
    folder = tmp_path_factory.mktemp("seal")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        pipeline_git.folder_in_repository.cache_clear()
        render_yaml("dvc.yaml", "versions.yaml")
        git("init", "--quiet", "--initial-branch=main")
        event("1.0.0")
        tagging.assign("1.0.0", "staging")
        tagging.assign("1.0.0", "prod")
        event("2.0.0")
        tagging.assign("2.0.0", "prod")
    return folder


@pytest.fixture(autouse=True)
def repository(made_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy of it as the current folder."""
    monkeypatch.chdir(shutil.copytree(made_once, tmp_path / "copy"))
    pipeline_git.folder_in_repository.cache_clear()


def event(number: str) -> None:
    git("commit", "--quiet", "--allow-empty", "--message", number)
    tagging.version(number)


def sealed(whole: bool = True) -> Seal:
    return read(seal(Registry.load("model")).line(whole=whole), "here")


def wrong(of: Seal) -> list[str]:
    return list(broken(Registry.load("model"), of))


def delete(*names: str) -> None:
    for name in names:
        git("update-ref", "-d", f"refs/tags/{name}")


def rewrite(counter: int) -> None:
    """Make the assignments from a number on again, with right hashes and other reasons."""
    old = [a for a in Registry.load("model").assignments if a.counter >= counter]
    after = [tag.name for tag in Registry.load("model").chain.tags.values() if tag.version]
    assert after
    delete(*(assignment.tag.name for assignment in old))
    for each in old:
        version = str(each.version.number)
        tagging.assign(version, each.stage, each.action, counter=each.counter, override="None")


def test_anybody_computes_the_same_hash_by_hand() -> None:
    made = sealed(whole=False)
    said = subprocess.run(["sh", "-c", BY_HAND], capture_output=True, text=True, check=True).stdout
    assert said.split()[0] == made.sha256
    assert made.tags == len(git("tag").splitlines()) == 5
    last = subprocess.run(
        ["git", "cat-file", "tag", "model#prod#3"], capture_output=True, check=True
    ).stdout
    assert made.ends == {"model#prod#3": hashlib.sha256(last).hexdigest()}
    assert made.newest == "model#prod#3"
    assert made.at.isoformat() == json.loads(last.partition(b"\n\n")[2][4:])["at"]


def test_a_line_is_short_and_the_same_while_no_tag_comes() -> None:
    line = seal(Registry.load("model")).line()
    assert "\n" not in line
    assert len(line) < 400
    assert seal(Registry.load("model")).line() == line
    tagging.assign("1.0.0", "prod", "rollback")
    assert seal(Registry.load("model")).line() != line


@pytest.mark.parametrize("whole", [True, False])
def test_it_holds_for_what_came_later(whole: bool) -> None:
    made = sealed(whole)
    assert wrong(made) == []
    tagging.assign("1.0.0", "prod", "rollback")
    event("3.0.0")
    tagging.assign("3.0.0", "staging")
    git("tag", "model#prod#99", "HEAD~1")  # not believed, so it is no event
    assert wrong(made) == []


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("counter", [1, 2, 3])
def test_a_chain_that_was_written_anew_is_named(whole: bool, counter: int) -> None:
    made = sealed(whole)
    if counter < 3:  # the second version is part of what comes after
        delete("model@v2.0.0", "model#prod#3")
        rewrite(counter)
        tagging.version("2.0.0")
        tagging.assign("2.0.0", "prod", counter=3)
    else:
        rewrite(counter)
    tagging.assign("1.0.0", "staging", "rollback")
    registry = Registry.load("model")
    assert not registry.chain.doubts  # nothing within the repository tells
    assert len(registry.chain.tags) == 6
    said = wrong(made)
    assert "model#prod#3 was sealed, and is another tag now" in said
    names = {line.partition(" was sealed")[0] for line in said if " was sealed, " in line}
    every = ["model#staging#1", "model#prod#2", "model@v2.0.0", "model#prod#3"]
    if whole:
        assert names == set(every[counter if counter == 3 else counter - 1 :])
    else:
        assert names == {"model#prod#3"}
        assert said[-1].startswith("this seal names its last tags alone")


@pytest.mark.parametrize("whole", [True, False])
def test_the_last_tags_cannot_be_cut_off(whole: bool) -> None:
    made = sealed(whole)
    delete("model#prod#3")
    assert wrong(made)[0] == "model#prod#3 was sealed, and is gone"
    tagging.assign("1.0.0", "staging", "rollback", counter=3)
    assert wrong(made)[0] == "model#prod#3 was sealed, and is gone"


@pytest.mark.parametrize("whole", [True, False])
def test_a_tag_from_the_middle_cannot_go(whole: bool) -> None:
    made = sealed(whole)
    delete("model#prod#2")
    told = "model#prod#2 was sealed, and is gone"
    other = "the 2 tags up to model#prod#3 are not the 5 sealed ones: model#prod#2 is gone"
    assert wrong(made) == [told if whole else other]


@pytest.mark.parametrize("whole", [True, False])
def test_what_is_not_believed_is_sealed_as_well(whole: bool) -> None:
    """Rules may change: a tag that a signer vouches for later has not come into the past."""
    git("tag", "--annotate", "--message", "By hand", "model#prod#50", "HEAD~1")
    git("tag", "model#prod#51", "HEAD~1")  # it has no bytes of its own
    tagging.assign("1.0.0", "staging", counter=52)
    by_hand = Registry.load("model").chain
    assert by_hand.strange.keys() == {"model#prod#50", "model#prod#51"}
    made = sealed(whole)
    assert made.tags == 7
    assert wrong(made) == []
    tagging.assign("1.0.0", "prod", "rollback", counter=53)
    assert wrong(made) == []
    delete("model#prod#50")
    told = "model#prod#50 was sealed, and is gone"
    other = "the 6 tags up to model#staging#52 are not the 7 sealed ones: model#prod#50 is gone"
    assert wrong(made) == [told if whole else other]


@pytest.mark.parametrize("whole", [True, False])
def test_what_is_put_beside_the_last_tag_is_named(whole: bool) -> None:
    """Within some minutes two people may make tags, so the chain alone believes it."""
    registry = Registry.load("model")
    without_last = {n: t for n, t in registry.chain.tags.items() if n != "model#prod#3"}
    made, earlier = sealed(whole), Registry.from_tags("model", without_last).head("v1.0.0")
    moment = registry.chain.tags["model#prod#3"].date
    record = {"at": moment.isoformat(), "after": earlier["after"]}
    tagging.assign("1.0.0", "staging", counter=4, **record)
    assert "model#staging#4" in Registry.load("model").chain.tags
    assert wrong(made) == [
        "model#staging#4 is dated before the seal, which does not know it: it came into the past"
    ]

    delete("model#staging#4")
    later = {"at": (moment + timedelta(seconds=1)).isoformat(), "after": earlier["after"]}
    tagging.assign("1.0.0", "staging", counter=4, **later)
    assert wrong(made) == []


def test_a_seal_of_another_model_says_nothing() -> None:
    made = sealed()
    other = made.model_copy(update={"model": "other"})
    assert wrong(other) == ["it is of the model other, not of model"]


def test_a_hash_that_is_not_that_of_the_tags_is_told() -> None:
    made = sealed(whole=False).model_copy(update={"sha256": "0" * 64})
    assert wrong(made) == ["the 5 tags up to model#prod#3 are not the 5 sealed ones"]
    fewer = sealed(whole=False).model_copy(update={"sha256": "0" * 64, "tags": 4})
    assert wrong(fewer) == ["the 5 tags up to model#prod#3 are not the 4 sealed ones"]


def test_it_is_found_in_a_mail() -> None:
    line = seal(Registry.load("model")).line()
    mail = f"Dear notary,\r\n\r\nplease keep this:\r\n  {line}\r\n\r\nYours\r\n"
    assert read(mail, "mail.txt").line() == line


Spoil = Callable[[str], str]


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda _: "nothing", "mail has no seals: give the one line"),
        (lambda line: f"{line}\n{line}", "mail has 2 seals"),
        (lambda line: line[:-9], "the seal in mail is not whole: "),
        (lambda line: line.replace('"format":1', '"format":2'), "mail is of the format 2"),
        (lambda line: line.replace('"tags":5', '"tags":"5"'), "mail: tags must be a valid integer"),
        (lambda line: line.replace('"newest"', '"oldest"'), "mail: newest is missing"),
        (lambda line: line.replace('"every":{', '"every":{"x":"y",'), "mail was changed: its hash"),
        (lambda line: line.replace("model#prod#2", "model#prod#9"), "mail was changed: its hash"),
    ],
)
def test_what_is_no_seal_is_told(spoil: Spoil, told: str) -> None:
    line = seal(Registry.load("model")).line(whole=True)
    with pytest.raises(ProjectError, match=told):
        read(spoil(line), "mail")


def test_a_file_is_kept_and_lists_each_tag(tmp_path: Path) -> None:
    made, file = seal(Registry.load("model")), tmp_path / "seal.json"
    write(made, file, None, None)
    kept = Kept.of("seal.json", tmp_path)
    assert kept.seal == made
    assert kept.seal.every is not None
    assert kept.seal.every.keys() == set(git("tag").splitlines())
    with pytest.raises(ProjectError, match=r"seal\.json exists, and a seal is kept"):
        write(made, file, None, None)
    with pytest.raises(ProjectError, match="a time stamp needs both: --time-stamp URL --auth"):
        write(made, tmp_path / "other.json", "http://127.0.0.1", None)
    assert not (tmp_path / "other.json").exists()
    with pytest.raises(ProjectError, match=r"none\.json cannot be read: No such file"):
        Kept.of("none.json", tmp_path)


def test_nothing_is_sealed_where_there_is_no_version() -> None:
    delete(*git("tag").splitlines())
    with pytest.raises(ProjectError, match="model has no version yet"):
        seal(Registry.load("model"))


def test_the_nightly_job_keeps_one(monkeypatch: pytest.MonkeyPatch) -> None:
    rebuilt = {"version": "v2.0.0", "ok": True, "checks": {}, "rebuild": None, "emergencies": []}
    monkeypatch.setattr(verify, "_rebuild", lambda *_: rebuilt)
    for _ in range(2):  # in a folder that has one of the night before
        assert verify.verify("model", [], every=False)
    assert Kept.of("reports/ci/seal.json", Path()).seal == seal(Registry.load("model"))
