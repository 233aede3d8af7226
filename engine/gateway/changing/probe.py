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
_OTHERWISE = (400, 404, 500, 501)
"""What an engine answers that can't chat with its model."""


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
    """Return the answer to the question in the form that the model takes."""
    how = {"model": engine.model.id, "max_tokens": _TOKENS, "temperature": 0, "stream": False}
    turns = [{"role": "user", "content": QUESTION}]
    first = await engine.client.post("/v1/chat/completions", json={"messages": turns, **how})
    if first.status_code not in _OTHERWISE:
        return first
    # A model without a template, or with one that refuses such a chat, may still go on texts;
    # one of embeddings writes nothing.
    for path, body in (
        ("/v1/completions", {"prompt": QUESTION, **how}),
        ("/v1/embeddings", {"model": engine.model.id, "input": QUESTION}),
    ):
        answer = await engine.client.post(path, json=body)
        if answer.status_code == 200:
            return answer
    return first


def _checked(engine: Engine, answer: httpx.Response) -> str:
    """Return the text of an answer, or what kind of vector it is.

    Raises:
        EngineFailed: It is no answer.
    """
    if answer.status_code != 200:
        raise _failed(engine, f"status {answer.status_code}: {answer.text[:_LONGEST]}")
    try:
        body: dict[str, Any] = answer.json()
        if "choices" not in body:
            return _vector(engine, body["data"][0]["embedding"])
        choice = body["choices"][0]
        text = choice["message"]["content"] if "message" in choice else choice["text"]
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise _failed(engine, f"it is no completion: {answer.text[:_LONGEST]}") from error
    if not text and choice.get("finish_reason") not in ("stop", "length"):
        raise _failed(engine, "it has neither a text nor an end")
    return str(text or "")


def _vector(engine: Engine, values: list[float]) -> str:
    if not values or not all(math.isfinite(value) for value in values):
        raise _failed(engine, "its vector has values that are no numbers")
    return f"a vector of {len(values)} numbers"


def _failed(engine: Engine, why: str) -> EngineFailed:
    return EngineFailed(
        f"{engine.model.id} did not answer its first question: {why}",
        hint="try the file with: finetui doctor",
    )
