"""MODEL_CARD.md as those read it who take it over: the Hugging Face Hub's parser and Markdown's."""

import json
from pathlib import Path

import pytest
from conftest import Project
from huggingface_hub import ModelCard
from markdown_it import MarkdownIt

HOSTILE = [
    "a|b",
    "a\\|b\\",
    "`code` ``",
    "*x* **y** _z_ __w__ ~~v~~",
    "[text](https://example.com) ![image](x.png) <b>&amp;</b>",
    "# heading",
    "- item",
    "1. item",
    "> quote",
    "---",
    "a_b_c",
    "Größe 数 %",
]


def read(text: str) -> list[str]:
    """Return cells and list items as a reader sees them; "?" stands for markup."""
    markdown = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    plain = {"text", "text_special"}
    return [
        "".join(part.content if part.type in plain else "?" for part in token.children or ())
        for token in markdown.parse(text)
        if token.type == "inline"
    ]


@pytest.fixture(scope="module")
def escaped(project: Project) -> dict[str, str]:
    """The hostile values in a table and in a list, as the project writes them."""
    code = """
import json, sys
from mlrepo.core.markdown import escape, markdown
values = json.loads(sys.argv[1])
items = "\\n".join(f"- {escape(value)}" for value in values)
print(json.dumps({"table": markdown([["head"], *([value] for value in values)]), "list": items}))
"""
    said = project.run("python", "-c", code, json.dumps(HOSTILE)).stdout
    found: dict[str, str] = json.loads(said)
    return found


def test_a_markdown_parser_reads_hostile_values_as_they_are(escaped: dict[str, str]) -> None:
    assert read(escaped["table"]) == ["head", *HOSTILE]
    assert read(escaped["list"]) == HOSTILE


@pytest.mark.parametrize("value", HOSTILE[:-2])
def test_the_parser_takes_them_for_markup_otherwise(value: str) -> None:
    assert read(f"| head |\n| --- |\n| {value} |\n\n- {value}") != ["head", value, value]


def test_the_hub_reads_the_results(project: Project) -> None:
    card = ModelCard.load(project.path / "MODEL_CARD.md")
    metrics = json.loads((project.path / "metrics/evaluate.json").read_text(encoding="utf-8"))
    results = card.data.eval_results
    assert {each.metric_type: each.metric_value for each in results} == metrics["test"]
    assert {each.dataset_split for each in results} == {"test"}
    assert (card.data.library_name, card.data.pipeline_tag) == ("sklearn", "tabular-classification")


def test_the_hub_refuses_a_broken_head(project: Project, tmp_path: Path) -> None:
    text = (project.path / "MODEL_CARD.md").read_text(encoding="utf-8")
    broken = tmp_path / "MODEL_CARD.md"
    broken.write_text(text.replace("    dataset:\n", "    data:\n"), encoding="utf-8")
    with pytest.raises(ValueError, match="dataset"):
        ModelCard.load(broken)
