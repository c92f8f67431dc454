"""Write the page of all models and versions, for the provider to publish."""

from mlrepo.ci.job import FOLDER, begin, say, shut_out
from mlrepo.page.write_page import Wanted, write

PAGE = FOLDER / "page/index.html"


def page() -> None:
    """Write the page; where DVC's remote is shut, the plots of most versions are missing."""
    begin()
    if closed := shut_out():
        say(f"plots come from the cache alone: {closed}")
    write(Wanted(None, say, bool(closed)), PAGE)
    print(f"{PAGE} has the page")
