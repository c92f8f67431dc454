"""The evaluation report of a version: what it says, how it prints, and whose signature it bears."""

import base64
import csv
import hashlib
import html
import io
import json
import re
from pathlib import Path

import pytest
from browser import opened
from conftest import Tool
from made_tags import remake
from pages import console, page, section
from releases import Released, copied
from securesystemslib.exceptions import VerificationError
from test_proofs import opened as statement_in


@pytest.fixture(scope="module")
def copy(two_versions: Released, tmp_path_factory: pytest.TempPathFactory) -> Released:
    """A copy in which somebody added a note, and the commands of docs/auditors.md were typed."""
    copy = copied(two_versions, tmp_path_factory.mktemp("report") / "copy")
    copy.model("note", "v1.1", "-m", "Is 5 < 6?", "--link", "https://example.com/tickets/7")
    key = ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "../key.pem")
    copy.run("openssl", "genpkey", *key)
    copy.run("openssl", "pkey", "-in", "../key.pem", "-pubout", "-out", "../key.pub")
    lines = console(section(page("docs/auditors.md"), "A report to print"))
    assert len(lines) == 2
    for line in lines:
        copy.run("sh", "-c", line.replace("uv run model", "python -m mlrepo.commands"))
    return copy


def parts(file: Path) -> dict[str, list[list[str]]]:
    """Return title -> rows of each table of the page."""
    text = file.read_text(encoding="utf-8")
    found = {}
    for title, table in re.findall(
        r"<h2>(.*?)(?: <small>.*?)?</h2>\n<table.*?>(.*?)</table>", text, re.S
    ):
        rows = re.findall("<tr>(.*?)</tr>", table)
        cells = [re.findall(r"<t[hd].*?>(.*?)</t[hd]>", row) for row in rows]
        found[title] = [[html.unescape(cell) for cell in row] for row in cells]
    return found


def test_the_page_says_what_the_repository_says(copy: Released) -> None:
    said = parts(copy.path.parent / "report.html")
    assert {row[1] for row in said["Checks"]} == {"ok"}
    identity, record = dict(said["Identity"]), copy.record("v1.1")
    assert identity["commit"] == copy.git("rev-parse", "model@v1.1.0^{commit}")
    assert identity["tag"] == copy.tag("model@v1.1.0")
    assert record["artifact"]["sha256"] in identity["model file"]
    assert dict(said["Purpose and limits"])["purpose"] == record["card"]["purpose"]
    rows = csv.DictReader(io.StringIO(copy.git("show", "model@v1.1.0:reports/scores.csv")))
    overall = {row["metric"]: row for row in rows if not row["slice"]}
    head, *scores = said["Scores of the test rows"]
    assert [row[1] for row in scores] == list(overall)
    for row in (dict(zip(head, cells, strict=True)) for cells in scores):
        wanted = overall[row["metric"]]
        assert row["score"] == f"{float(wanted['estimate']):.3f}"
        ends = [f"{float(wanted[end]):.3f}" for end in ("low", "high") if wanted[end]]
        assert row["interval"] == (" to ".join(ends) or wanted["method"])
    events = [(row[1], row[3]) for row in said["Life"][1:]]
    assert events == [
        ("promote prod", "It is better"),
        ("promote staging", "So that both are the same"),
        ("note", "Is 5 < 6? https://example.com/tickets/7"),
    ]
    assert said["State"] == [["now", "in staging; in prod"]]


def test_the_page_prints_without_a_network(copy: Released, tool: Tool, tmp_path: Path) -> None:
    file = copy.path.parent / "report.html"
    text = file.read_text(encoding="utf-8")
    assert not re.search(r"\b(src|href)=|url\(|@import|<script", text)
    chromium = tool("chromium", "apt-get install chromium")
    pdf = tmp_path / "report.pdf"
    opened(chromium, file.as_uri(), f"--print-to-pdf={pdf}", tmp_path / "profile")
    assert 2 <= len(re.findall(rb"/Type /Page\b", pdf.read_bytes())) <= 6
    shown = opened(chromium, file.as_uri(), "--dump-dom", tmp_path / "profile")
    assert "<h1>Evaluation report of model@v1.1.0</h1>" in shown
    assert "Is 5 &lt; 6?" in shown


def test_its_signature_is_about_page_model_and_result(copy: Released) -> None:
    beside = copy.path.parent
    text = (beside / "signed.html.dsse.json").read_text(encoding="utf-8")
    statement = statement_in(json.loads(text), beside / "key.pub")
    content = (beside / "signed.html").read_bytes()
    assert statement["subject"] == [
        {"name": "signed.html", "digest": {"sha256": hashlib.sha256(content).hexdigest()}},
        {
            "name": "models/model.skops",
            "digest": {"sha256": copy.record("v1.1")["artifact"]["sha256"]},
        },
    ]
    assert statement["predicate"]["result"] == "PASSED"
    assert "commit" in statement["predicate"]["passedTests"]
    envelope = json.loads(text)  # the first one is taken apart by now
    payload = base64.b64decode(envelope["payload"]).replace(b"PASSED", b"FAILED")
    envelope["payload"] = base64.b64encode(payload).decode()
    with pytest.raises(VerificationError):
        statement_in(envelope, beside / "key.pub")


def test_what_does_not_hold_is_on_the_page(copy: Released, tmp_path: Path) -> None:
    forged = copied(copy, tmp_path / "copy")
    record = forged.record("v1.1")
    remake(forged, "model@v1.1.0", card={**record["card"], "owner": "Nobody"})
    done = forged.model("report", "v1.1", "-o", "../no.html", "--offline", check=False)
    assert done.returncode == 1
    assert done.stdout == "../no.html: model@v1.1.0 DOES NOT HOLD: `model verify v1.1.0` says why\n"
    file = forged.path.parent / "no.html"
    assert "<strong>does not hold</strong>" in file.read_text(encoding="utf-8")
    checks = dict(parts(file)["Checks"])
    assert checks["commit"].startswith("WRONG: its record says card.owner 'Nobody', the commit '")
