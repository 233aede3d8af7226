"""An engine's answer as a client is given it: the model's name, the form, and the counts."""

from __future__ import annotations

import json
from typing import Any

from engine.gateway.face.events import DONE, event
from engine.gateway.face.fields import Asked
from engine.gateway.face.probabilities import legacy
from engine.gateway.face.translate import refused

_KEPT = (
    "id",
    "object",
    "created",
    "model",
    "system_fingerprint",
    "choices",
    "data",
    "usage",
    "timings",
)


class Reply:
    """Makes one answer of what the engine said to one or several questions.

    Args:
        asked: The request.
        model: The name of the model that answers.

    Attributes:
        begun: Whether a piece of it has been made.
        tokens: Tokens written, as far as known.
    """

    def __init__(self, asked: Asked, model: str) -> None:
        self.begun = False
        self.tokens = 0
        self._asked = asked
        self._model = model
        self._several = len(asked.bodies) > 1
        # Where an event has to be written anew, whatever it says.
        self._anew = self._several or asked.usage or asked.form == "instruct"
        self._anew = self._anew or asked.logprobs is not None
        self._head: dict[str, Any] = {}
        self._same: dict[str, Any] = {}  # what several answers have in common
        self._usage: dict[int, dict[str, Any]] = {}
        self._lengths: dict[int, int] = {}  # of the answers whose tokens have probabilities
        self._timings: dict[str, Any] | None = None
        # The event that ends an answer waits for the counts, which some engines send after it.
        self._end: dict[str, Any] | None = None

    @property
    def prompt_tokens(self) -> int:
        """Tokens read; a prompt with several answers counts once."""
        each = len(self._asked.bodies) // self._asked.prompts
        return sum(
            int(usage.get("prompt_tokens") or 0)
            for index, usage in self._usage.items()
            if index % each == 0
        )

    def whole(self, values: list[dict[str, Any]]) -> dict[str, Any]:
        """Return the answer to a request that is not streamed; one value a question."""
        if self._asked.form == "embedding":
            self._count(0, values[0].get("usage") or {})
            return {name: values[0][name] for name in _KEPT if name in values[0]} | {
                "model": self._model
            }
        choices = []
        for index, value in enumerate(values):
            self._count(index, value.get("usage") or {})
            for choice in value.get("choices") or ():
                choices.append(self._choice(choice, index))
        out = {**self._written(values[0], choices), "usage": self._sum()}
        if self._several:
            out.pop("timings", None)
        return out

    def piece(self, data: bytes, index: int) -> bytes:
        """Return an engine's event as the client is given it; empty for what it is not given.

        Raises:
            Refusal: The engine says that it failed.
        """
        value = json.loads(data)
        if not isinstance(value, dict):
            return b""
        if "error" in value:
            raise refused(500, data, self._asked.param)
        usage, choices = value.get("usage"), value.get("choices")
        if usage:
            self._count(index, usage)
            self._timings = value.pop("timings", None) or self._timings
            del value["usage"]
        elif choices:
            self.tokens += 1
        self._head = value
        if not choices:
            return b""
        self.begun = True
        ends = any(choice.get("finish_reason") for choice in choices)
        if not ends and not self._anew and value.get("model") == self._model:
            return b"data: " + data + b"\n\n"
        out = self._written(value, [self._choice(choice, index) for choice in choices])
        if self._asked.usage:
            out["usage"] = None
        elif ends and not self._several:
            self._end = out
            return b""
        return event(out)

    def last(self) -> bytes:
        """Return the end of a stream, with the counts where they were asked for."""
        out = self._end
        if self._asked.usage:
            out = {**self._written(self._head, []), "usage": self._sum()}
        if out is None:
            return DONE
        if self._timings and not self._several:
            out["timings"] = self._timings
        return event(out) + DONE

    def _written(self, value: dict[str, Any], choices: list[dict[str, Any]]) -> dict[str, Any]:
        """Return a value of an engine's with what clients are given of it."""
        out = {name: value[name] for name in _KEPT if name in value}
        out |= {"model": self._model, "choices": choices}
        if self._several:
            self._same = self._same or {
                name: out[name] for name in ("id", "created") if name in out
            }
            out |= self._same
        if self._asked.form == "instruct":
            out["object"] = "text_completion"
        return out

    def _count(self, index: int, usage: dict[str, Any]) -> None:
        self._usage[index] = usage
        known = [int(one.get("completion_tokens") or 0) for one in self._usage.values()]
        if len(self._usage) == len(self._asked.bodies):
            self.tokens = sum(known)

    def _sum(self) -> dict[str, Any]:
        if not self._several:
            return self._usage.get(0, {})
        written = sum(int(one.get("completion_tokens") or 0) for one in self._usage.values())
        read = self.prompt_tokens
        return {
            "prompt_tokens": read,
            "completion_tokens": written,
            "total_tokens": read + written,
        }

    def _choice(self, choice: dict[str, Any], index: int) -> dict[str, Any]:
        choice["index"] = index
        if self._asked.form == "instruct":
            said = choice.pop("message", None) or choice.pop("delta", None) or {}
            choice["text"] = said.get("content") or ""
            choice.setdefault("logprobs", None)
        if self._asked.logprobs is not None and choice.get("logprobs"):
            start = self._lengths.get(index, 0)
            listed = legacy(choice["logprobs"], self._asked.logprobs, start)
            choice["logprobs"] = listed
            self._lengths[index] = start + sum(map(len, listed.get("tokens") or ()))
        return choice
