"""Asking a model worker, or any server that speaks its form."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from engine.errors import PromptTooLong, ServeError, WorkerDied, WorkerTimeout
from engine.serve.protocol import Threads

CONNECT_TIMEOUT_S = 5.0
SILENCE_TIMEOUT_S = 300.0
"""How long a worker may be silent: a long prompt on a slow machine takes minutes to read."""


@dataclass(frozen=True, slots=True)
class Timing:
    """How long an answer took, and how many threads it was computed with at its end.

    The first four are measured in the worker: seconds to the first token, the rate of the
    tokens after it, and the counts. ``seen_`` is the same as the client saw it, waiting and
    transport included; the rate is 0 where fewer than two tokens came.
    """

    ttft_s: float
    tokens_per_s: float
    prompt_tokens: int
    completion_tokens: int
    seen_ttft_s: float = 0.0
    seen_tokens_per_s: float = 0.0
    threads: Threads | None = None


@dataclass(frozen=True, slots=True)
class Chunk:
    """A part of an answer.

    The last one has ``done``, the reason ("stop", "length" or "cancelled") and the timing.
    One without text has ``threads``: something else uses the processor, or no longer does.
    """

    text: str
    done: bool = False
    timing: Timing | None = None
    reason: str = ""
    threads: Threads | None = None


async def stream(
    url: str,
    prompt_ids: Sequence[int],
    *,
    temperature: float,
    max_tokens: int,
    seed: int,
    stop_ids: Sequence[int] = (),
    threads: int = 0,
    model: str = "",
    bearer: str = "",
    timeout_s: float = SILENCE_TIMEOUT_S,
) -> AsyncGenerator[Chunk, None]:
    """Ask a worker and yield its answer as it comes.

    Leaving the iteration early closes the connection, and the worker stops generating.

    Args:
        url: The worker's address, such as ``http://127.0.0.1:4321``.
        prompt_ids: The rendered prompt; it is sent to the model as it is.
        temperature: Sampling temperature; 0 is greedy.
        max_tokens: The longest answer, in tokens.
        seed: The seed of sampling.
        stop_ids: Token ids that end the answer besides the model's own.
        threads: How many threads it may take; 0 for as many as the worker has.
        model: The model that is meant, where the worker has several.
        bearer: The worker's token.
        timeout_s: How long the worker may be silent, in seconds.

    Raises:
        WorkerDied: Nothing listens there, or the connection broke.
        WorkerTimeout: The worker kept silent for too long.
        PromptTooLong: The prompt does not fit the worker's context.
        ServeError: The worker refused the request.
    """
    body = {
        "prompt": list(prompt_ids),
        "temperature": temperature,
        "max_tokens": max_tokens,
        "seed": seed,
        "stop_token_ids": list(stop_ids),
        "threads": threads,
        "model": model,
        "stream": True,
    }
    watch = _Watch()
    ended = False
    try:
        async with (
            _client(url, bearer, timeout_s) as client,
            client.stream("POST", "/v1/completions", json=body) as response,
        ):
            if response.status_code != 200:
                raise _refusal(await response.aread())
            async for line in response.aiter_lines():
                event = _event(line)
                if event is None:
                    continue
                chunk = watch.chunk(event)
                ended = ended or chunk.done
                yield chunk
    except httpx.TimeoutException as error:
        raise WorkerTimeout(
            f"the worker was silent for {timeout_s:.0f} s", hint="ask again, or restart it"
        ) from error
    except httpx.TransportError as error:
        raise WorkerDied(
            f"the worker's connection broke: {error}", hint="start it again"
        ) from error
    if not ended:
        raise WorkerDied("the worker's answer broke off", hint="start it again")


async def post(
    url: str, path: str, body: Mapping[str, Any], *, bearer: str, timeout_s: float = 60.0
) -> dict[str, Any]:
    """Ask a worker for one JSON object, such as ``/tokenize``.

    Raises:
        WorkerDied: Nothing listens there, or the connection broke.
        WorkerTimeout: The worker kept silent for too long.
        ServeError: The worker refused the request.
    """
    try:
        async with _client(url, bearer, timeout_s) as client:
            response = await client.post(path, json=dict(body))
    except httpx.TimeoutException as error:
        raise WorkerTimeout(f"the worker was silent for {timeout_s:.0f} s") from error
    except httpx.TransportError as error:
        raise WorkerDied(f"the worker's connection broke: {error}") from error
    if response.status_code != 200:
        raise _refusal(response.content)
    answer: dict[str, Any] = response.json()
    return answer


def _client(url: str, bearer: str, timeout_s: float) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=url,
        headers={"Authorization": f"Bearer {bearer}"} if bearer else {},
        timeout=httpx.Timeout(timeout_s, connect=CONNECT_TIMEOUT_S),
        # The environment's proxies are not for the loopback, and reading the certificates for
        # a connection without TLS takes longer than the first token.
        trust_env=False,
        verify=False,
    )


class _Watch:
    """Measures an answer as the client sees it."""

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._first = self._last = 0.0

    def chunk(self, event: Mapping[str, Any]) -> Chunk:
        """Return an event as a chunk."""
        choice = event["choices"][0]
        text, reason = str(choice["text"]), choice.get("finish_reason") or ""
        if text:
            self._last = time.perf_counter()
            self._first = self._first or self._last
        if not reason:
            return Chunk(text, threads=_threads(event))
        return Chunk(text, True, self._timing(event.get("timings") or {}, event), str(reason))

    def _timing(self, timings: Mapping[str, Any], event: Mapping[str, Any]) -> Timing:
        usage = event.get("usage") or {}
        count = int(usage.get("completion_tokens", 0))
        span = self._last - self._first
        return Timing(
            ttft_s=float(timings.get("ttft", 0.0)),
            tokens_per_s=float(timings.get("tokens_per_s", 0.0)),
            prompt_tokens=int(usage.get("prompt_tokens", 0)),
            completion_tokens=count,
            seen_ttft_s=self._first - self._start if self._first else 0.0,
            seen_tokens_per_s=(count - 1) / span if count > 1 and span > 0 else 0.0,
            threads=_threads(event),
        )


def _threads(event: Mapping[str, Any]) -> Threads | None:
    told = event.get("threads")
    if not isinstance(told, Mapping):
        return None
    return Threads(int(told["now"]), int(told["most"]), str(told["beside"]))


def _event(line: str) -> dict[str, Any] | None:
    """Return the object in a line of server-sent events, if there is one.

    Raises:
        ServeError: The worker reports a failure.
    """
    if not line.startswith("data:"):
        return None
    data = line.removeprefix("data:").strip()
    if data == "[DONE]":
        return None
    event: dict[str, Any] = json.loads(data)
    if "error" in event:
        raise _refusal(data.encode())
    return event


def _refusal(content: bytes) -> ServeError:
    try:
        error = json.loads(content)["error"]
        code, message = str(error["code"]), str(error["message"])
    except (ValueError, KeyError, TypeError):
        code, message = "", content.decode("utf-8", "replace")[:200]
    if code == "prompt-too-long":
        return PromptTooLong(
            message, hint="shorten the conversation, or raise chat.context in the settings"
        )
    return ServeError(f"the worker refused the request: {message}")
