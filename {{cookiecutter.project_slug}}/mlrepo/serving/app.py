"""The routes of the service, behind a door that knows the token and counts requests."""

import asyncio
import hmac
import json
import secrets
from collections.abc import Callable, Mapping
from email.message import Message
from functools import lru_cache
from time import perf_counter
from typing import Any

from fastapi import HTTPException, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from fastapi_offline import FastAPIOffline
from prometheus_client import generate_latest
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.types import Message as Sent

from mlrepo.serving.batcher import Batcher
from mlrepo.serving.document import bearer
from mlrepo.serving.served_version import Served
from mlrepo.serving.settings import Settings
from mlrepo.serving.telemetry import Meters, log

_HEARD_OUT = 10_000_000  # bytes beyond the limit
_PAUSE = 0.5  # seconds in which nothing comes of a body that is too large
_PATIENCE = 20  # seconds for a body, less than the service waits for what is in flight
_PACKED = "send the body as it is, without Content-Encoding"
_OTHER = "send JSON in UTF-8: Content-Type: application/json"
_OPEN = frozenset({"/health", "/ready"})  # for whoever looks after the process
_PAGES = frozenset({"/", "/docs", "/openapi.json"})
_KNOWN = _OPEN | _PAGES | {"/predict", "/predict/batch", "/version", "/metrics"}


def make_app(serving: Callable[[], Served], settings: Settings, meters: Meters) -> ASGIApp:
    """Return the service; ``serving`` returns what answers now."""
    batcher = Batcher(meters)
    # Its page /docs comes from here and not from a CDN, with all columns in view.
    page = {"docExpansion": "full"}
    app = FastAPIOffline(title=settings.project, redoc_url=None, swagger_ui_parameters=page)

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
            request.state.refusal = {"id": name, **_reason(no, settings.log_values)}
            return _json({"detail": no.detail}, name, no.status_code, no.headers)
        meters.predictions.labels(served.chosen.version).inc(len(rows))
        by = {"model_version": served.chosen.version, "model_sha256": served.chosen.sha256}
        said = [each["prediction"] for each in answers]
        spent = round((perf_counter() - start) * 1000, 3)
        values: dict[str, Any] = {"rows": served.rows.loggable(rows)} if settings.log_values else {}
        log("prediction", id=name, **by, predictions=said, milliseconds=spent, **values)
        found = answers[0] if single else {"predictions": answers}
        return _json(found | by, name)

    @app.get("/")
    async def index() -> Response:
        return RedirectResponse("docs")

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
    return _guard(app, settings.token, meters)


async def _body(request: Request, most: int) -> bytes:
    """Return the body, of which no more than the limit is ever kept."""
    chunks, size = [], 0
    try:
        async with asyncio.timeout(_PATIENCE) as patience:
            end = patience.when() or 0
            async for chunk in request.stream():
                size += len(chunk)
                if size <= most:
                    chunks.append(chunk)
                elif size > most + _HEARD_OUT:
                    break
                else:  # a client that is still sending reads no answer, so it may go on a while
                    now = asyncio.get_running_loop().time()
                    patience.reschedule(min(end, now + _PAUSE))
    except ClientDisconnect:
        raise HTTPException(400, "the body ended early") from None
    except TimeoutError:
        if size <= most:
            says = f"the body did not come within {_PATIENCE} seconds"
            raise HTTPException(408, says, {"Connection": "close"}) from None
    if size > most:
        says = f"the body has more than {most} bytes: send fewer rows"
        raise HTTPException(413, says, {"Connection": "close"})  # the rest of the body is not read
    if request.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise HTTPException(415, _PACKED, {"Accept-Encoding": "identity"})
    if not _is_json(request.headers.get("content-type", "")):
        raise HTTPException(415, _OTHER)
    return b"".join(chunks)


@lru_cache(100)
def _is_json(declared: str) -> bool:
    """Whether a body is declared to be JSON in UTF-8; a form of a foreign page cannot be."""
    kind = Message()
    kind["Content-Type"] = declared
    is_json = kind.get_content_type() == "application/json"
    return is_json and kind.get_content_charset("utf-8") in ("utf-8", "us-ascii")


def _reason(no: HTTPException, with_values: bool) -> dict[str, Any]:
    """Return what the log says of a refusal; its words may hold values of the rows."""
    told = no.detail
    if isinstance(told, list) and not with_values:
        told = [{key: each[key] for key in ("loc", "type")} for each in told]
    return {"why": told}


def _json(
    content: Any, name: str, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(body, status, {"X-Request-ID": name, **(headers or {})}, "application/json")


def _guard(app: ASGIApp, token: str | None, meters: Meters) -> ASGIApp:
    """Return ``app`` behind a door that only requests with the token pass; None: all.

    As a dependency of routes the token would guard neither /docs and /openapi.json, nor who asks
    which paths there are.
    """

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        status, start, path = 0, perf_counter(), scope["path"]
        state = scope.setdefault("state", {})
        if scope["method"] == "HEAD":  # the server sends no body for its own scope's HEAD
            scope = {**scope, "method": "GET"}

        async def sending(message: Sent) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            if token is None or path in _OPEN or await _has(token, Request(scope)):
                await app(scope, receive, sending)
            else:
                says = "give the token: Authorization: Bearer TOKEN"
                headers = {"WWW-Authenticate": "Bearer", "Connection": "close"}
                await JSONResponse({"detail": says}, 401, headers)(scope, receive, sending)
        except asyncio.CancelledError:  # it stops, and has waited long enough
            if not status:
                says = "the service stops: ask again"
                await JSONResponse({"detail": says}, 503)(scope, receive, sending)
        finally:
            status = status or 500
            if status >= 400:
                event = "refused" if status < 500 else "failed"
                log(event, path=path[:100], status=status, **state.get("refusal", {}))
            # A name that a client made up is no label: each would be kept for ever.
            known = path if path in _KNOWN else "other"
            meters.requests.labels(known, status).inc()
            meters.seconds.labels(known).observe(perf_counter() - start)

    return answer


async def _has(token: str, request: Request) -> bool:
    given = await bearer(request)
    # Headers are read as Latin-1, whatever their bytes are.
    return given is not None and hmac.compare_digest(
        given.credentials.encode("latin-1"), token.encode()
    )
