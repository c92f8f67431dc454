"""A long past for a generated project: versions with records, scores and plots of their own."""

import copy
import hashlib
import json
import random
import re
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

STEP = timedelta(days=2)
WHO = ("Ada Byron <ada@example.com>", "Bo Chen <bo@example.com>")
SCORES, PLOTS = "reports/scores.csv", "reports/plots"
_NUMBER = re.compile(r"(?<![\w.])0\.\d+")


def give_past(folder: Path, versions: int) -> None:
    """Put versions v2.0.0, v2.1.0 ... in the place of all tags of a project that has v1.0.0.

    Each has a commit, a record as long as that of v1.0.0, and other scores and plots than all
    others; every third came into staging and every ninth into prod.
    """

    def git(*arguments: str, given: str | bytes = "") -> str:
        content = given.encode() if isinstance(given, str) else given
        done = subprocess.run(
            ["git", *arguments], cwd=folder, input=content, check=True, capture_output=True
        )
        return done.stdout.decode()

    first = git("rev-parse", "model@v1.0.0").strip()
    message = git("cat-file", "tag", first).partition("\n\n")[2]
    record, _ = json.JSONDecoder().raw_decode(message[message.rindex("\n{\n") + 1 :])
    git("tag", "--delete", *git("tag", "--list", "model*").split())
    numbers = random.Random(0)
    scores = git("show", f"{record['commit']}:{SCORES}")
    tables = _tables(folder, record)
    marks = folder / ".git/marks-of-past"
    stream = []
    for n in range(versions):
        content = _moved(scores, numbers).encode()
        when = 1_500_000_000 + n
        parent = f"from {record['commit']}\n" if n == 0 else ""
        stream.append(
            f"commit refs/heads/past\nmark :{n + 1}\n"
            f"committer {WHO[n % 2]} {when} +0000\ndata 1\nx\n{parent}"
            f"M 100644 inline {SCORES}\ndata {len(content)}\n".encode()
            + content
            + b"\n"
        )
    git("fast-import", "--quiet", f"--export-marks={marks}", given=b"".join(stream))
    commits = dict(line.split() for line in marks.read_text(encoding="utf-8").splitlines())
    tags: list[str] = []
    after: dict[str, str] = {}
    begun = datetime.now(UTC).replace(microsecond=0) - (versions + 1) * STEP
    for n in range(versions):
        name = f"v2.{n}.0"
        made = _record(record, n, numbers, folder, tables)
        made |= {"version": name, "commit": commits[f":{n + 1}"]}
        made["previous"] = f"v2.{n - 1}.0" if n else None
        date, who = begun + n * STEP, WHO[n % 2]
        tag = f"model@{name}"
        oid = _tag(tags, tag, commits[f":{n + 1}"], date, who, f"Work of week {n}", after, made)
        after = {tag: oid}
        for every, stage in ((3, "staging"), (9, "prod")):
            if n % every == 0:
                counter = 10 * n + every
                moved = {"action": "promote", "stage": stage, "version": name, "version_tag": oid}
                place, later = f"model#{stage}#{counter}", date + timedelta(hours=every)
                why = f"Better than what was in {stage}"
                commit = commits[f":{n + 1}"]
                after = {place: _tag(tags, place, commit, later, WHO[1], why, after, moved)}
    git("fast-import", "--quiet", given="".join(tags))
    git("pack-refs", "--all")


def _tag(
    stream: list[str],
    name: str,
    commit: str,
    date: datetime,
    who: str,
    notes: str,
    after: dict[str, str],
    record: dict[str, Any],
) -> str:
    """Add a tag to the stream of `git fast-import`; return its hash."""
    head = {"format": 1, "model": "model", "at": date.isoformat(), "by": who, "after": after}
    message = f"{notes}\n\n{json.dumps({**record, **head}, indent=1)}\n"
    tagger = f"{who} {int(date.timestamp())} +0000"
    stream.append(f"tag {name}\nfrom {commit}\ntagger {tagger}\ndata {len(message)}\n{message}\n")
    content = f"object {commit}\ntype commit\ntag {name}\ntagger {tagger}\n\n{message}".encode()
    whole = f"tag {len(content)}\0".encode() + content
    return hashlib.sha1(whole, usedforsecurity=False).hexdigest()


def _tables(folder: Path, record: dict[str, Any]) -> dict[str, str]:
    parts = record["files"][PLOTS]["parts"]
    return {
        name: _object(folder, entry["md5"]).read_text(encoding="utf-8")
        for name, entry in parts.items()
    }


def _object(folder: Path, md5: str) -> Path:
    return folder / ".dvc/cache/files/md5" / md5[:2] / md5[2:]


def _record(
    first: dict[str, Any], n: int, numbers: random.Random, folder: Path, tables: dict[str, str]
) -> dict[str, Any]:
    made = copy.deepcopy(first)
    made["metrics"] = json.loads(_moved(json.dumps(made["metrics"]), numbers))
    made["artifact"]["sha256"] = hashlib.sha256(f"model {n}".encode()).hexdigest()
    made["gate"] = None
    for stage in made["stages"].values():
        params = stage["params"].get("params.yaml", {})
        arguments = params.get("train.arguments") or params.get("train", {}).get("arguments", {})
        if "n_estimators" in arguments:
            arguments["n_estimators"] = 50 + n
    for path, entry in made["files"].items():
        if not path.endswith(".py") and path != PLOTS:
            entry["sha256"] = hashlib.sha256(f"{path} {n}".encode()).hexdigest()
    for name, text in tables.items():
        content = _moved(text, numbers).encode()
        md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
        place = _object(folder, md5)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        made["files"][PLOTS]["parts"][name] |= {"md5": md5}
    return made


def _moved(text: str, numbers: random.Random) -> str:
    """Return a table or JSON with other numbers between 0 and 1, as long as they were."""

    def move(found: re.Match[str]) -> str:
        digits = len(found[0]) - 2
        value = min(0.999, max(0.001, float(found[0]) + numbers.uniform(-0.05, 0.05)))
        return f"{value:.{digits}f}"

    return _NUMBER.sub(move, text)
