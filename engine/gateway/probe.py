"""The first question to an engine: it shows that a model answers before anybody relies on it."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import httpx

from engine.errors import EngineFailed
from engine.serve.engines.base import Engine

QUESTION = "Say hello."
_TOKENS = 16
_LONGEST = 300


async def probe(engine: Engine, limit_s: float) -> str:
    """Ask an engine one question and return its answer.

    Args:
        engine: A started engine.
        limit_s: How long the answer may take, in seconds.

    Raises:
        EngineFailed: It did not answer, or not with an answer.
    """
    try:
        async with asyncio.timeout(limit_s):
            return _checked(engine, await _ask(engine))
    except TimeoutError as error:
        said = f"{engine.model.id} did not answer its first question within {limit_s:g} s"
        raise EngineFailed(said, hint="try a smaller model or quantisation") from error
    except httpx.HTTPError as error:
        if not engine.alive:
            raise await engine.ended() from error
        raise _failed(engine, f"{type(error).__name__} {error}".strip()) from error


async def _ask(engine: Engine) -> httpx.Response:
    how = {"max_tokens": _TOKENS, "temperature": 0, "stream": False}
    turns = [{"role": "user", "content": QUESTION}]
    answer = await engine.client.post("/v1/chat/completions", json={"messages": turns, **how})
    if answer.status_code in (400, 404, 500):
        # A model without a template, or with one that refuses such a chat, may still go on texts.
        plain = await engine.client.post("/v1/completions", json={"prompt": QUESTION, **how})
        return plain if plain.status_code == 200 else answer
    return answer


def _checked(engine: Engine, answer: httpx.Response) -> str:
    """Return the text of an answer.

    Raises:
        EngineFailed: It is none.
    """
    if answer.status_code != 200:
        raise _failed(engine, f"status {answer.status_code}: {answer.text[:_LONGEST]}")
    try:
        body: dict[str, Any] = answer.json()
        choice = body["choices"][0]
        text = choice["message"]["content"] if "message" in choice else choice["text"]
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise _failed(engine, f"it is no completion: {answer.text[:_LONGEST]}") from error
    if not text and choice.get("finish_reason") not in ("stop", "length"):
        raise _failed(engine, "it has neither a text nor an end")
    rate = (body.get("timings") or {}).get("predicted_per_second", 0.0)
    if isinstance(rate, float) and math.isnan(rate):
        raise _failed(engine, "its figures are not numbers")
    return str(text or "")


def _failed(engine: Engine, why: str) -> EngineFailed:
    return EngineFailed(
        f"{engine.model.id} did not answer its first question: {why}",
        hint="try the file with: finetui doctor",
    )
