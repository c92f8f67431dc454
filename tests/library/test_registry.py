"""What the tags of a repository mean: numbers, stages, dates, and tags that others have made."""

import json
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mlrepo.core.errors import ProjectError
from mlrepo.pipeline import git
from mlrepo.versions import tags
from mlrepo.versions.registry import Registry
from mlrepo.versions.rules.signatures import Signers
from mlrepo.versions.version_numbers import parse_number

from . import tagging

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Repository:
    """The current folder as a Git repository in which each tag is a minute after the last."""

    def __init__(self) -> None:
        self.date = START
        self.git("init", "--quiet")

    def git(self, *arguments: str) -> None:
        subprocess.run(["git", *arguments], check=True)

    def commit(self) -> None:
        self.git("commit", "--quiet", "--allow-empty", "--message", "A commit")

    def tag(self, name: str, commit: str, message: str) -> None:
        self.date += timedelta(minutes=1)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("GIT_COMMITTER_DATE", self.date.isoformat())
            self.git("tag", "--annotate", "--cleanup=verbatim", name, commit, "--message", message)

    def version(self, number: str) -> None:
        """Make a commit that is a version."""
        self.commit()
        self.date += timedelta(minutes=1)
        tagging.version(number, at=self.date.isoformat())

    def assign(self, number: str, stage: str, action: str = "promote") -> None:
        """Bring a version into a stage."""
        self.date += timedelta(minutes=1)
        tagging.assign(number, stage, action, at=self.date.isoformat())


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """An empty repository, as the current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "none"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Test")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "test@example.com")
    git.folder_in_repository.cache_clear()
    return Repository()


def names(registry: Registry) -> list[str]:
    return [version.name for version in registry.versions.values()]


def current(stage: str, date: datetime | None = None) -> str | None:
    found = Registry.load("model").current(stage, date)
    return found.version.name if found else None


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("v1", "1.0.0"),
        ("2", "2.0.0"),
        ("1.2", "1.2.0"),
        ("v1.2.0", "1.2.0"),
        (" v1.2.3 ", "1.2.3"),
        ("v1-rc.1", "1.0.0-rc.1"),
        ("v1.2.0-rc.1+linux", "1.2.0-rc.1+linux"),
    ],
)
def test_numbers_are_read_as_people_write_them(text: str, number: str) -> None:
    assert str(parse_number(text)) == number


@pytest.mark.parametrize("text", ["", "v", "prod", "1.2.3.4", "01.2.0", "v1.2.0-", "model@v1"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(ProjectError, match="is no version: write it like"):
        parse_number(text)


def test_versions_are_in_the_order_of_their_numbers(repository: Repository) -> None:
    for number in ("1.10.0", "1.9.0", "2.0.0-rc.1", "2.0.0", "2.0.0-rc.10", "2.0.0-rc.2"):
        repository.version(number)
    registry = Registry.load("model")
    rest = ["v2.0.0-rc.1", "v2.0.0-rc.2", "v2.0.0-rc.10", "v2.0.0"]
    assert names(registry) == ["v1.9.0", "v1.10.0", *rest]
    assert registry.newest().name == "v2.0.0"


def test_a_version_is_found_by_number_or_by_stage(repository: Repository) -> None:
    repository.version("1.0.0")
    repository.version("1.1.0")
    repository.assign("1.0.0", "prod")
    registry = Registry.load("model")
    assert registry.resolve("v1.1").name == "v1.1.0"
    assert registry.resolve("prod").name == "v1.0.0"
    with pytest.raises(ProjectError, match=r"no version v3\.0\.0; it has v1\.0\.0, v1\.1\.0"):
        registry.resolve("3")
    with pytest.raises(ProjectError, match="nothing is in the stage 'staging'"):
        registry.resolve("staging")


def test_no_version_is_told_so(repository: Repository) -> None:
    repository.commit()
    with pytest.raises(ProjectError, match="model has no version yet"):
        Registry.load("model").newest()
    with pytest.raises(ProjectError, match="nothing was ever in the stage 'prod'"):
        Registry.load("model").previous("prod")


def test_a_stage_holds_what_came_last_at_each_date(repository: Repository) -> None:
    repository.version("1.0.0")
    repository.version("2.0.0")
    repository.assign("1.0.0", "prod")
    first = repository.date
    repository.assign("2.0.0", "staging")
    repository.assign("2.0.0", "prod")
    second = repository.date
    repository.assign("1.0.0", "prod", "rollback")
    assert current("prod", first - timedelta(seconds=1)) is None
    assert current("prod", first) == "v1.0.0"
    assert current("prod", second - timedelta(seconds=1)) == "v1.0.0"
    assert current("prod", second) == "v2.0.0"
    assert current("prod") == "v1.0.0"
    assert current("staging") == "v2.0.0"


def test_each_rollback_goes_further_back(repository: Repository) -> None:
    for number in ("1.0.0", "2.0.0", "3.0.0"):
        repository.version(number)
        repository.assign(number, "prod")
    for number in ("2.0.0", "1.0.0"):
        assert Registry.load("model").previous("prod").name == f"v{number}"
        repository.assign(number, "prod", "rollback")
    with pytest.raises(ProjectError, match=r"no good version was in 'prod' before v1\.0\.0"):
        Registry.load("model").previous("prod")
    repository.assign("3.0.0", "prod")
    assert Registry.load("model").previous("prod").name == "v1.0.0"


def test_what_an_emptied_stage_held_comes_back_unless_it_is_bad(repository: Repository) -> None:
    for number in ("1.0.0", "2.0.0"):
        repository.version(number)
        repository.assign(number, "prod")
    repository.assign("2.0.0", "prod", "retire")
    registry = Registry.load("model")
    assert registry.current("prod") is None
    assert registry.in_use == {}
    assert registry.previous("prod").name == "v2.0.0"
    repository.assign("2.0.0", "deprecated", "deprecate")
    assert Registry.load("model").previous("prod").name == "v1.0.0"
    repository.assign("1.0.0", "prod", "rollback")
    registry = Registry.load("model")
    assert {stage: version.name for stage, version in registry.in_use.items()} == {"prod": "v1.0.0"}
    with pytest.raises(ProjectError, match=r"no good version was in 'prod' before v1\.0\.0"):
        registry.previous("prod")


def test_a_rollback_to_what_never_was_there_can_be_taken_back(repository: Repository) -> None:
    for number in ("1.0.0", "2.0.0"):
        repository.version(number)
    repository.assign("2.0.0", "prod")
    repository.assign("1.0.0", "prod", "rollback")
    assert Registry.load("model").previous("prod").name == "v2.0.0"


def test_bad_versions_are_passed_over(repository: Repository) -> None:
    for number in ("1.0.0", "2.0.0", "3.0.0"):
        repository.version(number)
        repository.assign(number, "prod")
    repository.assign("2.0.0", "deprecated", "deprecate")
    registry = Registry.load("model")
    assert registry.previous("prod").name == "v1.0.0"
    assert [v.name for v in registry.versions.values() if registry.bad(v)] == ["v2.0.0"]


def test_assignments_are_counted_over_all_stages(repository: Repository) -> None:
    repository.version("1.0.0")
    assert Registry.load("model").highest == 0
    for stage in ("staging", "prod", "deprecated"):
        repository.assign("1.0.0", stage)
    registry = Registry.load("model")
    assert [a.counter for a in registry.assignments] == [1, 2, 3]
    repository.tag("model#staging#9", "HEAD", "By hand: no other may have its number")
    assert Registry.load("model").highest == 9


def test_the_next_date_is_after_the_last_also_where_a_clock_runs_behind(
    repository: Repository,
) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    repository.version("1.0.0")
    date = datetime.fromisoformat(Registry.load("model").head("v1.1.0")["at"])
    assert now <= date <= datetime.now(UTC)
    repository.date = now + timedelta(minutes=2)
    repository.assign("1.0.0", "prod")
    registry = Registry.load("model")
    [last], head = registry.assignments, registry.head("v1.2.0")
    assert head["after"] == {"model#prod#1": last.tag.oid}
    assert head["at"] == (last.tag.date + timedelta(seconds=1)).isoformat()


def test_a_date_that_is_still_to_come_moves_no_later_one(repository: Repository) -> None:
    """A clock was wrong once: what it says is not believed, and the next tag names it as such."""
    repository.version("1.0.0")
    repository.version("2.0.0")
    repository.assign("1.0.0", "prod")
    repository.date = datetime(2099, 1, 1, tzinfo=UTC)
    repository.assign("2.0.0", "prod")
    strange = Registry.load("model").chain.doubts
    assert strange == {
        "model#prod#2": "it is dated 2099-01-01, which is still to come: a clock was wrong"
    }
    assert current("prod") == "v1.0.0"
    repository.date = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1)
    repository.assign("2.0.0", "prod")
    registry = Registry.load("model")
    assert (registry.chain.doubts, registry.chain.settled) == ({}, strange)
    assert [a.tag.name for a in registry.assignments] == ["model#prod#1", "model#prod#3"]
    assert current("prod", datetime.now(UTC)) == "v2.0.0"


def test_tags_that_gto_made_are_not_believed(repository: Repository) -> None:
    repository.commit()
    repository.tag("model@v1.0.0", "HEAD", "Registering artifact model version v1.0.0")
    repository.tag("model#prod#1", "HEAD", "Assigning stage prod to artifact model version v1.0.0")
    repository.git("tag", "model@v2.0.0")
    registry = Registry.load("model")
    assert (registry.versions, registry.assignments) == ({}, [])
    names = {"model@v1.0.0", "model@v2.0.0", "model#prod#1"}
    why = "it holds no record that can be read: `model` did not make it"
    assert registry.chain.doubts == dict.fromkeys(names, why)
    with pytest.raises(ProjectError, match=r"model@v2\.0\.0 is not believed: it holds no record"):
        registry.version("v2")


def test_tags_of_others_are_left_alone(repository: Repository) -> None:
    repository.version("1.0.0")
    for name in ("v9.0.0", "other@v9.0.0", "model@v9", "model@banana", "a-model@v9.0.0", "model"):
        repository.git("tag", name)
    registry = Registry.load("model")
    assert (names(registry), registry.chain.strange) == (["v1.0.0"], {})


def test_a_damaged_record_is_not_believed(repository: Repository) -> None:
    repository.commit()
    repository.tag("model@v1.0.0", "HEAD", 'Notes\n\n{\n "format": 1,\n')
    assert "it holds no record" in Registry.load("model").chain.doubts["model@v1.0.0"]


def test_strange_objects_are_not_believed(repository: Repository) -> None:
    """A tree, a tag of a tag, a date that no calendar has, a record of a thousand brackets."""
    repository.version("1.0.0")
    repository.git("tag", "model@v2.0.0", "HEAD^{tree}")
    repository.tag("model@v3.0.0", "model@v1.0.0", "A tag of a tag")
    commit = git.git("rev-parse", "HEAD").strip()
    repository.tag("model@v4.0.0", "HEAD", 'Notes\n\n{\n "a": ' + "[" * 9999 + "]" * 9999 + "}\n")
    head = f"object {commit}\ntype commit\ntag model@v5.0.0\n"
    raw = f"{head}tagger Eve <e@e> 99999999999999 +0000\n\nx\n"
    oid = git.git("hash-object", "-t", "tag", "-w", "--literally", "--stdin", given=raw).strip()
    repository.git("update-ref", "refs/tags/model@v5.0.0", oid)
    registry = Registry.load("model")
    assert names(registry) == ["v1.0.0"]
    assert sorted(registry.chain.doubts) == [f"model@v{n}.0.0" for n in (2, 3, 4, 5)]


def test_what_is_known_of_tags_is_read_once(repository: Repository) -> None:
    """Tags never change: the file in Git's folder is by their hashes, and may be lost or broken."""
    repository.version("1.0.0")
    repository.assign("1.0.0", "prod")
    whole = Registry.load("model")
    kept = Path(git.git("rev-parse", "--git-path", "mlrepo-tags.json").strip())
    [known] = json.loads(kept.read_text()).values()
    assert set(known) == {tag.oid for tag in whole.chain.tags.values()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tags, "objects", None)
        assert Registry.load("model") == whole
    for broken in ("", "{", "[]"):
        kept.write_text(broken)
        assert Registry.load("model") == whole
    kept.unlink()
    assert Registry.load("model") == whole


def test_a_project_in_a_folder_of_a_repository_has_tags_of_its_own(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.version("1.0.0")
    folder = tmp_path / "ml" / "penguins"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    git.folder_in_repository.cache_clear()
    assert tags.artifact_in_tag("model") == "ml/penguins=model"
    repository.git("tag", "ml/penguins=model@v2.0.0")
    assert list(Registry.load("model").strange) == ["ml/penguins=model@v2.0.0"]


def test_why_a_signature_is_bad_is_told_in_words(repository: Repository) -> None:
    repository.commit()
    broken = "-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----"
    tagging.version("1.0.0", notes=f"Notes\n\n{broken}")
    signing = Signers("allowed_signers", b"", ())
    found = signing.check(Registry.load("model").newest().tag)
    assert found.state == "bad"
    assert found.says.startswith("the signature is not good: ")
    assert "[" not in found.says
