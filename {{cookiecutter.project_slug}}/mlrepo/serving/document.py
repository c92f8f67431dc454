"""The OpenAPI document of the service for one version: FastAPI makes it of types.

The service itself reads bodies as bytes, and may switch to a version with other columns. So the
routes stand here once more, without a word of what they do.
"""

from functools import partial
from typing import Annotated, Any

from fastapi import Body, Depends, FastAPI, Response
from fastapi.security import HTTPBearer
from pydantic import Field, WithJsonSchema

from mlrepo.prediction.predictor import Predictor
from mlrepo.serving.request_rows import Row, Rows, closed
from mlrepo.serving.settings import Settings

bearer = HTTPBearer(auto_error=False)

_REFUSAL = closed("Refusal", {"detail": str})
_NAMES = {"model_version": str, "model_sha256": Annotated[str, Field(pattern="^[0-9a-f]{64}$")]}
_TEXT = {"schema": {"type": "string"}}
_REFUSALS = {
    401: "The token is missing or wrong",
    408: "The body did not come in time",
    413: "The body is too large",
    415: "The body is not declared to be JSON, or is packed or not in UTF-8",
}
_FACTS = {"model": str, **_NAMES, "commit": str, "stage": str | None, "since": str}
_VERSION = closed("Version", _FACTS)
_ALIVE = closed("Alive", {"alive": bool})
_READY = closed("Ready", {"ready": bool, "model_version": str})


def document(
    settings: Settings, chosen: Predictor, rows: Rows, example: tuple[Row, dict[str, Any] | None]
) -> dict[str, Any]:
    """Return the OpenAPI document of the service while it serves a version.

    ``example`` is a row and the answer to it, None where the model gives none.
    """
    app = FastAPI(
        title=settings.project,
        version=chosen.version,
        description=f"The model '{settings.model}' predicts '{chosen.data.target}'. "
        f"SHA-256: `{chosen.sha256}`.",
        generate_unique_id_function=lambda route: route.path[1:].replace("/", "_"),
    )
    answer, (row, said) = _answer(chosen), example
    refused = partial(_refused, settings.token is not None)
    guarded, by = refused(), {"model_version": chosen.version, "model_sha256": chosen.sha256}
    one = closed("One", answer | _NAMES)
    listed = Annotated[list[closed("Answer", answer)], Field(min_length=1)]  # type: ignore[misc,valid-type]
    many = closed("Many", {"predictions": listed, **_NAMES})
    several = f"Predict for up to {rows.most} rows, in their order"
    for path, summary, answered, taken, asks, says in (
        ("/predict", "Predict for one row", one, rows.row, row, said),
        ("/predict/batch", several, many, rows.batch, {"rows": [row]}, {"predictions": [said]}),
    ):
        shown: Any = Annotated[taken, Body(openapi_examples={"example": {"value": asks}})]
        known = refused(408, 413, 415)
        if said is not None and says is not None:
            content = {"application/json": {"example": says | by}}
            known["responses"][200] = {"content": content}

        @app.post(path, summary=summary, response_model=answered, **known)
        def take(body: shown) -> None:
            pass

    metrics = guarded | {"response_class": Response}  # which says nothing of what it holds
    metrics["responses"] = {**guarded["responses"], 200: {"content": {"text/plain": _TEXT}}}
    for path, summary, known in (
        ("/version", "Which version answers", guarded | {"response_model": _VERSION}),
        ("/metrics", "Counters for Prometheus", metrics),
        ("/health", "Whether the process lives", {"response_model": _ALIVE}),
        ("/ready", "Whether a model answers", {"response_model": _READY}),
    ):
        app.get(path, summary=summary, **known)(lambda: None)
    made: dict[str, Any] = app.openapi()
    return made


def _answer(chosen: Predictor) -> dict[str, Any]:
    if chosen.data.task == "regression":
        return {"prediction": float}
    classes = Annotated[Any, WithJsonSchema({"enum": chosen.model.classes_.tolist()})]
    share = Annotated[float, Field(ge=0, le=1.000001)]
    shares = {str(label): share for label in chosen.labels}
    probabilities = {"probabilities": closed("Probabilities", shares)} if shares else {}
    return {"prediction": classes, **probabilities}


def _refused(guarded: bool, *codes: int) -> dict[str, Any]:
    """Return what FastAPI is to know of a route that refuses, also where a token guards it."""
    told = (401, *codes) if guarded else codes
    responses = {code: {"model": _REFUSAL, "description": _REFUSALS[code]} for code in told}
    return {"dependencies": [Depends(bearer)] if guarded else [], "responses": responses}
