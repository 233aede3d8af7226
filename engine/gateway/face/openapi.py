"""The server's own OpenAPI document, made of the schemas by which requests are checked."""

from __future__ import annotations

from typing import Any

from engine.gateway.face import schemas
from engine.gateway.face.schemas import Schema

_TEXT: Schema = {"type": "string"}
_WHOLE: Schema = {"type": "integer"}
_REASON: Schema = {"type": ["string", "null"]}


def document() -> dict[str, Any]:
    """Return the document, in OpenAPI 3.1."""
    from engine import __version__

    return {
        "openapi": "3.1.0",
        "info": {
            "title": "finetui",
            "version": __version__,
            "description": "OpenAI's protocol, answered by one model of a workspace.",
        },
        "security": [{"token": []}],
        "paths": {
            "/v1/chat/completions": {"post": _asking("chat", "The next turn of a chat", True)},
            "/v1/completions": {"post": _asking("completion", "The rest of a text", True)},
            "/v1/embeddings": {"post": _asking("embedding", "Vectors of texts", False)},
            "/v1/models": {"get": _getting("models", "The model that is served")},
            "/v1/models/{model}": {"get": _one_model()},
            "/health": {"get": _health()},
            "/admin/status": {"get": _getting("state", "What the server does", 403)},
            "/admin/reload-model": {"post": _reloading()},
            "/openapi.json": {"get": _getting("document", "This document")},
        },
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": _components(),
        },
    }


def _components() -> dict[str, Schema]:
    return {
        "ChatRequest": schemas.CHAT,
        "CompletionRequest": schemas.COMPLETION,
        "EmbeddingRequest": schemas.EMBEDDING,
        "ReloadRequest": schemas.RELOAD,
        "Error": _object(
            error=_object(message=_TEXT, type=_TEXT, param={"type": ["string", "null"]}, code=_TEXT)
        ),
        "Usage": _object(prompt_tokens=_WHOLE, completion_tokens=_WHOLE, total_tokens=_WHOLE),
        "chat": _answer(
            "chat.completion",
            message=_object(role=_TEXT, content={"type": ["string", "null"]}),
            finish_reason=_REASON,
        ),
        "completion": _answer("text_completion", text=_TEXT, finish_reason=_REASON),
        "embedding": _object(
            object=_TEXT, model=_TEXT, data={"type": "array", "items": {"type": "object"}}
        ),
        "model": _object(id=_TEXT, object=_TEXT, created=_WHOLE, owned_by=_TEXT),
        "models": _object(object=_TEXT, data={"type": "array", "items": _ref("model")}),
        "state": _object(phase=_TEXT, model=_TEXT, active=_WHOLE, waiting=_WHOLE),
        "document": _object(openapi=_TEXT, paths={"type": "object"}),
        "reloaded": _object(
            status={"enum": ["success"]},
            model=_TEXT,
            before=_TEXT,
            seconds={"type": "number"},
            waited={"type": "boolean"},
            answer=_TEXT,
        ),
    }


def _object(**properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _answer(kind: str, **choice: Schema) -> Schema:
    choices = {"type": "array", "items": _object(index=_WHOLE, **choice)}
    return _object(
        id=_TEXT,
        object={"enum": [kind]},
        created=_WHOLE,
        model=_TEXT,
        choices=choices,
        usage=_ref("Usage"),
    )


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _json(schema: Schema) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _errors(*statuses: int) -> dict[str, Any]:
    """Return the errors of an operation; those that every request may meet are among them."""
    every = sorted({400, 401, 403, 408, 421, 431, 500, 503, *statuses})
    return {
        str(status): {"description": _WORDS[status], "content": _json(_ref("Error"))}
        for status in every
    }


_WORDS = {
    400: "A field is wrong, or can't be served",
    401: "The token is missing or wrong",
    403: "Not from there",
    404: "There is no such thing",
    408: "The request took too long to arrive",
    409: "Models are being changed already",
    413: "The body is too large",
    415: "The body is compressed",
    421: "The Host header is not a name of this server",
    422: "The model can't be loaded; the one before goes on",
    431: "The headers are too large",
    500: "The server failed",
    502: "The engine ended while it answered",
    503: "There are too many requests, or no engine yet; ask again",
    504: "The engine kept silent",
}


def _asking(name: str, summary: str, streams: bool) -> dict[str, Any]:
    content = _json(_ref(name))
    if streams:
        content["text/event-stream"] = {"schema": _object(data=_TEXT)}
    request = {"chat": "ChatRequest", "completion": "CompletionRequest"}
    body = request.get(name, "EmbeddingRequest")
    return {
        "operationId": name,
        "summary": summary,
        "requestBody": {"required": True, "content": _json(_ref(body))},
        "responses": {
            "200": {"description": "The answer", "content": content},
            **_errors(413, 415, 502, 504),
        },
    }


def _getting(name: str, summary: str, *errors: int) -> dict[str, Any]:
    return {
        "operationId": name,
        "summary": summary,
        "responses": {
            "200": {"description": "The answer", "content": _json(_ref(name))},
            **_errors(*errors),
        },
    }


def _one_model() -> dict[str, Any]:
    parameter = {"name": "model", "in": "path", "required": True, "schema": _TEXT}
    return {**_getting("model", "One model", 404), "parameters": [parameter]}


def _health() -> dict[str, Any]:
    said = _json(_object(status={"enum": ["ok", "starting"]}))
    return {
        "operationId": "health",
        "summary": "Whether requests are answered",
        "security": [],
        "responses": {
            **_errors(),
            "200": {"description": "They are", "content": said},
            "503": {"description": "Not yet", "content": said},
        },
    }


def _reloading() -> dict[str, Any]:
    return {
        "operationId": "reload",
        "summary": "Put another model behind the address",
        "requestBody": {"required": True, "content": _json(_ref("ReloadRequest"))},
        "responses": {
            "200": {"description": "It answers now", "content": _json(_ref("reloaded"))},
            **_errors(404, 409, 413, 415, 422, 502, 504),
        },
    }
