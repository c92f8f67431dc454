"""Make the page of all results that were kept: `python benchmarks/page.py`.

Reads results/NAME.json beside it, which bench_NAME.py writes with `--json`, and writes README.md,
and the lines that docs/scale.md of a generated project quotes.
"""

import json
from pathlib import Path
from typing import Any

import quoted

HERE = Path(__file__).resolve().parent
HEAD = """# Benchmarks

Made by `python benchmarks/page.py` from the last runs that were kept (`--json` of each script).
Each script runs its sides on the same work in one run; a ratio is what a side costs through what
the side costs that it is beside, so below 1 is cheaper. Memory is that of the largest process.
Seconds are of that machine on that day: read ratios.
"""
COLUMNS = "| Work | Side | wall s | CPU s | peak MB | ratio | of | beside |\n"
RULE = "| --- | --- | ---: | ---: | ---: | ---: | --- | --- |\n"


def section(path: Path) -> str:
    """Return the text on one benchmark."""
    kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    script = f"bench_{path.stem}.py"
    title = (HERE / script).read_text(encoding="utf-8").splitlines()[0].strip('".')
    versions = ", ".join(f"{name} {version}" for name, version in kept["versions"].items())
    rows = "".join(f"| {' | '.join(cells(each))} |\n" for each in kept["lines"])
    start = kept.get("start_cpu_seconds")
    less = f" The ratios of ours leave out its fixed start, {start:.2f} CPU s." if start else ""
    return (
        f"\n## {title}\n\n"
        f"[{script}]({script}) on {kept['date']}: {kept['machine']}, load "
        f"{kept['load at the start']} at the start; {versions}.{less}\n\n"
        f"{COLUMNS}{RULE}{rows}\n"
        f"![The ratios of {script}](results/{path.stem}.svg)\n"
    )


def cells(line: dict[str, Any]) -> list[str]:
    """Return a line of the results as texts, in the order of the columns."""
    memory = "" if line["memory"] is None else f"{line['memory']:,.0f}"
    numbers = [seconds(line["wall"]), seconds(line["cpu"]), memory, f"{line['ratio']:.2f}"]
    return [line["work"], line["side"], *numbers, line["measure"], line["beside"]]


def seconds(value: float | None) -> str:
    """Return a number of seconds with as many digits as are worth reading."""
    if value is None:
        return ""
    return f"{value:.2f}" if value >= 0.1 else f"{value:.2g}"


def main() -> None:
    """Write the page."""
    results = sorted((HERE / "results").glob("*.json"))
    text = HEAD + "".join(section(path) for path in results)
    (HERE / "README.md").write_text(text, encoding="utf-8")
    page = quoted.SCALE.read_text(encoding="utf-8")
    quoted.SCALE.write_text(quoted.written(page), encoding="utf-8")


if __name__ == "__main__":
    main()
