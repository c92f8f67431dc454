"""Read YAML as DVC reads it: YAML 1.2, and a key that stands twice is a mistake.

PyYAML follows YAML 1.1, where ``1e-3`` is a text, ``no`` is false and the last of two equal keys
wins. DVC uses ruamel.yaml with YAML 1.2, so that a value would mean one thing to DVC and another
to the code. The patterns are those of the core schema, https://yaml.org/spec/1.2.2/#103-core-schema.
"""

import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from .errors import ProjectError

_SCALARS = {
    "null": (r"~|null|Null|NULL|", "~nN"),
    "bool": (r"true|True|TRUE|false|False|FALSE", "tTfF"),
    "int": (r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    "float": (
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"
        r"|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        "-+.0123456789",
    ),
}


class _Loader(yaml.SafeLoader):
    """Holds only the resolvers that are added below, none of YAML 1.1."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key '{key}' stands twice", node.start_mark
                )
        return super().construct_mapping(node, deep)


def _integer(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> int:
    text = loader.construct_scalar(node)
    # Python reads 0o and 0x with base 0, but not a decimal number with leading zeros.
    return int(text, 0) if text.startswith(("0o", "0x")) else int(text)


_Loader.yaml_implicit_resolvers = {}
for _tag, (_pattern, _first) in _SCALARS.items():
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), [*_first, ""]
    )
_Loader.add_constructor("tag:yaml.org,2002:int", _integer)


def load(path: Path) -> Any:
    """Return what the YAML file at ``path`` holds.

    Raises:
        ProjectError: if the file is missing, not UTF-8 or not YAML, naming the line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ProjectError(f"{path} does not exist: run this in the project's folder") from None
    except UnicodeDecodeError:
        raise ProjectError(f"{path} is not UTF-8: save it as UTF-8") from None
    return parse(text, str(path))


def parse(text: str, name: str) -> Any:
    """Return what a YAML text holds; ``name`` is for the message.

    Raises:
        ProjectError: if it is not YAML, naming the line.
    """
    try:
        return yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise ProjectError(f"{name} is not valid YAML: {_where(error)}") from None


def _where(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or str(error)
    return f"line {mark.line + 1}: {problem}" if mark else problem
