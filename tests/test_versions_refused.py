"""What cannot be a version does not become one: each refusal says why, and nothing has changed."""

from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Project
from releases import MODEL, RAW, Released, copied, new_released, refused

REGISTER = ("register", "-m", "More trees")
DATES = "write 2026-03-01 or 2026-03-01T12:00Z"


@pytest.fixture(scope="module")
def released(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Released:
    """v1.0.0 in staging, and a later commit that could be a version; refusals leave it so."""
    new = new_released(project, tmp_path_factory.mktemp("refused"))
    new.model("register", "-m", "The first one")
    new.model("promote", "v1", "staging", "-m", "To try it")
    new.ready("More trees", {"train.arguments": {"n_estimators": 6}})
    return new


@pytest.fixture
def copy(released: Released, tmp_path: Path) -> Released:
    return copied(released, tmp_path / "copy")


AS_IT_IS = [
    ((*REGISTER, "--model", "other"), ["declares no model 'other'", "it has ['model']"]),
    (("register", "-m", " "), ["say what is new in this version: -m NOTES"]),
    ((*REGISTER, "--version", "v1.0.0"), ["model@v1.0.0 is taken: a version never changes"]),
    ((*REGISTER, "--version", "1"), ["model@v1.0.0 is taken"]),
    ((*REGISTER, "--version", "latest"), ["'latest' is no version: write it like v1.2.0"]),
    ((*REGISTER, "--version", "1.2.3.4"), ["'1.2.3.4' is no version"]),
    ((*REGISTER, "--version", "v01.2.3"), ["'v01.2.3' is no version"]),
    ((*REGISTER, "--version", "v2.0.0 beta"), ["'v2.0.0 beta' is no version"]),
    (("promote", "v9", "prod", "-m", "Why"), ["model has no version v9.0.0; it has v1.0.0"]),
    (("promote", "v1.x", "prod", "-m", "Why"), ["'v1.x' is no stage: versions.yaml has"]),
    (("promote", "v1", "live", "-m", "Why"), ["'live' is no stage", "has staging, prod"]),
    (("promote", "v1", "staging", "-m", "Why"), ["v1.0.0 is in 'staging' already"]),
    (("promote", "v1", "prod", "-m", ""), ["say why: -m WHY"]),
    (("rollback", "live", "-m", "Why"), ["'live' is no stage"]),
    (("rollback", "-m", "Why"), ["nothing was ever in the stage 'prod'"]),
    (("rollback", "staging", "-m", "Why"), ["no good version was in 'staging' before v1.0.0"]),
    (("rollback", "--to", "v9", "-m", "Why"), ["no version v9.0.0"]),
    (("rollback", "staging", "--to", "v1", "-m", "Why"), ["v1.0.0 is in 'staging' already"]),
    (("rollback", "--to", "v1", "-m", " "), ["say why: -m WHY"]),
    (("deprecate", "v9", "-m", "Why"), ["no version v9.0.0"]),
    (("deprecate", "v1", "-m", ""), ["say why: -m WHY"]),
    (("restore", "v9"), ["no version v9.0.0"]),
    (("get", "v9", "-o", "out"), ["no version v9.0.0"]),
    (
        ("get", "prod", "-o", "out"),
        ["nothing is in the stage 'prod': `model promote"],
    ),
    (("at", "yesterday", "prod"), ["'yesterday' is no date", DATES]),
    (("at", "2026-02-30", "prod"), ["'2026-02-30' is no date"]),
    (("at", "2026-03-01", "live"), ["'live' is no stage", "has staging, prod"]),
    (("history", "--stage", "live"), ["'live' is no stage"]),
    (("verify", "v9"), ["no version v9.0.0"]),
    (("diff", "v1", "v9"), ["no version v9.0.0"]),
    (("record", "v9"), ["no version v9.0.0"]),
    (("card", "v9"), ["no version v9.0.0"]),
]


@pytest.mark.parametrize(("command", "words"), AS_IT_IS, ids=[" ".join(c) for c, _ in AS_IT_IS])
def test_it_is_refused(released: Released, command: tuple[str, ...], words: list[str]) -> None:
    refused(released, *command, words=words)
    assert not (released.path / "out").exists()


@pytest.mark.parametrize("command", [("promote", "v1", "prod"), ("rollback", "--to", "v1")])
@pytest.mark.parametrize("blank", [" ", ""])
def test_a_blank_override_is_refused_before_anything_is_fetched(
    copy: Released, command: tuple[str, ...], blank: str
) -> None:
    with_a_git_remote_that_is_gone(copy)
    words = ["say why it goes on all the same: --override REASON"]
    refused(copy, *command, "-m", "Why", "--override", blank, words=words)


def without_the_model_in_dvc_yaml(copy: Released) -> None:
    text = (copy.path / "dvc.yaml").read_text(encoding="utf-8")
    before, _, after = text.partition("artifacts:\n")
    (copy.path / "dvc.yaml").write_text(before + after.partition("\n\n")[2], encoding="utf-8")
    copy.commit_anyway()


def with_another_file_as_the_model(copy: Released) -> None:
    copy.edit("dvc.yaml", "    path: models/model.skops", "    path: models/other.skops")
    copy.commit_anyway()


def with_stages_that_only_dvc_can_read(copy: Released) -> None:
    loop = "stages:\n  each:\n    foreach: [a]\n    do: {cmd: 'true'}\n"
    copy.edit("dvc.yaml", "stages:\n", loop)
    copy.commit_anyway()


def without_a_default_remote(copy: Released) -> None:
    copy.edit(".dvc/config", "    remote = storage\n", "")
    copy.commit_anyway()


def with_a_remote_that_is_no_folder(copy: Released) -> None:
    copy.storage.rename(copy.storage.with_name("elsewhere"))


def with_a_remote_that_does_not_answer(copy: Released) -> None:
    config = "['remote \"storage\"']\n    url = http://127.0.0.1:9/storage\n"
    (copy.path / ".dvc/config.local").write_text(config, encoding="utf-8")


def with_a_change_that_is_not_committed(copy: Released) -> None:
    copy.edit("README.md", "#", "##")


def with_a_file_that_is_not_committed(copy: Released) -> None:
    (copy.path / "penguins/new.py").touch()


def with_params_of_another_model(copy: Released) -> None:
    copy.set_params({"train.seed": 1})
    copy.commit_anyway()


def without_the_raw_data_at_the_remote(copy: Released) -> None:
    (copy.storage / copy.object(RAW)).unlink()


def without_the_model_at_the_remote(copy: Released) -> None:
    (copy.storage / copy.object(MODEL)).unlink()


def without_the_raw_data_on_this_machine(copy: Released) -> None:
    (copy.path / RAW).unlink()


def without_the_model_on_this_machine(copy: Released) -> None:
    (copy.path / MODEL).unlink()


def at_the_commit_of_v1(copy: Released) -> None:
    copy.run("git", "checkout", "--quiet", "model@v1.0.0")
    copy.run("dvc", "checkout", "--quiet")


def at_a_commit_with_two_versions_made_by_hand(copy: Released) -> None:
    copy.run("git", "tag", "--annotate", "--message", "By hand", "model@v3.0.0")
    copy.run("git", "tag", "model@v4.0.0")


def before_the_first_commit(copy: Released) -> None:
    copy.run("git", "update-ref", "-d", "HEAD")


def with_a_signature_asked_for_and_no_key(copy: Released) -> None:
    copy.run("git", "config", "tag.gpgSign", "true")
    copy.run("git", "config", "gpg.format", "ssh")


def with_signatures_required_and_none_before(copy: Released) -> None:
    copy.edit("versions.yaml", "required: false", "required: true")
    copy.commit_anyway()
    copy.run("git", "push", "--quiet", "--no-verify", "origin", "HEAD")


def with_a_git_remote_that_is_gone(copy: Released) -> None:
    copy.origin.rename(copy.origin.with_name("elsewhere.git"))


def with_a_git_remote_that_takes_no_tags(copy: Released) -> None:
    hook = copy.origin / "hooks/pre-receive"
    hook.write_text("#!/bin/sh\necho no tags here >&2\nexit 1\n", encoding="utf-8")
    hook.chmod(0o755)


def with_a_tag_that_differs_at_the_git_remote(copy: Released) -> None:
    copy.run("git", "tag", "--force", "--annotate", "--message", "Mine", "model@v1.0.0", "HEAD~1")


NO_VERSION: list[tuple[Callable[[Released], None], list[str]]] = [
    (with_a_change_that_is_not_committed, ["not all is committed", "M README.md"]),
    (with_a_file_that_is_not_committed, ["not all is committed", "?? penguins/new.py"]),
    (with_params_of_another_model, ["dvc.lock is stale", "train.seed was 0, is 1", "dvc repro"]),
    (without_the_model_in_dvc_yaml, ["dvc.yaml declares no model: add `artifacts: {model: "]),
    (with_another_file_as_the_model, ["no step in dvc.lock writes models/other.skops"]),
    (with_stages_that_only_dvc_can_read, ["each: stages with foreach", "write them out"]),
    (without_the_raw_data_at_the_remote, ["remote 'storage' (", f"lacks {RAW}: `model push`"]),
    (without_the_model_at_the_remote, ["remote 'storage' (", f"lacks {MODEL}: `model push`"]),
    (without_the_raw_data_on_this_machine, [f"not on this machine: {RAW}. `model pull` brings it"]),
    (without_the_model_on_this_machine, [f"not on this machine: {MODEL}. `model pull` brings it"]),
    (at_the_commit_of_v1, ["this commit is model@v1.0.0 already"]),
    (at_a_commit_with_two_versions_made_by_hand, ["this commit is model@v3.0.0 already"]),
    (without_a_default_remote, ["DVC has no default remote: `dvc remote add --default"]),
    (with_a_remote_that_is_no_folder, ["remote 'storage' (", "cannot be reached", "`model push`"]),
    (with_a_remote_that_does_not_answer, ["remote 'storage' (http://127.0.0.1:9/storage)"]),
    (before_the_first_commit, ["there is no commit yet"]),
    (
        with_a_signature_asked_for_and_no_key,
        ["the tag model@v1.1.0 was not made", "user.signingkey"],
    ),
    (
        with_signatures_required_and_none_before,
        ["model@v1.0.0: it is not signed: `model countersign` vouches for what is older"],
    ),
    (with_a_git_remote_that_is_gone, ["Nothing has changed: try again later."]),
    (with_a_git_remote_that_takes_no_tags, ["no tags here", "Nothing has changed, here or there."]),
    (with_a_tag_that_differs_at_the_git_remote, ["model@v1.0.0 differs here and at origin"]),
]


@pytest.mark.parametrize(
    ("prepare", "words"), NO_VERSION, ids=[prepare.__name__ for prepare, _ in NO_VERSION]
)
def test_it_is_no_version(
    copy: Released, prepare: Callable[[Released], None], words: list[str]
) -> None:
    prepare(copy)
    refused(copy, *REGISTER, words=words)


def test_without_any_of_this_it_is_a_version(copy: Released) -> None:
    """The refusals above are about what they changed and about nothing else."""
    done = copy.model(*REGISTER)
    assert done.stdout == f"model@v1.1.0 is commit {copy.git('rev-parse', 'HEAD')[:7]}\n"
    assert copy.tag("model@v1.1.0") in copy.state()["there"]
    assert copy.changed() == []
