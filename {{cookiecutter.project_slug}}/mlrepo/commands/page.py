"""`model page`: all models, versions and what was in production, to look at."""

import webbrowser
from pathlib import Path
from typing import Annotated

from typer import Context, Exit, Option

from mlrepo.commands.options import Model, Offline, announce, each_opened
from mlrepo.core.errors import EXIT_INTERRUPTED


def page(
    context: Context,
    output: Annotated[Path, Option("-o", "--output", help="The HTML file to write.")] = Path(
        "model-page.html"
    ),
    open_it: Annotated[bool, Option("--open", help="Open it in the browser.")] = False,
    watch: Annotated[
        bool, Option("--watch", help="Write it again whenever tags or experiments change.")
    ] = False,
    offline: Offline = False,
    model: Model = None,
) -> None:
    """Write an HTML page of all models and versions."""
    from mlrepo.page.watch import changes
    from mlrepo.page.write_page import Wanted, write

    file, wanted = context.obj / output, Wanted(model, announce, offline, watch)
    with each_opened(model) as registries:
        list(registries)  # tags that are not believed are named here as well
        try:
            for n, _ in enumerate(changes()):
                write(wanted, file)
                print(f"{output}: {file.stat().st_size / 1e6:.1f} MB", flush=True)
                if open_it and not n and not webbrowser.open(file.resolve().as_uri()):
                    announce(f"no browser could be opened: open {output} in one")
                if not watch:
                    break
        except KeyboardInterrupt:
            if not watch:
                raise
            raise Exit(EXIT_INTERRUPTED) from None  # as it is ended, so that nothing is to be said
