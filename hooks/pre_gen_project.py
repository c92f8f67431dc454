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
# The package comes first on Python's search path: it must not hide what a project can install. Nor
# may a name be that of a distribution there, of something in the project or of Windows' devices.
TAKEN = re.compile(
    r"""
    adlfs|aiobotocore|aiohappyeyeballs|aiohttp|aiohttp_retry|aioitertools|aiosignal|alembic|amqp|
    annotated_doc|annotated_types|antlr4|antlr4_python3_runtime|anyio|appdirs|argcomplete|arro3|
    ast_serialize|asyncssh|atpublic|attr|attrs|aux|azure|azure_core|azure_identity|
    azure_storage_blob|backports|backports_zstd|bcrypt|billiard|blinker|bootstrap|botocore|
    cachetools|celery|certifi|cffi|
    charset_normalizer|click|click_didyoumean|click_plugins|click_repl|cloudpickle|colorama|
    colorlog|com\d|con|configobj|contourpy|coreweave_evaluations|cryptography|cwevals|cycler|dask|
    data|databricks|databricks_sdk|dateutil|decorator|deltalake|deploy|deprecated|dictdiffer|
    diskcache|distributed|distro|docker|docs|dotenv|dpath|dulwich|dvc|dvc_azure|dvc_data|dvc_gs|
    dvc_http|dvc_objects|dvc_render|dvc_s3|dvc_ssh|dvc_studio_client|dvc_task|dvclive|entrypoints|
    environment|fastapi|fastapi_offline|filelock|flask|flask_cors|flatten_dict|flufl|flufl_lock|
    fonttools|frozenlist|fsspec|funcy|gcsfs|git|gitdb|gitpython|google|google_api_core|google_auth|
    google_auth_oauthlib|google_cloud_core|google_cloud_storage|google_cloud_storage_control|
    google_crc32c|google_resumable_media|googleapis_common_protos|grandalf|graphene|graphql|
    graphql_core|graphql_relay|grimp|grpc|grpc_google_iam_v1|grpc_status|grpcio|grpcio_status|gto|
    gunicorn|h11|httpcore|httptools|httpx|huey|hydra|hydra_core|idna|images|import_linter|
    importlib_metadata|importlinter|iniconfig|isodate|iterative_telemetry|itsdangerous|jinja2|
    jmespath|joblib|jwt|kiwisolver|knack|kombu|lazy_importer|librt|lightgbm|locket|lpt\d|mako|
    markdown_it|markdown_it_py|markupsafe|matplotlib|mdurl|metrics|mlflow|mlflow_skinny|
    mlflow_tracing|mlrepo|models|mpl_toolkits|msal|msal_extensions|msgpack|multidict|mypy|
    mypy_extensions|mypyc|narwhals|networkx|nul|numpy|nvidia|nvidia_nccl_cu12|oauthlib|omegaconf|
    opentelemetry|opentelemetry_api|opentelemetry_exporter_http_transport|
    opentelemetry_exporter_otlp_common|opentelemetry_exporter_otlp_proto_common|
    opentelemetry_exporter_otlp_proto_http|opentelemetry_proto|opentelemetry_sdk|
    opentelemetry_semantic_conventions|optuna|orjson|packaging|pandas|partd|pathspec|pil|pillow|pip|
    platformdirs|pluggy|polars|polars_runtime_32|prettytable|prn|prometheus_client|prompt_toolkit|
    propcache|proto|proto_plus|protobuf|psutil|public|py|pyarrow|pyasn1|pyasn1_modules|pycparser|
    pydantic|pydantic_core|pydantic_settings|pydevd_plugins|pydot|pygit2|pygments|pygtrie|pyjwt|
    pylab|pyparsing|pytest|python_dateutil|python_dotenv|pyyaml|release|reports|requests|
    requests_oauthlib|rich|ruamel|ruamel_yaml|ruamel_yaml_clib|ruff|s3fs|scikit_learn|scipy|scmrepo|
    semver|sentry_sdk|setuptools|shellingham|shortuuid|shtab|six|sklearn|skops|smmap|sniffio|
    sortedcontainers|sqlalchemy|sqlparse|sqltrie|sshfs|starlette|tabulate|tblib|tests|threadpoolctl|
    tlz|tomlkit|toolz|tornado|tqdm|typer|types_tqdm|typing_extensions|typing_inspection|tzlocal|
    urllib3|uv|uvicorn|uvloop|validate|vine|vl_convert|vl_convert_python|voluptuous|wandb|wcwidth|
    werkzeug|wrapt|xgboost|xxhash|yaml|yarl|zc|zc_lockfile|zict|zipp""",
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
    """Yield one message per answer that cannot be used, with how to fix it."""
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
