"""Use a model: predict for a table, or answer requests."""

import os
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal

from typer import Argument, Context, Option

from mlrepo.commands.options import Model, announce, opened, pin
from mlrepo.core.errors import ProjectError
from mlrepo.pipeline.models import choose_model


def predict(
    context: Context,
    source: Annotated[
        Path, Argument(metavar="INPUT", help="A table: CSV, Parquet, or a folder of parts.")
    ],
    output: Annotated[Path, Option("-o", "--output", help="The file to write, .csv or .parquet.")],
    version: Annotated[str | None, Option(help="Use this version.")] = None,
    stage: Annotated[str | None, Option(help="Use the version in this stage.")] = None,
    bad_rows: Annotated[
        Literal["refuse", "set-aside"],
        Option(
            help="If rows break the schema: write nothing, or write them to a file of their own."
        ),
    ] = "refuse",
    model: Model = None,
) -> None:
    """Predict for a table, with this model or a version."""
    if version and stage:
        raise ProjectError("name a version or a stage, not both")
    pin()
    from mlrepo.prediction import sources, write

    with ExitStack() as stack:
        if version or stage:
            registry = stack.enter_context(opened(model))
            picked = registry.version(version) if version else registry.resolve(str(stage))
            found = sources.of_version(picked, announce)
        else:
            found = sources.of_folder(choose_model(model))
        table, target = context.obj / source, context.obj / output
        counts = write.predict(found, table, target, bad_rows == "set-aside", announce)
        print(write.describe(found, counts, output))


def serve(
    version: Annotated[
        str | None, Option(help="Serve this version for as long as it runs.")
    ] = None,
    stage: Annotated[
        str | None,
        Option(
            help="Serve the version in this stage, and each later one; by default the last stage."
        ),
    ] = None,
    host: Annotated[
        str, Option(help="The address to listen at; other machines need MODEL_SERVE_TOKEN.")
    ] = "127.0.0.1",
    port: Annotated[
        int, Option(min=0, max=65535, help="The port to listen at; 0 takes a free one.")
    ] = 8000,
    max_rows: Annotated[int, Option(min=1, help="Most rows in a request.")] = 1000,
    max_bytes: Annotated[int, Option(min=1, help="Most bytes in a request.")] = 1_000_000,
    poll: Annotated[float, Option(min=0.1, help="Seconds between two looks at the stage.")] = 5.0,
    fetch: Annotated[
        bool, Option("--fetch", help="Run `git fetch --tags` before each look.")
    ] = False,
    log_values: Annotated[
        bool, Option("--log-values", help="Log the rows as well, not their predictions alone.")
    ] = False,
    model: Model = None,
) -> None:
    """Answer requests over HTTP with a version.

    Its own page /docs says what to send. SIGTERM ends it with exit code 0.
    """
    if version and stage:
        raise ProjectError("name a version or a stage, not both")
    if find_spec("fastapi") is None:
        raise ProjectError(
            "the packages of the service are not installed: `cruft update --variables-to-update "
            '\'{"service": "fastapi"}\'` adds them and the files for a container'
        )
    pin()
    # A table of a few rows is no work to share, and waking threads takes longer than it.
    os.environ.setdefault("POLARS_MAX_THREADS", "1")
    from mlrepo.core.owner import project_name
    from mlrepo.serving import server
    from mlrepo.serving.settings import Settings, token_for
    from mlrepo.versions.rules.policy import load_settings

    token, stage = token_for(host), None if version else stage or load_settings().last
    model = choose_model(model)
    settings = Settings(
        project=project_name(),
        model=model,
        version=version,
        stage=stage,
        host=host,
        port=port,
        max_rows=max_rows,
        max_bytes=max_bytes,
        poll=poll,
        fetch=fetch,
        log_values=log_values,
        token=token,
    )
    server.run(settings, announce)
