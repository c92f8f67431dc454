"""Ways to break a generated project: each takes its folder and changes files in it."""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

Spoil = Callable[[Path], object]

MODEL = "models/model.skops"


def write(name: str, content: bytes) -> Spoil:
    """Put a file there, or another in its place."""
    return lambda folder: (folder / name).write_bytes(content)


def remove(name: str) -> Spoil:
    """Delete a file."""
    return lambda folder: (folder / name).unlink()


def swap(name: str, pattern: str, text: str, count: int = 0, encoding: str = "utf-8") -> Spoil:
    """Replace what a pattern matches, or its first `count` places only; save in an encoding."""

    def spoil(folder: Path) -> None:
        path = folder / name
        old = path.read_bytes().decode()
        new, places = re.subn(pattern, text, old, count=count, flags=re.MULTILINE)
        assert places, f"{name} holds nothing like {pattern}"
        path.write_bytes(new.encode(encoding))

    return spoil


def params(changes: dict[str, Any]) -> Spoil:
    """Set values of params.yaml by dotted keys."""

    def spoil(folder: Path) -> None:
        path = folder / "params.yaml"
        content = yaml.safe_load(path.read_bytes())
        for dotted, value in changes.items():
            *parents, key = dotted.split(".")
            section = content
            for parent in parents:
                section = section[parent]
            section[key] = value
        path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")

    return spoil


def model(content: bytes) -> Spoil:
    """Put a model file there whose SHA-256 is right."""

    def spoil(folder: Path) -> None:
        (folder / MODEL).write_bytes(content)
        line = f"{hashlib.sha256(content).hexdigest()}  model.skops\n"
        (folder / f"{MODEL}.sha256").write_bytes(line.encode())

    return spoil


def flip_a_byte(name: str) -> Spoil:
    """Change one bit in the middle of a file."""

    def spoil(folder: Path) -> None:
        content = bytearray((folder / name).read_bytes())
        content[len(content) // 2] ^= 1
        (folder / name).write_bytes(content)

    return spoil


def all_of(*spoils: Spoil) -> Spoil:
    """Do one after the other."""
    return lambda folder: [spoil(folder) for spoil in spoils]
