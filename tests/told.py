"""What a command says where it meets a broken project: one short message, with what helps."""

import re
from dataclasses import dataclass

import parsed

LINES = 8  # of a message: what is wrong, five examples and how many more, what helps
LINES_OF_CHECKS = 12  # of all that the doctor finds wrong

# What a person can do that is no command.
ACTS = (
    "add|ask|bring|change|check|choose|commit|correct|decide|delete|fix|free|generate|give|install|look|make|mount|move"
    "|name|put|rename|run|save|see|set|take|try|unset|use|write"
)
CLAUSE = re.compile(rf"(?:^|[:;,.(]\s+|\b(?:or|and|then)\s+)(?:{ACTS})\s+\S", re.I | re.M)
# A place in a file of the project, and what must be there.
PLACE = re.compile(r"^ *\S+\.(?:yaml|toml|json|csv|py|lock|dvc)(?:, line \d+)?: .*\bmust ", re.M)
MEANT = re.compile(r"did you mean '\S+'\?")
NOTHING_TO_DO = re.compile(r"\bis (?:\S+ )?already\b|^no tag of model lacks a signature")


# How a state begins -> what a message has to name; else what stands before its colon.
BROKEN = {
    ".dvc:": r"\.dvc/config|DVC",
    "raw data": r"penguins\.csv",
    ".dvc/config: no remote": "no default remote",
    "the remote's plug-in": "plug-in",
    "the remote": "remote",
    "cache and remote": "remote",
    "prepared table": r"test\.parquet",
    "metrics": r"metrics/",
    "Git": r"\b[Gg]it|commit",
}


@dataclass(frozen=True)
class Done:
    """How a command ended, and all that it said."""

    code: int | None
    said: str
    seconds: float


def has_fix(message: str) -> bool:
    """Whether a message names a command that is there, an act, or a place and its value."""
    advice = parsed.named(re.sub(r"`[^`]+` (?:failed|ended with)", "", message))
    if not all(map(parsed.exists, parsed.named(message))):
        return False
    return bool(
        advice or any(form.search(message) for form in (CLAUSE, PLACE, MEANT, NOTHING_TO_DO))
    )


def assert_told(done: Done, name: str, must_refuse: bool = False) -> None:
    """One message with a fix, or checks of which each wrong one has one; never a traceback."""
    said = f"{name}: {done.code} after {done.seconds:.1f} s\n{done.said}"
    assert done.code in (0, 1, 2), said
    assert "Traceback" not in done.said, said
    assert done.code or not must_refuse, said
    text = done.said.replace("\\`", "`")  # as Markdown has it inside a table
    if done.code == 2:
        *others, message = re.split(r"^error: ", text, flags=re.MULTILINE)
        # The project's own deploy.py tells of itself.
        assert len(others) == 1 or "above" in message, said
        assert has_fix(message), said
        assert len(message.splitlines()) <= LINES, said
    elif done.code == 1:
        wrong = re.findall(r"^WRONG .*\n((?:  .*\n?)+)", text, re.MULTILINE)
        assert all(map(has_fix, wrong)), said
        assert wrong or has_fix(text), said
        assert len("".join(wrong).splitlines()) <= LINES_OF_CHECKS, said


def names_what_is_broken(said: str, state: str) -> bool:
    """Whether a message is about the state, and not about something else that it refuses."""
    found = (form for start, form in BROKEN.items() if state.startswith(start))
    return bool(re.search(next(found, re.escape(state.partition(":")[0])), said))
