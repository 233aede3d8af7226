"""What engines say of their failures, in OpenAI's form."""

from __future__ import annotations

import json
import re
from typing import Any

from engine.gateway.face import refusals
from engine.gateway.face.refusals import Refusal

_TOO_LONG = ("prompt-too-long", "context_length_exceeded")
# vLLM's codes are statuses; these are its words for it, which change from version to version.
_CONTEXT = re.compile(r"(?:maximum|model's) context length|maximum model length", re.IGNORECASE)
# llama.cpp's server computes a text's vector in one batch, and says so of one that is longer.
_BATCH = re.compile(r"input \((\d+) tokens\) is too large to process.*?batch size: (\d+)")


def refused(status: int, raw: bytes, param: str, context: int = 0) -> Refusal:
    """Return an engine's refusal in OpenAI's form.

    Args:
        status: The engine's status.
        raw: The engine's answer, of whatever form.
        param: The field that has the request's text.
        context: The engine's context window, in tokens; 0 where that is not known.
    """
    words = _error(raw)
    message = refusals.without_paths(str(words.get("message") or f"status {status}"))
    kind, code = str(words.get("type", "")), str(words.get("code", ""))
    if batch := _BATCH.search(message):
        tokens, most = map(int, batch.groups())
        most = min(most, context or most)
        return _too_long({"n_prompt_tokens": tokens, "n_ctx": most}, message, param)
    long = kind == "exceed_context_size_error" or code in _TOO_LONG
    if long or (status == 400 and _CONTEXT.search(message)):
        return _too_long(words, message, param)
    if status == 503:
        return refusals.later(503, f"The engine is not ready: {message}", "engine-away")
    if status in (404, 405, 501):
        if param == "input":
            message = "The model that is served writes text and gives no vectors."
        return Refusal(400, message, code="unsupported_by_model")
    if status < 500:
        return Refusal(400, message, code=code if code.strip("0123456789") else "invalid_value")
    return Refusal(500, f"The engine failed: {message}", code="engine-failed")


def _too_long(words: dict[str, Any], message: str, param: str) -> Refusal:
    if isinstance(words.get("n_ctx"), int) and isinstance(words.get("n_prompt_tokens"), int):
        message = (
            f"This model's maximum context length is {words['n_ctx']} tokens. However, your "
            f"prompt has {words['n_prompt_tokens']} tokens. Send a shorter one, or serve the "
            "model with a larger context."
        )
    return Refusal(400, message, code="context_length_exceeded", param=param)


def _error(raw: bytes) -> dict[str, Any]:
    try:
        value = json.loads(raw)
    except ValueError:
        return {}
    error = value.get("error", value) if isinstance(value, dict) else value
    return error if isinstance(error, dict) else {"message": error}
