"""Write the page: one HTML file that needs no network, no server and no other file.

What it says comes from the readers of `model show`, `history`, `at`, `diff` and `record`. It holds
no clock and nothing of this machine, so that the same tags give the same bytes.
"""

import hashlib
import json
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlrepo.core.errors import ProjectError
from mlrepo.core.files import atomic, read_toml
from mlrepo.core.paths import in_project
from mlrepo.page import forge, overview, trials, version_facts
from mlrepo.page.offline_plots import bundle
from mlrepo.page.shared_values import DEPTH, Shared
from mlrepo.pipeline import mappings, models
from mlrepo.pipeline.output import Tell
from mlrepo.versions.diff import facts as compared
from mlrepo.versions.records.claims import doubts
from mlrepo.versions.registry import Registry

_HTML = Path(__file__).parent / "html"
_SCRIPTS = ("dom", "data", "lists", "charts", "lineage", "version", "compare", "experiments", "app")
_VIEWS = (
    ("versions", "Versions"),
    ("timeline", "Timeline"),
    ("history", "History"),
    ("compare", "Compare"),
    ("experiments", "Experiments"),
)
# Expressions of Vega are interpreted, as the page forbids `eval`.
_DRAW = """
window.drawVega = (place, spec) => vegaEmbed(place, spec, {
  actions: false, ast: true, renderer: "svg", defaultStyle: false, mode: "vega-lite",
  tooltip: { disableDefaultStyle: true },
});
"""
_CHANGES = 8  # of the last version that stand on the first view; the others are a link away

Node = dict[str, Any]


@dataclass(frozen=True)
class Wanted:
    """Which models the page is of, and how it is made.

    Attributes:
        model: the name of the only one in this folder; None: all of the project.
        tell: takes what of them cannot be had.
        offline: whether DVC's remote is not asked for plots that the cache lacks.
        watched: whether whoever comes back to the page shall see it as it is then.
    """

    model: str | None
    tell: Tell
    offline: bool = False
    watched: bool = False


def write(wanted: Wanted, file: Path) -> None:
    """Write the page to a file."""
    with atomic(file) as partial:
        partial.write_bytes(page(wanted))


def page(wanted: Wanted) -> bytes:
    """Return the page."""
    shared, places, listed = Shared(), dict[str, Node](), []
    tried: dict[str, list[Node]] = {}
    names = models.meant(wanted.model)
    for name, model in zip(names, models.each(wanted.model), strict=True):
        registry = Registry.load(model)
        found, lost = version_facts.of_all(registry, wanted.offline)
        for path, why in lost.items():
            wanted.tell(f"no plot of {path}: {why}")
        listed.append(_overview(registry, found) | {"model": name})
        places[name] = {version: shared.take(each) for version, each in found.items()}
        tried[name] = _experiments(listed[-1], len(names) > 1)
    project = str(read_toml(in_project("pyproject.toml")).get("project", {}).get("name", ""))
    script = "\n".join((_HTML / f"{name}.js").read_text(encoding="utf-8") for name in _SCRIPTS)
    return _render(
        project=project,
        watched=wanted.watched,
        models=listed,
        views=_VIEWS,
        several=len(names) > 1,
        overview={
            "project": project,
            "commits": forge.commits(),
            "several": len(names) > 1,
            "models": listed,
        },
        experiments=tried,
        facts={"depth": DEPTH, "models": places, "values": shared.values},
        script=f'(() => {{\n"use strict";\n{script}}})();\n',
        style=(_HTML / "page.css").read_text(encoding="utf-8"),
        vega=bundle(_DRAW),
    )


def _overview(registry: Registry, facts: dict[str, Node]) -> Node:
    said = overview.overview(registry)
    for row in said["versions"]:
        if leading := facts.get(row["version"], {}).get("leading"):
            row["leading"] = {key: leading[key] for key in ("metric", "estimate", "low", "high")}
    said["in_use"] = overview.in_use(registry, facts)
    rows = {row["version"]: row for row in said["versions"]}
    for stage in said["in_use"]:
        if (name := stage["version"]) and name in facts:
            rows[name]["checked"] = doubts(registry.version(name), registry)
            stage["changes"] = _changes(registry, name, facts[name]["previous"])
    return said


def _changes(registry: Registry, name: str, previous: str | None) -> list[tuple[str, ...]]:
    """Return part, name, before and after of what changed since the version before."""
    if previous is None:
        return []
    before, after = (compared(registry.version(each).record) for each in (previous, name))
    found = [
        (part, key, *(_shown(value) for value in pair))
        for part in ("data", "params", "environment", "model")
        for key, pair in mappings.changes(before[part], after[part]).items()
        if key not in ("md5", "sha256", "size")
    ]
    return found[:_CHANGES]


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return "(none)" if value is None else text


def _experiments(model: Node, several: bool) -> list[Node]:
    versions = {row["commit"]: row["version"] for row in model["versions"]}
    return [
        {**each, "version": versions.get(each["commit"], "")} for each in trials.of_all(several)
    ]


def _render(script: str, style: str, vega: str, **values: Any) -> bytes:
    try:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined
        from markupsafe import Markup
    except ImportError:
        raise ProjectError(
            "the package jinja2 is missing: install the developer tools with `uv sync`"
        ) from None
    environment = Environment(
        loader=FileSystemLoader(_HTML),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"moment": _moment, "number": _number, "score": _score}
    scripts = [_in_script(script), _in_script(vega)]
    policy = {
        "default-src": "'none'",
        "script-src": " ".join(map(_digest, scripts)),
        "style-src": _digest(style),
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    data = {name: Markup(_json(values[name])) for name in ("overview", "experiments", "facts")}
    raw = {"script": scripts[0], "vega": scripts[1], "style": style}
    text = environment.get_template("page.html").render(
        values
        | data
        | {name: Markup(each) for name, each in raw.items()}
        | {"policy": "; ".join(f"{name} {value}" for name, value in policy.items())}
    )
    return text.encode("utf-8", errors="backslashreplace")


def _json(content: Any) -> str:
    """Return JSON that no text in it can end as a script or open as a comment."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _in_script(code: str) -> str:
    return code.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _digest(code: str) -> str:
    return f"'sha256-{b64encode(hashlib.sha256(code.encode()).digest()).decode()}'"


def _moment(text: str) -> str:
    return text.replace("+00:00", " UTC")


def _number(text: str) -> str:
    """Return a number as `fixed` in html/dom.js does."""
    number = float(text)
    return f"{number:#.3g}" if 0 < abs(number) < 0.001 else f"{number:.3f}"


def _score(row: Node) -> str:
    said = f"{row['metric']} {_number(row['estimate'])}"
    if row["low"]:
        return f"{said} (interval {_number(row['low'])} to {_number(row['high'])})"
    return f"{said} (no interval: {row['method']})"
