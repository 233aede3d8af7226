"""What an engine can't do of what a request asks, which it would leave out without a word."""

from __future__ import annotations

from engine.gateway.face.fields import Asked
from engine.gateway.face.refusals import Refusal
from engine.serve.engines.base import Engine

_ABLE = ("native", "vllm")  # tools, schemas, probabilities


def check(engine: Engine, asked: Asked) -> None:
    """Check that an engine can do what a request asks.

    Raises:
        Refusal: It can't; the field that it would leave out is named.
    """
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
