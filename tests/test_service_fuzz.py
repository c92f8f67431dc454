"""Whatever is sent, the service answers 2xx or 4xx with a message, and goes on."""

import json
import math
import random
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Tool
from helpers import LONG
from releases import Released, copied
from serving import GOOD, Service, serving

BODIES = 10_000 if LONG else 400
EXAMPLES = 300 if LONG else 25
STRANGE: list[Any] = [
    None, True, False, 0, -1, 1.5, -0.0, 1e308, -1e308, 1e-320, 2**31, 2**53 + 1, 2**63, -(2**63),
    10**40, 10**400, math.nan, math.inf, -math.inf, "", " ", "NA", "1", "1e5", "NaN", "\x00", "Ä",
    "\ud800", "🐧" * 50, "x" * 10_000, "'; DROP TABLE x; --", "../../etc/passwd", [], [1], [[]],
    {}, {"a": 1}, {"$ref": "#"}, "2024-01-31", "2024-13-41T99:99",
]  # fmt: skip
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-32", "latin-1", "cp037"]


def strange_row(dice: random.Random) -> Any:
    """Return a row with some values, names or the whole of it replaced."""
    row: dict[Any, Any] = dict(GOOD)
    for _ in range(dice.randint(0, 4)):
        name = dice.choice([*GOOD, "sex", "island ", "ISLAND", "", "__class__", "rows", "é" * 300])
        if dice.random() < 0.3:
            row.pop(name, None)
        else:
            row[name] = dice.choice(STRANGE)
    return row if dice.random() < 0.95 else dice.choice(STRANGE)


def deep(dice: random.Random) -> bytes:
    """Return nested lists or objects, closed or not."""
    depth = dice.choice([10, 100, 1_000, 100_000])
    opening, closing = dice.choice([(b"[", b"]"), (b'{"a":', b"}"), (b'{"rows":[', b"]}")])
    return (opening * depth + b"1" + closing * dice.choice([0, depth]))[:900_000]


def body(dice: random.Random) -> bytes:
    """Return a body of any kind."""
    kind = dice.random()
    if kind < 0.02:
        return deep(dice)
    if kind < 0.03:
        return b" " * dice.choice([999_990, 1_000_001, 3_000_000])
    content = strange_row(dice)
    if dice.random() < 0.4:
        content = {"rows": [strange_row(dice) for _ in range(dice.choice([0, 1, 2, 5, 30, 1001]))]}
    text = json.dumps(content, ensure_ascii=dice.random() < 0.5)
    raw = text.encode(dice.choice(ENCODINGS) if kind < 0.2 else "utf-8", errors="replace")
    if kind > 0.8:  # cut, doubled, or with bytes changed
        place = dice.randrange(len(raw) + 1)
        raw = dice.choice([raw[:place], raw + raw, raw[:place] + dice.randbytes(3) + raw[place:]])
    return raw


@pytest.fixture
def service(served_versions: Released, tmp_path: Path) -> Iterator[Service]:
    with serving(copied(served_versions, tmp_path / "copy"), "--version", "v1") as running:
        yield running


def test_any_body_gets_an_answer(service: Service) -> None:
    dice, client, counts = random.Random(0), service.client(), dict[int, int]()
    for _ in range(BODIES):
        raw = body(dice)
        headers = {"Content_Type": dice.choice(["text/plain", "application/jsonx", ""])}
        answer = client.ask(
            dice.choice(["/predict", "/predict/batch"]),
            raw,
            **(headers if dice.random() < 0.05 else {}),
        )
        counts[answer.status] = counts.get(answer.status, 0) + 1
        assert answer.status in (200, 413, 415, 422), (answer.status, raw[:300], answer.body[:300])
        if answer.status != 200:
            assert answer.json["detail"], raw[:300]
            assert len(answer.body) < 20_000
    assert counts[200] > BODIES / 50
    assert counts[422] > BODIES / 2
    assert client.ask("/predict", GOOD).status == 200
    assert service.stop() == 0
    assert (service.copy.path.parent / "serve.err").read_text(encoding="utf-8") == ""


def test_what_is_no_http_hurts_nobody(service: Service) -> None:
    sent = [
        b"",
        b"\x16\x03\x01" * 100,
        b"POST /predict HTTP/1.1\r\n",
        b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999999999\r\n\r\n{",
        b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n{}",
        b"POST /predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n{}\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    ]
    for raw in sent:
        with socket.create_connection(("127.0.0.1", service.port)) as connection:
            connection.sendall(raw)
        assert service.client().ask("/predict", GOOD).status == 200


def test_schemathesis_finds_nothing(served_versions: Released, tmp_path: Path, tool: Tool) -> None:
    program = tool("schemathesis", 'pip install -e ".[test]"')
    copy = copied(served_versions, tmp_path / "copy")
    with serving(copy, "--version", "v1", MODEL_SERVE_TOKEN="open sesame open") as service:
        done = subprocess.run(
            [
                *(program, "run", f"http://127.0.0.1:{service.port}/openapi.json"),
                *("--header", "Authorization: Bearer open sesame open", "--checks", "all"),
                *("--max-examples", str(EXAMPLES), "--seed", "1", "--no-color"),
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-6000:]
        assert service.client("open sesame open").ask("/predict", GOOD).status == 200
