"""Check the answers before anything is generated; cookiecutter and cruft both run this."""

import json
import keyword
import re
import sys
import unicodedata
from collections.abc import Iterator

# tojson escapes whatever an answer may hold, and a raw string keeps the escapes for json.
ANSWERS = json.loads(r"""{{ cookiecutter | tojson }}""")
# Answers from the command line reach us evaluated as template code; this is what was given.
GIVEN = json.loads(r"""{{ _cookiecutter | default({}) | tojson }}""")
# The package folder comes first on Python's search path: it must not hide what the stages import,
# nor be a folder that the project or Windows has already.
TAKEN = re.compile(
    r"""alembic|annotated_doc|annotated_types|anyio|arro3|aux|blinker|bootstrap|cachetools|certifi|
    click|cloudpickle|colorama|colorlog|com\d|con|contourpy|cycler|dask|data|databricks|deltalake|
    deploy|deprecated|distributed|docker|docs|dvc|dvclive|environment|fastapi|fastapi_offline|flask|
    flask_cors|git|google|graphene|graphql|gunicorn|h11|httpcore|httptools|httpx|huey|idna|
    importlib_metadata|iniconfig|itsdangerous|jinja2|joblib|kiwisolver|lazy_importer|lightgbm|
    locket|lpt\d|mako|markdown_it|markupsafe|matplotlib|mdurl|metrics|mlflow|models|msgpack|mypy|
    narwhals|nul|numpy|opentelemetry|optuna|packaging|pandas|partd|pip|platformdirs|pluggy|polars|
    prettytable|prn|prometheus_client|psutil|py|pyarrow|pydantic|pydantic_core|pygments|pylab|
    pytest|release|reports|requests|rich|ruff|s3fs|scipy|semver|sentry_sdk|setuptools|shellingham|
    sklearn|skops|sniffio|sortedcontainers|sqlalchemy|sqlparse|starlette|tblib|tests|threadpoolctl|
    tlz|toolz|tornado|tqdm|typer|typing_extensions|typing_inspection|urllib3|uv|uvicorn|uvloop|
    vl_convert|wandb|wcwidth|werkzeug|xgboost|xxhash|yaml|zict|zipp""",
    re.VERBOSE,
)
# What both .dvc/config and a URL hold as it is. A relative folder must lie outside the project:
# inside it, git add would commit the storage.
FOLDER = r"(\.\.)?/[\w.+=~@/-]+|([a-z]:[/\\]|\\\\)[\w.+=~@/\\-]+"
ADDRESSES = {
    "local": (FOLDER, "../storage or a full path"),
    "s3": (r"s3://[\w.-]+(/[\w.+=~@/-]*)?", "s3://bucket/folder"),
    "gs": (r"gs://[\w.-]+(/[\w.+=~@/-]*)?", "gs://bucket/folder"),
    "azure": (r"azure://[\w.-]+(/[\w.+=~@/-]*)?", "azure://container/folder"),
    "ssh": (r"ssh://([\w.+-]+@)?[\w.-]+(:\d+)?/[\w.+=~@/-]+", "ssh://me@example.com/folder"),
}


def mistakes() -> Iterator[str]:
    """Yield one message per answer that cannot be used, each with its mend."""
    for name in ("project_name", "project_slug", "description", "author", "remote_url"):
        if not ANSWERS[name].strip():
            yield f"{name} is empty: write something"
        elif {unicodedata.category(letter) for letter in ANSWERS[name]} & {"Cc", "Cs", "Zl", "Zp"}:
            yield f"{name} holds a line break or control character, {ANSWERS[name]!r}: remove it"
    for name in ("project_name", "description", "author"):
        if re.search(r"\{[%#{]", f"{ANSWERS[name]} {GIVEN.get(name, '')}"):
            yield f"{name} holds template code, a brace before a brace, % or #: put a space between"
    slug, package = ANSWERS["project_slug"], ANSWERS["__package_name"]
    if not re.fullmatch(r"[A-Za-z]([A-Za-z0-9_-]*[A-Za-z0-9])?", slug):
        yield f"project_slug {slug!r} is no safe folder and package name: use a-z, digits, - and _"
    elif TAKEN.fullmatch(package) or package in {*keyword.kwlist, *sys.stdlib_module_names}:
        yield f"project_slug {slug!r} is taken by Python, Windows or the project: add a word to it"
    pattern, example = ADDRESSES[ANSWERS["remote"]]
    if not re.fullmatch(pattern, ANSWERS["remote_url"], re.ASCII | re.IGNORECASE):
        yield (
            f"remote_url {ANSWERS['remote_url']!r} does not suit the remote {ANSWERS['remote']!r}: "
            f"write it like {example}, with no password, spaces, quotes, commas, # or %"
        )


messages = list(mistakes())
for message in messages:
    print(f"Cannot generate the project: {message}.", file=sys.stderr)
sys.exit(bool(messages))
