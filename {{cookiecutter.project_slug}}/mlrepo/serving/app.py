"""The routes of the service."""

import json
import secrets
from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any

from fastapi import HTTPException, Request, Response
from fastapi_offline import FastAPIOffline
from prometheus_client import generate_latest
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp

from mlrepo.serving.auth import guard
from mlrepo.serving.batcher import Batcher
from mlrepo.serving.served_version import Served
from mlrepo.serving.settings import Settings
from mlrepo.serving.telemetry import Meters, log

_HEARD_OUT = 10_000_000  # bytes beyond the limit


def make_app(serving: Callable[[], Served], settings: Settings, meters: Meters) -> ASGIApp:
    """Return the service; ``serving`` returns what answers now."""
    batcher = Batcher(meters)
    # Its page /docs comes from here and not from a CDN, with all columns in view.
    page = {"docExpansion": "full"}
    app = FastAPIOffline(title=settings.model, redoc_url=None, swagger_ui_parameters=page)

    @app.post("/predict")
    @app.post("/predict/batch")
    async def predict(request: Request) -> Response:
        start, served = perf_counter(), serving()
        single = request.scope["path"] == "/predict"
        name = request.headers.get("x-request-id", "")[:100] or secrets.token_hex(8)
        try:
            body = await _body(request, settings.max_bytes)
            rows = served.rows.one(body) if single else served.rows.many(body)
            answers = await batcher.predict(served, rows)
        except HTTPException as no:
            return _json({"detail": no.detail}, name, no.status_code, no.headers)
        meters.predictions.labels(served.chosen.version).inc(len(rows))
        by = {"model_version": served.chosen.version, "model_sha256": served.chosen.sha256}
        said = [each["prediction"] for each in answers]
        spent = round((perf_counter() - start) * 1000, 3)
        values: dict[str, Any] = {"rows": rows} if settings.log_values else {}
        log("prediction", id=name, **by, predictions=said, milliseconds=spent, **values)
        found = answers[0] if single else {"predictions": answers}
        return _json(found | by, name)

    @app.get("/version")
    async def version() -> dict[str, Any]:
        return serving().facts

    @app.get("/health")
    async def health() -> dict[str, Any]:
        return {"alive": True}

    @app.get("/ready")
    async def ready() -> dict[str, Any]:
        return {"ready": True, "model_version": serving().chosen.version}

    @app.get("/metrics")
    async def metrics() -> Response:
        kind = "text/plain; version=0.0.4; charset=utf-8"
        return Response(generate_latest(meters), media_type=kind)

    # A switch of the version may switch the columns too.
    app.openapi = lambda: serving().openapi
    return guard(app, settings.token, meters)


async def _body(request: Request, most: int) -> bytes:
    """Return the body, of which no more than the limit is ever kept."""
    chunks, size = [], 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size <= most:
                chunks.append(chunk)
            # A client that is still sending does not read what it is told, so it may go on a while.
            elif size > most + _HEARD_OUT:
                break
    except ClientDisconnect:
        raise HTTPException(400, "the body ended early") from None
    if size > most:
        says = f"the body has more than {most} bytes: send fewer rows"
        raise HTTPException(413, says, {"Connection": "close"})  # the rest of the body is not read
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":  # a form of a foreign page can send anything else unasked
        raise HTTPException(415, "send JSON, with the header Content-Type: application/json")
    return b"".join(chunks)


def _json(
    content: Any, name: str, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(body, status, {"X-Request-ID": name, **(headers or {})}, "application/json")
