"""A whole answer made of an engine's pieces.

Engines are asked for pieces even where a client wants the whole: llama.cpp's server notices that
nobody waits any more when it writes, so a whole answer would be computed to its end for nobody.
"""

from __future__ import annotations

from typing import Any

_JOINED = ("content", "reasoning_content", "refusal")


class Assembly:
    """Pieces of one answer, put together."""

    def __init__(self) -> None:
        self._head: dict[str, Any] = {}
        self._usage: dict[str, Any] = {}
        self._timings: dict[str, Any] | None = None
        self._choice: dict[str, Any] = {"index": 0, "finish_reason": None}
        self._texts: dict[str, list[str]] = {}
        self._calls: dict[int, dict[str, Any]] = {}
        self._logprobs: list[Any] = []
        self._lists: dict[str, Any] = {}  # probabilities in the form of the older endpoint

    def feed(self, value: dict[str, Any]) -> bool:
        """Add a piece, and return whether it is one with text."""
        self._head = self._head or {
            name: value[name]
            for name in ("id", "created", "model", "system_fingerprint", "object")
            if name in value
        }
        self._usage = value.get("usage") or self._usage
        self._timings = value.get("timings") or self._timings
        choices = value.get("choices") or ()
        for choice in choices:
            self._add(choice)
        return bool(choices)

    def whole(self) -> dict[str, Any]:
        """Return the answer as an engine gives it to a request that is not streamed."""
        out = dict(self._head)
        choice = self._choice
        if "text" in self._texts:
            choice["text"] = "".join(self._texts["text"])
            choice.setdefault("logprobs", None)
        else:
            out["object"] = "chat.completion"
            choice["message"] = self._message()
        if self._logprobs or self._lists:
            choice["logprobs"] = self._lists or {"content": self._logprobs}
        out |= {"choices": [choice], "usage": self._usage}
        return out | ({"timings": self._timings} if self._timings else {})

    def _message(self) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": None}
        for name in _JOINED:
            if name in self._texts:
                message[name] = "".join(self._texts[name])
        if self._calls:
            message["tool_calls"] = [self._calls[index] for index in sorted(self._calls)]
        elif message["content"] is None:
            message["content"] = ""
        return message

    def _add(self, choice: dict[str, Any]) -> None:
        if choice.get("finish_reason"):
            self._choice["finish_reason"] = choice["finish_reason"]
        if isinstance(logprobs := choice.get("logprobs"), dict):
            if isinstance(logprobs.get("content"), list):
                self._logprobs += logprobs["content"]
            else:
                self._join(logprobs)
        if "text" in choice:
            self._texts.setdefault("text", []).append(choice["text"] or "")
        delta = choice.get("delta") or {}
        for name in _JOINED:
            if delta.get(name):
                self._texts.setdefault(name, []).append(delta[name])
        for call in delta.get("tool_calls") or ():
            self._call(call)

    def _join(self, logprobs: dict[str, Any]) -> None:
        """Add lists of what a piece's tokens have; one of them may be missing throughout."""
        for name, values in logprobs.items():
            if isinstance(values, list) and isinstance(self._lists.get(name), list):
                self._lists[name] += values
            else:
                self._lists[name] = values or self._lists.get(name)

    def _call(self, call: dict[str, Any]) -> None:
        """Add to a call of a tool, whose arguments come in pieces too."""
        known = self._calls.setdefault(
            int(call.get("index", 0)),
            {"id": "", "type": "function", "function": {"name": "", "arguments": ""}},
        )
        function = call.get("function") or {}
        known["id"] = call.get("id") or known["id"]
        known["function"]["name"] = function.get("name") or known["function"]["name"]
        known["function"]["arguments"] += function.get("arguments") or ""
