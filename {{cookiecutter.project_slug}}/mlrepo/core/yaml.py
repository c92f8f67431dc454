"""Read and write YAML as DVC does: YAML 1.2, by ruamel.yaml. A key that stands twice is a mistake.

In YAML 1.1, which other libraries read, ``1e-3`` is a text, ``no`` is false and the last of two
equal keys wins: a value would mean one thing to DVC and another to the code.
"""

import io
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.constructor import DuplicateKeyError, SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.representer import SafeRepresenter

from mlrepo.core.errors import ProjectError


class _Constructor(SafeConstructor):
    """Reads dates, and the sign of equality, as the texts that they are in YAML's core schema."""


class _Representer(SafeRepresenter):
    """Escapes what a plain or a quoted text would change, such as a line end of Unicode."""

    def represent_str(self, text: str) -> Any:
        style = None if text.isprintable() else '"'
        return self.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Representer.add_representer(str, _Representer.represent_str)
for _tag in ("timestamp", "value"):
    _Constructor.add_constructor(f"tag:yaml.org,2002:{_tag}", SafeConstructor.construct_yaml_str)


def load(path: Path) -> Any:
    """Return what the YAML file at ``path`` holds."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ProjectError(f"{path} does not exist: run this in the project's folder") from None
    except UnicodeDecodeError:
        raise ProjectError(f"{path} is not UTF-8: save it as UTF-8") from None
    return parse(text, str(path))


def parse(text: str, name: str) -> Any:
    """Return what a YAML text holds; ``name`` is for the message, which names the line."""
    reader = YAML(typ="safe")
    reader.Constructor = _Constructor
    try:
        return reader.load(text)
    except (YAMLError, ValueError) as error:
        raise ProjectError(f"{name} is not valid YAML: {_where(error)}") from None


def dump(content: Any, width: int = 80) -> str:
    """Return ``content`` as YAML that `parse` reads back; keys stay in their order."""
    writer = YAML(typ="safe", pure=True)
    writer.Representer = _Representer
    writer.default_flow_style = False
    writer.sort_base_mapping_type_on_output = False  # type: ignore[assignment]  # typed None
    writer.width = width
    text = io.StringIO()
    writer.dump(content, text)
    return text.getvalue()


def edited(text: str, changes: dict[str, Any]) -> str:
    """Return a YAML text with other values at some dotted keys; comments and layout stay.

    A list or a mapping is written in brackets where it stood in brackets.
    """
    editor = YAML()
    editor.width = 100
    editor.preserve_quotes = True
    content = editor.load(text)
    for dotted, value in changes.items():
        *parents, key = dotted.split(".")
        section = content
        for parent in parents:
            section = section[parent]
        if isinstance(value, list):
            value = _list(value, section, key)
        section[key] = value
    out = io.StringIO()
    editor.dump(content, out)
    return out.getvalue()


def _list(values: list[Any], section: CommentedMap, key: str) -> CommentedSeq:
    """Return a list in brackets or not, as the one in its place, with the comment behind that."""
    items, before = CommentedSeq(values), section[key]
    is_block = False
    if isinstance(before, CommentedSeq):
        is_block = len(before) > 0 and not before.fa.flow_style()
        before.copy_attributes(items)
        if is_block and (behind := items.ca.items.pop(len(before) - 1, None)):
            if values:
                items.ca.items[len(values) - 1] = behind
            else:
                comments = section.ca.items.setdefault(key, [None, None, None, None])
                comments[2] = behind[0]
    if not (values and is_block):
        items.fa.set_flow_style()
    return items


def _where(error: Exception) -> str:
    if isinstance(error, MarkedYAMLError) and (mark := error.problem_mark or error.context_mark):
        says = str(error.problem or error.context)
        if isinstance(error, DuplicateKeyError):
            key = says.split('"')[1]
            says = f"the key '{key}' stands twice"
        return f"line {mark.line + 1}: {says}"
    return str(error).partition("\n")[0]
