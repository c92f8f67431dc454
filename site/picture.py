"""Draw how commit, data store, tags and stages belong together: `python site/picture.py`.

Writes picture.svg beside it, in two colours that read on a light and on a dark page.
"""

from pathlib import Path
from xml.sax.saxutils import escape

OUTPUT = Path(__file__).with_name("picture.svg")
WIDTH, HEIGHT = 920, 400
INK, PAPER, ACCENT, FILL = "#1f2933", "#ffffff", "#0b6e99", "#eef5f8"

Box = tuple[int, int, int, int, str, list[str]]
# Boxes: left, top, width, height, title, lines.
BOXES: tuple[Box, ...] = (
    (20, 60, 190, 110, "stage prod", ["tag model#prod#7", "who, when, why,", "result of gate"]),
    (
        20,
        240,
        190,
        130,
        "version v1.0.0",
        ["tag model@v1.0.0", "record: params,", "hashes, metrics"],
    ),
    (290, 60, 260, 310, "Git commit", []),
    (630, 60, 270, 310, "DVC's cache and remote", []),
)
INSIDE: tuple[Box, ...] = (
    (305, 100, 230, 66, "code", ["your package, mlrepo/"]),
    (305, 176, 230, 44, "params.yaml, schema.yaml", []),
    (305, 230, 230, 44, "uv.lock, env.json", []),
    (305, 284, 230, 70, "dvc.lock", ["hashes of data and model"]),
    (645, 100, 240, 70, "raw data", ["by its MD5"]),
    (645, 190, 240, 70, "train and test rows", ["by their MD5"]),
    (645, 280, 240, 74, "model.skops", ["by MD5 and SHA-256"]),
)
# Arrows: from, to, label and its place.
ARROWS = (
    ((115, 172), (115, 236), "names", (124, 208)),
    ((212, 305), (286, 305), "names", (230, 296)),
    ((537, 319), (626, 319), "names", (556, 310)),
)


def text(x: float, y: float, words: str, size: int, weight: str = "normal") -> str:
    """Return a line of text."""
    return (
        f'<text x="{x}" y="{y}" font-size="{size}" font-weight="{weight}" fill="{INK}">'
        f"{escape(words)}</text>"
    )


def box(left: int, top: int, width: int, height: int, title: str, lines: list[str]) -> str:
    """Return a box with a title and lines below it."""
    inner = (left, top, width, height, title, lines) in INSIDE
    fill, size = (PAPER, 13) if inner else (FILL, 16)
    parts = [
        f'<rect x="{left}" y="{top}" width="{width}" height="{height}" rx="8" fill="{fill}" '
        f'stroke="{ACCENT}" stroke-width="{1 if inner else 2}"/>',
        text(left + 14, top + 26, title, size, "bold"),
    ]
    parts += [text(left + 14, top + 48 + 20 * n, line, 13) for n, line in enumerate(lines)]
    return "\n".join(parts)


def arrow(start: tuple[int, int], end: tuple[int, int], label: str, at: tuple[int, int]) -> str:
    """Return an arrow with a word beside it."""
    return (
        f'<line x1="{start[0]}" y1="{start[1]}" x2="{end[0]}" y2="{end[1]}" stroke="{ACCENT}" '
        f'stroke-width="2" marker-end="url(#head)"/>\n{text(*at, label, 13)}'
    )


def picture() -> str:
    """Return the picture as SVG."""
    words = "Tags name a commit; the hashes in its dvc.lock name files in DVC's cache and remote."
    parts = [box(*each) for each in (*BOXES, *INSIDE)] + [arrow(*each) for each in ARROWS]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
            'font-family="sans-serif" role="img">',
            f"<title>{escape(words)}</title>",
            f'<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
            f'markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="{ACCENT}"/></marker>'
            "</defs>",
            f'<rect width="{WIDTH}" height="{HEIGHT}" rx="12" fill="{PAPER}"/>',
            text(20, 34, words, 15),
            *parts,
            "</svg>\n",
        ]
    )


if __name__ == "__main__":
    OUTPUT.write_text(picture(), encoding="utf-8", newline="\n")
