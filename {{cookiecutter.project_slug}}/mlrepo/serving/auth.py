"""What stands before every request: the token, and the count of requests and their time."""

import hmac
from time import perf_counter

from fastapi import Request
from fastapi.responses import JSONResponse
from fastapi.security import HTTPBearer
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mlrepo.serving.telemetry import Meters

_OPEN = frozenset({"/health", "/ready"})  # for whoever looks after the process
_KNOWN = _OPEN | {"/predict", "/predict/batch", "/version", "/metrics", "/docs", "/openapi.json"}

bearer = HTTPBearer(auto_error=False)


def guard(app: ASGIApp, token: str | None, meters: Meters) -> ASGIApp:
    """Return ``app`` behind a door that only requests with the token pass; None: all.

    As a dependency of routes the token would guard neither /docs and /openapi.json, nor who asks
    which paths there are.
    """

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        status, start, path = 500, perf_counter(), scope["path"]

        async def sending(message: Message) -> None:
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
        finally:
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
