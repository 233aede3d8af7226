"""What a worker is asked and what it answers, in OpenAI's form.

The fields that OpenAI's form lacks (``stop_token_ids``, ``cache_prompt``, ``timings``)
have the names that other local servers give them.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# The environment variable in which a worker gets its bearer token.
BEARER_VARIABLE = "FINETUI_WORKER_BEARER"
# Exit statuses: llama.cpp refused the file; the parent is gone.
REFUSED, ORPHANED = 3, 4
# What a worker calls its two models that share their weights, and where the adapter is changed.
BASE, TUNED = "base", "tuned"
RELOAD_ADAPTER = "/admin/reload-adapter"
_MOST = 1_000_000
_LARGEST = 2**31 - 1
ROLES = ("system", "user", "assistant", "tool")


class BadRequest(ValueError):
    """A request that can't be served; the text says why, ``code`` is for programs."""

    status = 400
    type = "invalid_request_error"

    def __init__(self, message: str, code: str = "bad-request") -> None:
        super().__init__(message)
        self.code = code

    def as_dict(self) -> dict[str, Any]:
        """Return the object that an answer carries as ``error``."""
        return {"code": self.code, "message": str(self), "type": self.type}


class ContextExceeded(BadRequest):
    """A prompt that does not fit the context; its form is that of llama.cpp's server."""

    type = "exceed_context_size_error"

    def __init__(self, tokens: int, context: int) -> None:
        super().__init__(
            f"the prompt has {tokens:,} tokens and the context {context:,}", "prompt-too-long"
        )
        self._counts = {"n_prompt_tokens": tokens, "n_ctx": context}

    def as_dict(self) -> dict[str, Any]:
        """Return the object that an answer carries as ``error``."""
        return super().as_dict() | self._counts


class NotSupported(BadRequest):
    """A request for something that this engine can't do."""

    status = 501
    type = "not_supported_error"

    def __init__(self, message: str) -> None:
        super().__init__(message, "not-supported")


class Failed(BadRequest):
    """A request at which the engine failed."""

    status = 500
    type = "server_error"

    def __init__(self, message: str) -> None:
        super().__init__(message, "failed")


@dataclass(frozen=True, slots=True)
class Sampling:
    """How an answer is drawn. The defaults of top_k, top_p and min_p are llama.cpp's.

    ``threads`` is how many threads it may take; 0 for as many as the worker has.
    """

    max_tokens: int
    temperature: float
    seed: int
    stop: tuple[str, ...] = ()
    stop_token_ids: frozenset[int] = frozenset()
    top_k: int = 40
    top_p: float = 0.95
    min_p: float = 0.05
    repeat_penalty: float = 1.0
    cache_prompt: bool = False
    threads: int = 0


@dataclass(frozen=True, slots=True)
class Threads:
    """How many threads an answer computes with.

    Attributes:
        now: How many.
        most: How many it would take if nothing else used the processor.
        beside: What else uses it, in words; empty for nothing.
    """

    now: int
    most: int
    beside: str = ""

    def as_dict(self) -> dict[str, int | str]:
        """Return the object that an answer's parts carry as ``threads``."""
        return {"now": self.now, "most": self.most, "beside": self.beside}

    def words(self) -> str:
        """Return ``1 of 4 threads beside run 3f2a``, or nothing where nothing else computes."""
        if not self.beside:
            return ""
        share = f"{self.now} of {self.most}" if self.now < self.most else f"{self.now}"
        return f"{share} thread{'s' if self.most > 1 else ''} beside {self.beside}"


@dataclass(frozen=True, slots=True)
class Timings:
    """How long an answer took, by the worker's own clock.

    ``ttft`` is the time from taking the request up to the first token, in seconds;
    ``tokens_per_s`` the rate of the tokens after the first.
    """

    prompt_tokens: int
    completion_tokens: int
    ttft: float
    tokens_per_s: float

    def as_dict(self) -> dict[str, float]:
        """Return the object that the last chunk carries as ``timings``.

        The second half has the names and units of llama.cpp's server.
        """
        rest = self.completion_tokens - 1
        seconds = rest / self.tokens_per_s if self.tokens_per_s else 0.0
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "ttft": self.ttft,
            "tokens_per_s": self.tokens_per_s,
            "prompt_n": self.prompt_tokens,
            "prompt_ms": 1000 * self.ttft,
            "prompt_per_second": self.prompt_tokens / self.ttft if self.ttft else 0.0,
            "predicted_n": self.completion_tokens,
            "predicted_ms": 1000 * seconds,
            "predicted_per_second": self.tokens_per_s,
        }

    def usage(self) -> dict[str, int]:
        """Return the counts as OpenAI's ``usage``."""
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "total_tokens": self.prompt_tokens + self.completion_tokens,
        }


def _number(body: Mapping[str, Any], name: str, default: float, low: float, high: float) -> float:
    value = body.get(name)
    if value is None:
        return default
    # `not low <= value` also refuses NaN.
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise BadRequest(f"{name} must be a number from {low:g} to {high:g}")
    return value


def _ids(value: object, name: str) -> tuple[int, ...]:
    if not isinstance(value, list) or not all(type(item) is int and item >= 0 for item in value):
        raise BadRequest(f"{name} must be a list of token ids")
    return tuple(value)


def sampling(body: Mapping[str, Any]) -> Sampling:
    """Read the sampling fields of a request. Without a limit an answer may fill the context.

    Raises:
        BadRequest: A field is of the wrong kind or out of range, or asks for several answers.
    """
    for name in ("n", "best_of"):
        if body.get(name) not in (None, 1):
            raise BadRequest(f"{name} must be 1: this engine gives one answer to a request")
    stop = body.get("stop") or []
    stops = [stop] if isinstance(stop, str) else stop
    if not isinstance(stops, list) or not all(isinstance(item, str) and item for item in stops):
        raise BadRequest("stop must be a text or a list of texts")
    seed = body.get("seed")
    if seed is not None and type(seed) is not int:
        raise BadRequest("seed must be a whole number")
    limit = "max_completion_tokens" if body.get("max_tokens") is None else "max_tokens"
    # To llama.cpp's server -1 means no limit.
    endless = body.get(limit) == -1
    return Sampling(
        # More than any context has is as good as no limit.
        max_tokens=_MOST if endless else min(_MOST, int(_number(body, limit, _MOST, 1, _LARGEST))),
        temperature=_number(body, "temperature", 0.7, 0, 100),
        # llama.cpp's seeds have 32 bits, and the highest asks it for a random one.
        seed=secrets.randbelow(2**32 - 1) if seed is None else seed % (2**32 - 1),
        stop=tuple(stops),
        stop_token_ids=frozenset(_ids(body.get("stop_token_ids") or [], "stop_token_ids")),
        top_k=int(_number(body, "top_k", 40, 0, 1_000_000)),
        top_p=_number(body, "top_p", 0.95, 0, 1),
        min_p=_number(body, "min_p", 0.05, 0, 1),
        repeat_penalty=_number(body, "repeat_penalty", 1.0, 0.01, 100),
        cache_prompt=bool(body.get("cache_prompt", False)),
        threads=int(_number(body, "threads", 0, 0, 1024)),
    )


def prompt(body: Mapping[str, Any]) -> str | tuple[int, ...]:
    """Return a completion's prompt: text, or token ids that are taken as they are.

    Raises:
        BadRequest: It is neither, or empty.
    """
    value = body.get("prompt")
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        if len(value) > 1:
            raise BadRequest("prompt must be one text: this engine answers one at a time")
        value = value[0]
    if isinstance(value, str) and value:
        return value
    ids = _ids(value, "prompt")
    if not ids:
        raise BadRequest("prompt is empty")
    return ids


def check_ids(ids: Sequence[int], context: int, vocabulary: int) -> None:
    """Check that a model can read a prompt.

    Args:
        ids: The prompt.
        context: The context window, in tokens.
        vocabulary: How many tokens the model knows.

    Raises:
        ContextExceeded: It leaves no room for an answer.
        BadRequest: It has ids that the vocabulary lacks.
    """
    if len(ids) >= context:
        raise ContextExceeded(len(ids), context)
    if max(ids) >= vocabulary:
        raise BadRequest(f"token {max(ids)} is not in the vocabulary of {vocabulary:,}")


def messages(body: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return a chat's messages, each with a role and a content.

    Content given in parts is joined where all parts are text.

    Raises:
        BadRequest: There is none, or one is not of that form.
    """
    value = body.get("messages")
    if not isinstance(value, list) or not value:
        raise BadRequest("messages must be a list with at least one message")
    return [_message(item) for item in value]


def _message(item: object) -> dict[str, str]:
    if not isinstance(item, Mapping) or item.get("role") not in ROLES:
        raise BadRequest(f"each message needs a role of {', '.join(ROLES)}")
    content = item.get("content")
    if isinstance(content, list):
        content = _joined(content)
    if not isinstance(content, str):
        raise BadRequest("each message needs a content of text")
    return {"role": str(item["role"]), "content": content}


def _joined(parts: Sequence[object]) -> str | None:
    texts = [
        part["text"]
        for part in parts
        if isinstance(part, Mapping) and isinstance(part.get("text"), str)
    ]
    return "".join(texts) if len(texts) == len(parts) else None
