"""Requests are read strictly, and stop texts are found across any cutting."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.gateway.face.schemas import SAMPLING
from engine.serve import protocol
from engine.serve.generation import StopScanner
from engine.serve.protocol import BadRequest


@pytest.mark.parametrize(
    "body",
    [
        {"max_tokens": 0},
        {"max_tokens": 2**31},
        {"max_tokens": "many"},
        {"max_tokens": True},
        {"temperature": -1},
        {"temperature": float("nan")},
        {"seed": "x"},
        {"seed": 1.5},
        {"stop": 3},
        {"stop": [""]},
        {"stop_token_ids": [-1]},
        {"stop_token_ids": [True]},
        {"top_p": 2},
        {"n": 2},
        {"best_of": 3},
    ],
)
def test_fields_out_of_range_are_refused(body: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        protocol.sampling(body)


def test_defaults_and_both_names_of_the_limit() -> None:
    # Without a limit an answer may fill the context, as with llama.cpp's server.
    assert protocol.sampling({}).max_tokens == protocol.sampling({"max_tokens": -1}).max_tokens
    assert protocol.sampling({}).max_tokens >= 1_000_000
    assert protocol.sampling({"max_completion_tokens": 9}).max_tokens == 9
    # The gateway's own description allows as much.
    largest = SAMPLING["max_tokens"]["maximum"]
    assert largest == 2**31 - 1
    assert protocol.sampling({"max_tokens": largest}).max_tokens >= 1_000_000
    assert protocol.sampling({"stop": "end"}).stop == ("end",)
    assert 0 <= protocol.sampling({"seed": -1}).seed < 2**32 - 1


@pytest.mark.parametrize("value", [None, "", [], ["a", "b"], [""], [1.5], [-1], {"a": 1}])
def test_prompts_of_another_kind_are_refused(value: object) -> None:
    with pytest.raises(BadRequest):
        protocol.prompt({"prompt": value})


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        ["hello"],
        [{"role": "poet", "content": "x"}],
        [{"role": "user"}],
        [{"role": "user", "content": [{"type": "image_url"}]}],
    ],
)
def test_messages_of_another_kind_are_refused(value: object) -> None:
    with pytest.raises(BadRequest):
        protocol.messages({"messages": value})


def test_content_in_parts_is_joined() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    body = {"messages": [{"role": "user", "content": parts}]}
    assert protocol.messages(body) == [{"role": "user", "content": "ab"}]


@given(
    st.text(alphabet="abx", max_size=30),
    st.lists(st.text(alphabet="abx", min_size=1, max_size=4), min_size=1, max_size=3),
    st.lists(st.integers(0, 30), max_size=6),
)
def test_stop_texts_are_found_across_any_cutting(
    text: str, stops: list[str], cuts: list[int]
) -> None:
    places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    scanner = StopScanner(stops)
    shown = ""
    for start, end in itertools.pairwise(places):
        shown += scanner.feed(text[start:end])
        if scanner.stopped:
            break
    else:
        shown += scanner.rest()
    found = [index for stop in stops if (index := text.find(stop)) >= 0]
    # Pieces end a scan as soon as one stop text is whole, which may hide a longer, earlier one.
    ends = [text.find(stop) + len(stop) for stop in stops if stop in text]
    if not found:
        assert shown == text
    else:
        assert scanner.stopped
        assert text.startswith(shown)
        assert len(shown) <= min(ends)
        assert not any(stop in shown for stop in stops)
