"""The evaluation report of a version: one page to print, which says of each part what it rests on.

What `model verify` says stands first. The words proven, observed and a person's word are those of
docs/auditors.md.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

from mlrepo.core.errors import ProjectError
from mlrepo.core.files import all_or_nothing, csv_rows
from mlrepo.core.paths import SCORES
from mlrepo.pipeline import git
from mlrepo.pipeline.output import as_json
from mlrepo.scoring.score_report import bounds, shown
from mlrepo.versions.proofs.envelope import Key, enclose, test_result
from mlrepo.versions.records.old_records import closures
from mlrepo.versions.registry import Registry, Version
from mlrepo.versions.rules.policy import in_force
from mlrepo.versions.rules.roles import signatures
from mlrepo.versions.rules.states import in_words, states
from mlrepo.versions.verify import Proof, verify

_STYLE = """
body { font: 10pt/1.4 sans-serif; color: #111; max-width: 19cm; margin: 1cm auto; padding: 0 1em; }
h1 { font-size: 16pt; margin: 0; }
h2 { font-size: 11pt; margin: 1.4em 0 .3em; border-bottom: 1px solid #999; break-after: avoid; }
h2 small { float: right; font-weight: normal; color: #555; }
table { border-collapse: collapse; width: 100%; }
tr { break-inside: avoid; }
th, td { text-align: left; vertical-align: top; padding: .15em .8em .15em 0; }
th { font-weight: 600; white-space: nowrap; }
th + td { width: 75%; overflow-wrap: break-word; }
tr + tr { border-top: 1px solid #ddd; }
.wrong { color: #b00020; font-weight: 600; }
.sign td { height: 1.4cm; border-bottom: 1px solid #111; }
@page { size: A4; margin: 1.5cm; }
@media print { body { margin: 0; max-width: none; padding: 0; } }
"""
_ABSENT = (
    "why these metrics and this kind of model, how the data was labelled and cleaned, human "
    "oversight, cybersecurity, risk management, and how the model does in use"
)


@dataclass(frozen=True)
class Part:
    """A table of the page; ``head`` is empty where the first column names the rows."""

    title: str
    rests_on: str
    rows: list[list[str]]
    head: tuple[str, ...] = ()

    def html(self) -> str:
        """Return it as HTML."""
        lines = [f"<h2>{escape(self.title)} <small>{escape(self.rests_on)}</small></h2>", "<table>"]
        if self.head:
            lines.append(_row(["th"] * len(self.head), list(self.head)))
        kinds = ["td" if self.head else "th", *["td"] * 9]
        lines += [_row(kinds, row) for row in self.rows]
        return "\n".join([*lines, "</table>"])


def write(model: str, text: str | None, offline: bool, file: Path, key: Key | None) -> Proof:
    """Write the report of a version to ``file``; return what `model verify` says of it.

    With a key, a file beside it holds the in-toto statement of page, model and result in a DSSE
    envelope.
    """
    proof, now = verify(model, text, offline), datetime.now(UTC)
    content = _page(proof, Registry.load(model), now).encode()
    with all_or_nothing() as partial:
        partial(file).write_bytes(content)
        if key:
            said = enclose(_statement(proof, file.name, content, now), key)
            beside = partial(file.with_name(f"{file.name}.dsse.json"))
            beside.write_text(f"{as_json(said)}\n", encoding="utf-8", newline="\n")
    return proof


def _page(proof: Proof, registry: Registry, now: datetime) -> str:
    version = proof.version
    name = escape(version.tag.name)
    holds = "does not hold" if any(proof.checks.values()) else "holds"
    parts = "\n".join(part.html() for part in _parts(proof, registry))
    sign = "".join(f"<tr><th>{what}</th><td></td></tr>" for what in ("Name", "Date", "Signature"))
    return f"""<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Evaluation report of {name}</title><style>{_STYLE}</style></head>
<body>
<h1>Evaluation report of {name}</h1>
<p>Written {now:%Y-%m-%d %H:%M} UTC from the repository; the version <strong>{holds}</strong>.
<em>Proven</em>: derived again or compared by <code>model verify</code>. <em>Observed</em>: measured
once, on one machine. <em>A person's word</em>: written by somebody, and not checked.</p>
{parts}
<h2>Not in this report</h2>
<p>{_ABSENT}.</p>
<h2>Reviewed by</h2>
<table class="sign">{sign}</table>
</body>
</html>
"""


def _parts(proof: Proof, registry: Registry) -> Iterator[Part]:
    version, record = proof.version, proof.version.record
    said = {name: f"WRONG: {'; '.join(found)}" for name, found in proof.checks.items() if found}
    unknown = [
        ["not checked", f"{', '.join(names)}: {why}"] for why, names in proof.unknown.items()
    ]
    yield Part("Checks", "proven", [[n, said.get(n, "ok")] for n in proof.checks] + unknown)
    if "library" not in record["environment"]:
        raise ProjectError(
            f"{version.tag.name} is from before mlrepo 1.0: `model record {version.name}` prints it"
        )
    artifact, data, environment = record["artifact"], record["data"], record["environment"]
    design, card, machine = record["architecture"], record["card"], environment["registered_on"]
    yield Part(
        "Identity",
        "proven",
        [
            ["commit", version.tag.commit],
            ["tag", version.tag.oid],
            ["model file", f"{artifact['path']}, SHA-256 {artifact['sha256']}"],
            ["version before", str(record.get("previous") or "none")],
            ["signature", proof.signed.says],
        ],
    )
    yield Part(
        "Registration",
        "observed",
        [
            ["by", version.tag.by],
            ["at", f"{version.tag.date:%Y-%m-%d %H:%M:%S} UTC, by the clock of that machine"],
            [
                "machine",
                f"{machine['system']}, {machine['architecture']}, {machine['cores']} cores",
            ],
            ["gate then", str((record.get("gate") or {}).get("verdict", "nothing was in use"))],
        ],
    )
    words = [[name, card[name]] for name in ("purpose", "owner")]
    words += [["limits", " ".join(card["limits"])], ["notes", version.tag.notes]]
    words += [[f"{name} of the data", str(data[name])] for name in ("source", "licence")]
    yield Part("Purpose and limits", "a person's word", words)
    yield Part(
        "Data",
        "proven",
        [
            ["table", f"{data['path']}, SHA-256 {data['sha256']}"],
            ["rows", ", ".join(f"{name} {count:,}" for name, count in data["rows"].items())],
            ["columns", ", ".join(data["columns"])],
            ["split", _pairs(data["split"])],
        ],
    )
    yield Part(
        "Model",
        "proven",
        [
            ["task", f"{design['task']} of {design['target']}"],
            ["from", ", ".join(design["features"])],
            ["estimator", design["estimator"]],
            ["seeds", _pairs(environment["seeds"])],
            ["library", f"mlrepo {environment['library']['version']}"],
        ],
    )
    rows = csv_rows(git.file_at(version.tag.commit, SCORES.as_posix()))
    head = ("rows", "metric", "score", "interval", "of a constant")
    overall = [_score(row) for row in rows if not row["slice"]]
    yield Part("Scores of the test rows", "proven", overall, head)
    if sliced := [[f"{r['slice']}: {r['value']}", *_score(r)] for r in rows if r["slice"]]:
        yield Part("Scores of slices", "proven", sliced, ("slice", *head))
    state = [in_words(each) for each in states(registry).get(version.name, [])]
    yield Part(
        "Life", "a person's word, by the key where one is named", _life(version, registry),
        ("when", "what", "who", "why"),
    )  # fmt: skip
    yield Part("State", "proven", [["now", "; ".join(state) or "not believed"]])
    packages = closures(record).get("estimator", {})
    yield Part("Packages of the estimator", "proven", [[n, str(v)] for n, v in packages.items()])


def _life(version: Version, registry: Registry) -> list[list[str]]:
    events = [each for each in registry.events if each.version == version]
    events.sort(key=lambda event: event.tag.date)
    said = signatures({each.tag.name: each.tag for each in events}, in_force().signers)
    rows = []
    for each in events:
        where = each.tag.stage or each.tag.claims.get("for") or ""
        override = each.tag.claims.get("override")
        links = each.tag.record.get("links", [])
        why = " ".join([each.tag.notes, *links, *([f"(override: {override})"] if override else [])])
        who, key = each.tag.by, said[each.tag.name].key
        what = f"{each.action} {where}".strip()
        rows.append([f"{each.tag.date:%Y-%m-%d %H:%M}", what, f"{who} {key}".strip(), why])
    return rows


def _score(row: dict[str, str]) -> list[str]:
    name = row["metric"]
    between = bounds(row) if row["low"] else row["method"]
    constant = shown(name, row["constant"]) if row.get("constant") else ""
    return [row["rows"], name, shown(name, row["estimate"]), between, constant]


def _pairs(content: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in content.items() if value is not None)


def _row(kinds: list[str], cells: list[str]) -> str:
    made = (
        f"<{kind}{' class=wrong' if cell.startswith('WRONG') else ''}>{escape(cell)}</{kind}>"
        for kind, cell in zip(kinds, cells, strict=False)
    )
    return f"<tr>{''.join(made)}</tr>"


def _statement(proof: Proof, name: str, content: bytes, now: datetime) -> dict[str, Any]:
    artifact = proof.version.record["artifact"]
    digests = {name: hashlib.sha256(content).hexdigest(), artifact["path"]: artifact["sha256"]}
    configuration = [
        {"name": "commit", "digest": {"gitCommit": proof.version.tag.commit}},
        {"name": "written", "annotations": {"at": now.isoformat(timespec="seconds")}},
    ]
    failed = [check for check, wrong in proof.checks.items() if wrong]
    passed = [check for check in proof.checks if check not in failed]
    result = "FAILED" if failed else "PASSED"
    return test_result(digests, result, configuration, passedTests=passed, failedTests=failed)
