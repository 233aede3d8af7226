"""Pieces of answers put together, or passed on, as clients have to find them."""

from __future__ import annotations

import json
from typing import Any

from openai.types import Completion

from engine.gateway.face.assemble import Assembly
from engine.gateway.face.fields import completion
from engine.gateway.face.reply import Reply
from tests.gateway.face.serving import Running


def _event(text: str, logprobs: dict[str, Any] | None, reason: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "text": text, "logprobs": logprobs, "finish_reason": reason}
    head = {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "m"}
    return {**head, "choices": [choice]}


def test_probabilities_that_come_in_pieces_are_all_in_the_whole() -> None:
    """vLLM's pieces of a completion have the form that OpenAI's older endpoint has.

    ``text_offset`` goes on from piece to piece there.
    """
    pieces = [
        _event(
            "A b",
            {
                "tokens": ["A", " b"],
                "token_logprobs": [-0.1, -0.5],
                "top_logprobs": [{"A": -0.1}, {" b": -0.5, " c": -1.0}],
                "text_offset": [0, 1],
            },
        ),
        _event("", None),
        _event(
            "!",
            {
                "tokens": ["!"],
                "token_logprobs": [-2.0],
                "top_logprobs": [{"!": -2.0}],
                "text_offset": [3],
            },
            "stop",
        ),
    ]
    assembly = Assembly()
    for piece in pieces:
        assembly.feed(piece)
    assembly.feed(
        {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 3, "total_tokens": 4}}
    )
    asked = completion({"prompt": "x", "logprobs": 2})
    whole = Reply(asked, "m").whole([assembly.whole()])
    (choice,) = Completion.model_validate(whole).choices
    found = choice.logprobs
    assert found is not None
    assert (found.tokens, found.token_logprobs) == (["A", " b", "!"], [-0.1, -0.5, -2.0])
    assert found.top_logprobs == [{"A": -0.1}, {" b": -0.5, " c": -1.0}, {"!": -2.0}]
    assert found.text_offset == [0, 1, 3]
    assert choice.text == "A b!"


def test_without_alternatives_there_are_none_in_the_whole() -> None:
    assembly = Assembly()
    for token in ("a", "b"):
        lists = {"tokens": [token], "token_logprobs": [-1.0], "text_offset": [0]}
        assembly.feed(_event(token, {**lists, "top_logprobs": None}))
    logprobs = assembly.whole()["choices"][0]["logprobs"]
    assert logprobs["tokens"] == ["a", "b"]
    assert logprobs["top_logprobs"] is None


def test_offsets_go_on_through_the_pieces_of_each_answer(server: Running) -> None:
    """As in OpenAI's streams: where each token begins in the whole text."""
    body = {"prompt": "x", "n": 2, "max_tokens": 5, "logprobs": 1, "temperature": 0}
    texts: dict[int, str] = {}
    offsets: dict[int, list[int]] = {}
    expected: dict[int, list[int]] = {}
    with server.client() as client:
        whole = client.post("/v1/completions", json=body).json()
        lines = client.post("/v1/completions", json={**body, "stream": True}).text.splitlines()
    for line in lines:
        if not line.startswith("data: {"):
            continue
        for choice in json.loads(line[6:])["choices"]:
            index, logprobs = choice["index"], choice.get("logprobs") or {}
            for token, offset in zip(
                logprobs.get("tokens", ()), logprobs.get("text_offset", ()), strict=True
            ):
                expected.setdefault(index, []).append(len(texts.get(index, "")))
                offsets.setdefault(index, []).append(offset)
                texts[index] = texts.get(index, "") + token
    assert offsets == expected
    assert [len(offsets[index]) for index in (0, 1)] == [5, 5]
    for choice in whole["choices"]:
        assert choice["logprobs"]["text_offset"] == offsets[choice["index"]]
        assert choice["text"] == texts[choice["index"]]
