"""Make `dvc plots` draw without internet: `python -m mlrepo.page.offline_plots`, as set-up does.

The page that DVC writes loads Vega from a web address and stays blank where that is not reached.
This command writes a page template that holds Vega itself (0.9 MB, from vl-convert-python) and
names it in .dvc/config.local. Neither is committed: a clone without them falls back to DVC's
own page, whereas a committed setting would end `dvc plots` with an error there.
"""

from configparser import RawConfigParser
from pathlib import Path

from mlrepo.core.errors import ProjectError, exit_with_message
from mlrepo.core.files import atomic
from mlrepo.pipeline.dvc import dvc_in_silence

TEMPLATE = Path(".dvc/plots/offline.html")
SETTING = "plots/offline.html"  # DVC reads it from the folder .dvc
VEGA_LITE = "5.21"  # the generation that DVC's own templates are written for

# A plot without rows (of the other task) has the specification {}: no frame for it. What Vega
# cannot draw is named on the page and not only in the browser's console.
SNIPPET = """
window.vegaEmbed = (target, spec) => {
  const place = document.querySelector(target);
  if (Object.keys(spec).length === 0) return place.remove();
  return vegaEmbed(place, spec).catch((error) => { place.textContent = `${target}: ${error}`; });
};
"""

# DVC puts its plots in place of {plot_divs}; leaving out {scripts} leaves out the web addresses.
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
{refresh_tag}
<title>Plots</title>
<style>
body { display: flex; flex-wrap: wrap; gap: 3em; margin: 2em; font-family: sans-serif; }
</style>
<script>
BUNDLE
</script>
</head>
<body>
{plot_divs}
</body>
</html>
"""


def bundle(snippet: str) -> str:
    """Return Vega, Vega-Lite and vega-embed as one script that ends with ``snippet``."""
    try:
        import vl_convert
    except ImportError:
        raise ProjectError(
            "the package vl-convert-python is missing: install the developer tools with `uv sync`"
        ) from None
    made: str = vl_convert.javascript_bundle(snippet, VEGA_LITE)
    return made.replace("</script", "<\\/script")


def page() -> str:
    """Return the page template."""
    return PAGE.replace("BUNDLE", bundle(SNIPPET))


def main() -> None:
    """Write the page template and tell DVC of it, unless this clone already uses another."""
    if not Path(".dvc").is_dir():
        raise ProjectError("there is no folder .dvc here: run this in the folder of the project")
    settings = RawConfigParser(strict=False)
    settings.read(".dvc/config.local", encoding="utf-8")
    chosen = settings.get("plots", "html_template", fallback=None)
    if chosen not in (None, SETTING):
        print(f"dvc plots keeps its page {chosen} (plots.html_template in .dvc/config.local)")
        return
    with atomic(TEMPLATE) as partial:
        partial.write_text(page(), encoding="utf-8")
    if chosen is None:
        dvc_in_silence("config", "--local", "plots.html_template", SETTING)


if __name__ == "__main__":
    exit_with_message(main)
