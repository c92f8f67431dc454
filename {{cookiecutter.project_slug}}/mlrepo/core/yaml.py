"""Read and write YAML as DVC does: YAML 1.2, by ruamel.yaml. A key that stands twice is a mistake.

In YAML 1.1, which other libraries read, ``1e-3`` is a text, ``no`` is false and the last of two
equal keys wins: a value would mean one thing to DVC and another to the code.
"""

import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.constructor import DuplicateKeyError, SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.representer import SafeRepresenter

from mlrepo.core.errors import ProjectError, known

_CONFLICT = re.compile(r"^(?:<{7}|>{7}) .*$", re.MULTILINE)  # marks that Git leaves


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
        fix = known.brought_back(path, "run this in the project's folder")
        raise ProjectError(f"{path} does not exist: {fix}") from None
    except UnicodeDecodeError:
        fix = known.how_to_fix(path)
        raise ProjectError(f"{path} is not UTF-8: save it as UTF-8; {fix}") from None
    return parse(text, str(path))


def parse(text: str, name: str) -> Any:
    """Return what a YAML text holds; ``name`` is for the message, which names the line.

    It is that of the file, or of what the text is in a commit.
    """
    if mark := _CONFLICT.search(text):
        line = text.count("\n", 0, mark.start()) + 1
        wrong = f"{name} holds the marks of a Git conflict in line {line}"
        raise ProjectError(f"{wrong}: {_how_to_fix(text, name, 'choose a side there')}")
    reader = YAML(typ="safe")
    reader.Constructor = _Constructor
    try:
        return reader.load(text)
    except (YAMLError, ValueError) as error:
        wrong = f"{name} is not valid YAML: {_where(error)}"
        raise ProjectError(f"{wrong}: {_how_to_fix(text, name, 'fix it')}") from None


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
    editor = _editor()
    content = editor.load(text)
    for dotted, value in changes.items():
        *parents, key = dotted.split(".")
        section = content
        for parent in parents:
            section = section[parent]
        if section[key] != value:
            section[key] = _laid_out(value, section, key)
    out = io.StringIO()
    editor.dump(content, out)
    return out.getvalue()


def spelled(text: str, changes: Mapping[tuple[str | int, ...], str]) -> str:
    """Return a YAML text with other words at some places; all other bytes stay.

    Args:
        text: the YAML, in which each of these stands in one line, with or without quotes.
        changes: the keys and numbers that lead to a text -> the new one, which needs no quotes.
    """
    content, lines = _editor().load(text), text.splitlines(keepends=True)
    for (*parents, last), new in changes.items():
        section = content
        for parent in parents:
            section = section[parent]
        item = section.lc.item(last) if isinstance(last, int) else section.lc.value(last)
        old, (line, column) = str(section[last]), item
        lines[line] = lines[line][:column] + lines[line][column:].replace(old, new, 1)
    return "".join(lines)


def only_key(text: str, section: str, key: str, name: str) -> str:
    """Return a YAML text in which a section has one of its keys alone, under another name."""
    content, lines = _editor().load(text), text.splitlines(keepends=True)
    if len(content[section]) > 1:
        editor, out = _editor(), io.StringIO()
        content[section] = CommentedMap({name: content[section][key]})
        editor.dump(content, out)
        return out.getvalue()
    line, column = content[section].lc.key(key)
    lines[line] = lines[line][:column] + lines[line][column:].replace(key, name, 1)
    return "".join(lines)


def _editor() -> YAML:
    editor = YAML()
    editor.width = 100
    editor.preserve_quotes = True
    return editor


def _laid_out(value: Any, section: CommentedMap, key: str) -> Any:
    """Return a list or mapping in brackets or not, as what is in its place, with its comments."""
    if not isinstance(value, list | dict):
        return value
    made: Any = CommentedSeq(value) if isinstance(value, list) else CommentedMap(value)
    before, is_block = section[key], False
    if isinstance(before, CommentedSeq | CommentedMap):
        is_block = len(before) > 0 and not before.fa.flow_style()
        before.copy_attributes(made)
        # The comment that follows stands at the last item.
        if is_block and (behind := made.ca.items.pop(_last(before), None)):
            if value:
                made.ca.items[_last(made)] = behind
            else:
                comments = section.ca.items.setdefault(key, [None, None, None, None])
                comments[2] = next(each for each in behind if each)
    if not (value and is_block):
        made.fa.set_flow_style()
    return made


def _last(items: CommentedSeq | CommentedMap) -> Any:
    return len(items) - 1 if isinstance(items, CommentedSeq) else list(items)[-1]


def _how_to_fix(text: str, name: str, how: str) -> str:
    """Return how a file is fixed, or who can tell of one that is broken in a commit alone."""
    try:
        here = Path(name).read_text(encoding="utf-8", errors="replace")
    except OSError:
        here = None
    return known.how_to_fix(name, how) if here == text else known.since_when(name)


def _where(error: Exception) -> str:
    if isinstance(error, MarkedYAMLError) and (mark := error.problem_mark or error.context_mark):
        says = str(error.problem or error.context)
        if isinstance(error, DuplicateKeyError):
            key = says.split('"')[1]
            says = f"the key '{key}' stands twice"
        return f"line {mark.line + 1}: {says}"
    return str(error).partition("\n")[0]
