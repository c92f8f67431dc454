"""YAML: what is written is read back as it was, by the library and by DVC."""

import math
from pathlib import Path
from typing import Any

import pytest
from dvc.utils.serialize import parse_yaml  # type: ignore[import-untyped]
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mlrepo.core import yaml
from mlrepo.core.errors import ProjectError

# Texts that one version of YAML or the other takes for a number, a date, a boolean or a sign.
LOOKS = st.one_of(
    st.from_regex(r"[-+]?[0-9_]{1,5}([.:][0-9_]{0,4})?([eE][-+]?[0-9]{1,3})?", fullmatch=True),
    st.from_regex(r"0[xob][0-9a-fA-F_]{1,6}", fullmatch=True),
    st.from_regex(r"[-+]?\.(inf|Inf|INF|nan|NaN|NAN|[0-9]{1,4})", fullmatch=True),
    st.from_regex(
        r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ][0-9]{1,2}:[0-9]{2}:[0-9]{2}(\.[0-9]*)?Z?)?",
        fullmatch=True,
    ),
    st.sampled_from(["null", "NULL", "true", "True", "yes", "NO", "on", "off", "Y", "n", "1e3"]),
    st.sampled_from(["", " ", "\n", " a", "a ", "a: b", "a #b", "- a", "---", "...", "<<", '"']),
    st.sampled_from("=~-?:!&*|>%@`'#{["),
)
TEXTS = st.text() | LOOKS
NUMBERS = st.integers() | st.floats(allow_nan=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=10,
)


@settings(deadline=None)  # a machine may be busy
@given(TEXTS)
@example("1e3")
@example("1_000")
@example("2024-01-31")
@example("0o17")
@example("12:30:45")
@example("=")
@example("a\x85b")
@example("\u2028")
@example("\ufeff")
def test_a_text_stays_that_text(text: str) -> None:
    written = yaml.dump({"key": text, "list": [text], text: 1})
    expected = {"key": text, "list": [text], text: 1}
    assert yaml.parse(written, "it") == expected
    assert parse_yaml(written, "it") == expected


def same(one: Any, other: Any) -> bool:
    return repr(one) == repr(other)  # 1, 1.0 and True are equal to Python; so are 0.0 and -0.0


@settings(deadline=None)  # a machine may be busy
@given(VALUES)
@example(1e22)
@example(-0.0)
@example(math.inf)
@example(5e-324)
def test_any_value_is_read_back(value: Any) -> None:
    written = yaml.dump({"key": value})
    assert same(yaml.parse(written, "it"), {"key": value})
    assert same(parse_yaml(written, "it"), {"key": value})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),  # a text in YAML 1.1
        ("010", 10),  # octal in YAML 1.1
        ("0o17", 15),
        ("no", "no"),  # false in YAML 1.1
        ("12:30", "12:30"),  # in base 60 in YAML 1.1
        ("2024-01-31", "2024-01-31"),  # a date to DVC, which no key of ours is
        ("=", "="),  # an error to DVC
        ("0x1F", 31),
        ("-.inf", -math.inf),
        ("~", None),
        ("'1'", "1"),
        ("True", True),
    ],
)
def test_a_plain_value_is_one_of_yaml_1_2(text: str, value: object) -> None:
    assert same(yaml.parse(f"key: {text}\n", "it"), {"key": value})
    if text not in ("2024-01-31", "="):
        assert same(parse_yaml(f"key: {text}\n", "it"), {"key": value})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"a\.yaml does not exist: run this in the project's folder"),
        (b"a: 1\nb: [\n", r"a\.yaml is not valid YAML: line 3: "),
        (b"a: 1\nb: 2\na: 3\n", r"a\.yaml is not valid YAML: line 3: the key 'a' stands twice"),
        (b"a: \xe9\n", r"a\.yaml is not UTF-8: save it as UTF-8"),
        (b"a: \x07\n", r"a\.yaml is not valid YAML: "),
    ],
)
def test_a_file_that_cannot_be_read_is_one_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    if content is not None:
        Path("a.yaml").write_bytes(content)
    with pytest.raises(ProjectError, match=message):
        yaml.load(Path("a.yaml"))
