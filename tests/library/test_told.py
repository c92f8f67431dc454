"""What the drive through broken states takes for a good message, and what not."""

import pytest
from told import LINES, LINES_OF_CHECKS, Done, assert_told, has_fix, names_what_is_broken

FIXES = (
    "dvc.yaml does not exist: `git checkout HEAD -- dvc.yaml` brings the committed one back",
    "`git ls-files` failed: fatal: no repository: `python bootstrap.py` makes one",
    "no space left on the disk while writing a.csv: free some space and run again",
    "the split leaves no row in test: change prepare.split in params.yaml",
    "a server cannot be reached (refused): check the network, the address and the proxy",
    "this is no table.\nRun `uv sync`; if uv.lock has changed, `dvc repro` after it.",
    "params.yaml: train.seed must be a whole number, not 'a'",
    "space: train.argument is not in params.yaml: did you mean 'train.arguments'?",
    "v1.0.0 is already in prod",
)
NO_FIXES = (
    "[Errno 2] No such file",
    "[Errno 13] Permission denied: 'a.csv'",
    "x is not set",
    "nothing to add, and no name",
    "the run of this file was cut short, see",
    "params.yaml: a key is broken",
    "`git fetch origin` failed: fatal: no such remote",
    "x is broken: `model repair`",
    "x is broken: `model verify --repair` or `dvc repro`",
    "x is broken: `git chekout HEAD -- x`",
)


@pytest.mark.parametrize("message", FIXES)
def test_a_fix_is_a_command_an_act_or_the_right_value(message: str) -> None:
    assert has_fix(message)


@pytest.mark.parametrize("message", NO_FIXES)
def test_what_only_sounds_like_one_is_none(message: str) -> None:
    assert not has_fix(message)


def done(code: int | None, said: str) -> Done:
    return Done(code, said, 1.0)


CHECKS = "ok     tools\nWRONG  cache\n  x is damaged: delete it\nok     hooks\n"


def test_good_ends_pass() -> None:
    assert_told(done(0, "done\n"), "a")
    assert_told(done(2, f"- a step\nerror: {FIXES[0]}\n"), "a", must_refuse=True)
    assert_told(done(1, CHECKS), "a", must_refuse=True)
    assert_told(done(2, "error: x: check y\nerror: a stage failed: fix what it says above\n"), "a")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (None, "- a step\n"),
        (0, "Traceback (most recent call last)"),
        (1, "Traceback (most recent call last):\nKeyError: run `uv sync`"),
        (3, f"error: {FIXES[0]}\n"),
        (2, FIXES[0]),
        (2, f"error: {NO_FIXES[0]}\n"),
        (2, f"error: {FIXES[0]}\nerror: {FIXES[0]}\n"),
        (2, f"error: {FIXES[0]}\n" + "more\n" * LINES),
        (1, CHECKS.replace(": delete it", "")),
        (1, CHECKS.replace("  x", "  more: delete it\n" * LINES_OF_CHECKS + "  x")),
        (1, "it does not hold\n"),
    ],
)  # fmt: skip
def test_bad_ends_do_not(code: int | None, said: str) -> None:
    with pytest.raises(AssertionError):
        assert_told(done(code, said), "a")


def test_what_must_refuse_may_not_end_well() -> None:
    with pytest.raises(AssertionError):
        assert_told(done(0, "done\n"), "a", must_refuse=True)


def test_the_message_is_about_the_state() -> None:
    assert names_what_is_broken("error: dvc.lock holds marks", "dvc.lock: conflict")
    assert not names_what_is_broken("error: dvc.yaml holds marks", "dvc.lock: conflict")
    assert names_what_is_broken("DVC's remote is gone", "the remote's drive is not mounted")
    assert not names_what_is_broken("the Git server is gone", "the remote's drive is not mounted")
