"""Probabilities of tokens in the form that OpenAI's older endpoint has for them."""

from __future__ import annotations

from typing import Any


def legacy(logprobs: dict[str, Any], alternatives: int, start: int = 0) -> dict[str, Any]:
    """Return a chat's ``logprobs`` as ``/v1/completions`` writes them.

    Args:
        logprobs: ``{"content": [{"token", "logprob", "top_logprobs"}, …]}``, which llama.cpp
            gives at both endpoints; another form is returned as it is.
        alternatives: How many alternatives each token comes with.
        start: Where the first token begins in the whole answer's text, in characters.
    """
    tokens = logprobs.get("content")
    if not isinstance(tokens, list):
        return logprobs
    offsets, at = [], start
    for token in tokens:
        offsets.append(at)
        at += len(token["token"])
    tops = [
        {top["token"]: top["logprob"] for top in token.get("top_logprobs", ())[:alternatives]}
        for token in tokens
    ]
    return {
        "tokens": [token["token"] for token in tokens],
        "token_logprobs": [token["logprob"] for token in tokens],
        "top_logprobs": tops if alternatives else None,
        "text_offset": offsets,
    }
