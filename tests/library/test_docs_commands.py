"""The commands of the docs: a test types each that stands alone, and each in a sentence exists.

So does each that a message of the code names.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import parsed
import pytest
from conftest import TEMPLATE
from parsed import PROJECT
from words import comments, yaml_files

# Without what the answers put round a name.
PAGES = {re.sub(r"{%.*?%}", "", path.name): path for path in (PROJECT / "docs").iterdir()}
# Part of a page with commands of its own -> the tests that type what stands there.
TYPED = {
    ("auditors.md", "Four eyes"): "test_versions_four_people.py",
    ("auditors.md", "A report to print"): "test_report.py",
    ("auditors.md", "Proof outside the repository"): "test_proofs.py",
    ("cluster.md", "From a laptop to a local cluster"): "test_cluster.py",
    ("cluster.md", "TLS"): "test_cluster.py",
    ("cluster.md", "SLURM (tested without one)"): "test_cluster.py",
    ("changes.md", "Join a second table on a page"): "test_own_edits.py",
    ("data.md", "A folder of Parquet parts"): "test_data_sources.py",
    ("data.md", "A table that stays in a bucket"): "test_data_buckets.py",
    ("data.md", "An extract of many objects"): "test_data_buckets.py",
    ("data.md", "A version of a Delta table"): "test_data_sources.py",
    ("page.md", "Write it"): "test_page.py",
}
# Of these one test types all that the page has.
WHOLE = {
    "models.md": "test_any_model.py",
    "experiments.md": "typed.py",
    "versions.md": "typed.py",
    "predict.md": "typed.py",
    "service.md": "test_service.py",
    "several.md": "test_several.py",
    "trackers.md": "test_mirror_wandb.py",
}


def text(name: str) -> str:
    return PAGES[name].read_text(encoding="utf-8")


def parts_with_commands() -> set[tuple[str, str]]:
    found = set()
    for name in PAGES:
        for part in text(name).split("\n## "):
            if "```console\n$ " in part:
                found.add((name, part.partition("\n")[0]))
    return found


def in_sentences() -> set[str]:
    """Return the commands that stand between backticks."""
    own = [PROJECT / name for name in ("README.md", "AGENTS.md", "SECURITY.md")]
    paths = [*PAGES.values(), *own, TEMPLATE / "README.md", TEMPLATE / "CONTRIBUTING.md"]
    prose = "".join(path.read_text(encoding="utf-8") for path in paths)
    prose += "".join(f" {comments(path.read_text(encoding='utf-8'))}" for path in yaml_files())
    prose = re.sub(r"```.*?```", "", prose, flags=re.DOTALL)
    return {command for command in parsed.named(prose) if "{" not in command}


def in_messages(code: str) -> Iterator[str]:
    """Yield the commands in the texts of a module; what is put in there may be any word."""
    for node in ast.walk(ast.parse(code)):
        values = node.values if isinstance(node, ast.JoinedStr) else [node]
        parts = [each.value if isinstance(each, ast.Constant) else "WORD" for each in values]
        for command in parsed.named("".join(part for part in parts if isinstance(part, str))):
            if command.split()[1] != "WORD":
                yield command


SENTENCES = in_sentences()
MODULES = [PROJECT / "bootstrap.py", *(PROJECT / "mlrepo").rglob("*.py")]
MESSAGES = {each for path in MODULES for each in in_messages(path.read_text(encoding="utf-8"))}
for hook in (PROJECT / ".githooks").iterdir():  # to a shell, backticks are more than quotes
    MESSAGES |= parsed.named(hook.read_text(encoding="utf-8").replace("'", "`"))


def test_a_test_types_the_commands_of_each_part() -> None:
    parts = parts_with_commands()
    on_paper = {part for part in parts if part[1].endswith("(on paper: not tested here)")}
    assert on_paper <= {part for part in parts if part[0] == "cluster.md"}
    assert {part for part in parts - on_paper if part[0] not in WHOLE} == set(TYPED)
    for (page, title), test in TYPED.items():
        code = Path(TEMPLATE / "tests" / test).read_text(encoding="utf-8")
        assert page in code
        assert re.split(" to | \\(", title)[0] in code or title == "TLS"
    for page, test in WHOLE.items():
        assert page.removesuffix(".md") in Path(TEMPLATE / "tests" / test).read_text(
            encoding="utf-8"
        )


@pytest.mark.parametrize("command", sorted(SENTENCES | MESSAGES))
def test_a_command_in_a_sentence_exists(command: str) -> None:
    assert parsed.exists(command)


def test_the_check_sees_commands_and_their_mistakes() -> None:
    assert len(SENTENCES) > 80
    assert len(MESSAGES) > 80
    code = 'f"{a}: `model seals {b}` or `git " f"comit -m WHY`, `{c} x`, `dvc {d}`"'
    assert set(in_messages(code)) == {"model seals WORD", "git comit -m WHY"}
    right = ("model verify v1 --rebuild", "dvc exp run -S a=1", "git push --no-verify", "uv sync")
    assert all(map(parsed.exists, right))
    wrong = (
        *("model verify v1 --rebuilt", "model seals", "model ci checks", "uv snyc", "uv run x y"),
        *("dvc exp runs", "dvc repro --forced", "git comit", "git push --no-verfy"),
        *("python bootstrp.py", "python -m mlrepo.nothing", "uv sync && model repair"),
    )
    assert not any(map(parsed.exists, wrong))
