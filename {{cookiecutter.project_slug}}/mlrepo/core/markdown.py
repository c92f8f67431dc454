"""Tables for people: as plain text, and as Markdown that shows every value as it is."""

import re

Lines = list[list[str]]  # the head first; all of one length

# What GitHub's Markdown takes for markup (https://github.github.com/gfm/): these anywhere, an
# underscore at the edge of a word, and at the start of a line what begins a heading or a list.
_MARKUP = re.compile(r"[\\`*\[\]<>|~&$]|(?<![^\W_])_|_(?![^\W_])")
_BLOCK = re.compile(r"^(\d*|[-+=#]*)([-+=#.)])(?=\s|$)")


def plain(lines: Lines) -> str:
    """Return columns of equal width below a ruled head."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    ruled = [lines[0], ["-" * width for width in widths], *lines[1:]]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in ruled)


def markdown(lines: Lines) -> str:
    """Return a Markdown table whose cells hold no markup."""
    cells = [[escape(cell) for cell in line] for line in lines]
    widths = [max(3, *map(len, column)) for column in zip(*cells, strict=True)]
    ruled = [cells[0], ["-" * width for width in widths], *cells[1:]]
    return "\n".join(f"| {' | '.join(map(str.ljust, line, widths))} |" for line in ruled)


def escape(value: object) -> str:
    r"""Return a value as one line of Markdown without markup; a line end becomes a visible \n."""
    visible = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in str(value))
    return _BLOCK.sub(r"\1\\\2", _MARKUP.sub(r"\\\g<0>", visible))
