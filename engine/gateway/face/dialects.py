"""What engines call by other names, and what they would leave out of a request without a word."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.gateway.face.fields import Asked
from engine.gateway.face.refusals import Refusal
from engine.serve.engines.base import Engine, EngineName

_ABLE = ("native", "vllm")  # tools, schemas, probabilities
_NAMES_OF_VLLM = {"repeat_penalty": "repetition_penalty"}


def written(name: EngineName, body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what an engine is asked with its own names of the fields; most have llama.cpp's."""
    if name != "vllm":
        return body
    return {_NAMES_OF_VLLM.get(field, field): value for field, value in body.items()}


def check(engine: Engine, asked: Asked) -> None:
    """Check that an engine can do what a request asks.

    Raises:
        Refusal: It can't; a field that it would leave out is named.
    """
    if engine.gives_vectors and asked.form != "embedding":
        raise Refusal(
            400,
            f"{engine.model.id} is an embedding model, which gives vectors and writes no text. "
            "Ask /v1/embeddings, or serve a model that writes.",
            code="unsupported_by_model",
        )
    for name in asked.needs:
        if engine.name not in _ABLE:
            raise Refusal(
                400,
                f"The engine {engine.name} can't serve '{name}'; the native one can.",
                code="unsupported_by_engine",
                param=name,
            )
        if name.rpartition(".")[2] in engine.leaves_out:
            raise Refusal(
                400,
                f"The chat template of {engine.model.id} has no place for '{name}', so that the "
                "model would never read it. Leave it out, or serve a model that knows tools.",
                code="unsupported_by_model",
                param=name,
            )
    if engine.name == "vllm" and asked.bodies[0].get("tool_choice") == "auto":
        # It reads a model's own calls of tools by a parser for that family of models, which
        # nobody can tell from a folder.
        raise Refusal(
            400,
            "The engine vllm calls a tool only where 'tool_choice' is 'required' or names one. "
            "Send one of these, or serve the model's GGUF with the native engine.",
            code="unsupported_by_engine",
            param="tool_choice",
        )
