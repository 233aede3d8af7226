"""What requests may say: bodies, fields, and what becomes of those that nobody knows."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.gateway.face import fields
from engine.gateway.face.checks import check
from engine.gateway.face.events import Events, event
from engine.gateway.face.limits import parse
from engine.gateway.face.refusals import Refusal
from engine.gateway.face.schemas import CHAT as CHAT_SCHEMA
from tests.gateway.face.serving import Running

HELLO = [{"role": "user", "content": "hello"}]
CHAT = "/v1/chat/completions"
TEXT = "/v1/completions"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"x"',
        b"null",
        b"\xff\xfe{\x00}\x00",
        b'{"prompt": "\xc3("}',
        b'{"prompt": "x", "temperature": NaN}',
        b'{"prompt": "x", "temperature": Infinity}',
        b'{"prompt": "x", "temperature": 1e999}',
        b'{"prompt": "x", "seed": ' + b"9" * 5000 + b"}",
        b'{"prompt": "\\ud800"}',
        b'{"prompt": "x", "\\udfff": 1}',
        b"[" * 100_000,
        b'{"a":' * 5_000,
        b'{"tools": ' + b"[" * 40 + b"]" * 40 + b"}",
        b"{'prompt': 'x'}",
    ],
    ids=range(17),
)
def test_what_is_no_json_object_is_refused(server: Running, body: bytes) -> None:
    with server.client() as client:
        answer = client.post(TEXT, content=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "invalid_json"
    assert server.models.leased == 0


def test_a_body_of_any_type_is_read_as_json(server: Running) -> None:
    body = b'\xef\xbb\xbf{"prompt": "caf\\u00e9 \xf0\x9f\x90\x8b", "max_tokens": 1}'
    with server.client() as client:
        for kind in ("text/plain", "application/x-www-form-urlencoded", "application/json", ""):
            answer = client.post(TEXT, content=body, headers={"Content-Type": kind})
            assert answer.status_code == 200


def _calling(arguments: str) -> dict[str, Any]:
    function = {"name": "f", "arguments": arguments}
    return {"role": "assistant", "tool_calls": [{"id": "a", "function": function}]}


WRONG: list[tuple[str, dict[str, Any], str]] = [
    (CHAT, {}, "messages"),
    (CHAT, {"messages": []}, "messages"),
    (CHAT, {"messages": "hello"}, "messages"),
    (CHAT, {"messages": [5]}, "messages[0]"),
    (CHAT, {"messages": [{"content": "x"}]}, "messages[0].role"),
    (CHAT, {"messages": [{"role": "god", "content": "x"}]}, "messages[0].role"),
    (CHAT, {"messages": [*HELLO, {"role": "user", "content": 5}]}, "messages[1].content"),
    (CHAT, {"messages": [{"role": "user"}]}, "messages[0].content"),
    (CHAT, {"messages": [{"role": "assistant"}]}, "messages"),
    (
        CHAT,
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]},
        "messages[0].content[0].type",
    ),
    *(
        (
            CHAT,
            {"messages": [*HELLO, _calling(arguments), *HELLO]},
            "messages[1].tool_calls[0].function.arguments",
        )
        for arguments in ("not json", "{", "[1]", '{"a": NaN}', '{"a": 1e999}', '"\\ud800"')
    ),
    (CHAT, {"messages": HELLO, "temperature": 3}, "temperature"),
    (CHAT, {"messages": HELLO, "temperature": "hot"}, "temperature"),
    (CHAT, {"messages": HELLO, "temperature": True}, "temperature"),
    (CHAT, {"messages": HELLO, "max_tokens": 0}, "max_tokens"),
    (CHAT, {"messages": HELLO, "max_tokens": 1.5}, "max_tokens"),
    (CHAT, {"messages": HELLO, "max_completion_tokens": -1}, "max_completion_tokens"),
    (CHAT, {"messages": HELLO, "n": 1000}, "n"),
    (CHAT, {"messages": HELLO, "stop": ["a"] * 17}, "stop"),
    (CHAT, {"messages": HELLO, "stop": [""]}, "stop[0]"),
    (CHAT, {"messages": HELLO, "top_logprobs": 2}, "top_logprobs"),
    (CHAT, {"messages": HELLO, "stream_options": {"include_usage": True}}, "stream_options"),
    (CHAT, {"messages": HELLO, "logit_bias": {"hello": 1}}, "logit_bias"),
    (CHAT, {"messages": HELLO, "logit_bias": {"1": 1000}}, "logit_bias.1"),
    (CHAT, {"messages": HELLO, "response_format": {"type": "xml"}}, "response_format.type"),
    (
        CHAT,
        {"messages": HELLO, "response_format": {"type": "json_schema"}},
        "response_format.json_schema",
    ),
    (CHAT, {"messages": HELLO, "tools": [{"type": "code"}]}, "tools[0].type"),
    (CHAT, {"messages": HELLO, "tool_choice": "required"}, "tool_choice"),
    (CHAT, {"messages": HELLO, "functions": [{"name": "f"}]}, "functions"),
    (CHAT, {"messages": HELLO, "modalities": ["text", "audio"]}, "modalities"),
    (CHAT, {"messages": HELLO, "grammar": 'root ::= "a"'}, "grammar"),
    (TEXT, {}, "prompt"),
    (TEXT, {"prompt": None}, "prompt"),
    (TEXT, {"prompt": []}, "prompt"),
    (TEXT, {"prompt": [-1]}, "prompt[0]"),
    (TEXT, {"prompt": ["a"] * 33}, "prompt"),
    (TEXT, {"prompt": [[1]] * 33}, "prompt"),
    (TEXT, {"prompt": [1] * 50 + [True]}, "prompt[50]"),
    (TEXT, {"prompt": [1] * 50 + [1.5]}, "prompt[50]"),
    (TEXT, {"prompt": [1] * 50 + [2**31]}, "prompt[50]"),
    (TEXT, {"prompt": [[1], [1.0] * 50 + [-1]]}, "prompt[1][50]"),
    (TEXT, {"prompt": ["a"] * 9, "n": 4}, "n"),
    (TEXT, {"prompt": "x", "echo": True}, "echo"),
    (TEXT, {"prompt": "x", "suffix": "y"}, "suffix"),
    (TEXT, {"prompt": "x", "best_of": 2}, "best_of"),
    (TEXT, {"prompt": "x", "logprobs": True}, "logprobs"),
    (TEXT, {"prompt": "x", "model": 5}, "model"),
    (TEXT, {"prompt": "x", "stream": "yes"}, "stream"),
    ("/v1/embeddings", {"input": ""}, "input"),
    ("/v1/embeddings", {"input": "x", "dimensions": 5}, "dimensions"),
    ("/v1/embeddings", {"input": "x", "encoding_format": "hex"}, "encoding_format"),
]


def test_a_wrong_field_is_named(server: Running) -> None:
    with server.client() as client:
        for path, body, param in WRONG:
            answer = client.post(path, json=body)
            assert answer.status_code == 400, body
            error = answer.json()["error"]
            assert error["type"] == "invalid_request_error"
            assert error["param"] == param, body
            assert "'" in error["message"], body
    assert server.models.leased == 0


@pytest.mark.parametrize(
    ("path", "body", "param", "words"),
    [
        (
            CHAT,
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]},
            "messages[0].content[0].type",
            ["'text'", "no images"],
        ),
        (
            CHAT,
            {"messages": HELLO, "response_format": "json"},
            "response_format",
            ["'text'", "'json_object'", "'json_schema'"],
        ),
        (TEXT, {"prompt": [1.5]}, "prompt[0]", ["string", "token ids"]),
        (TEXT, {"prompt": ["a", 5]}, "prompt[1]", ["string", "token ids"]),
        (TEXT, {"prompt": 5}, "prompt", ["string", "token ids"]),
        (TEXT, {"prompt": [5] * (2**20 + 1)}, "prompt", ["at most 1048576"]),
        (CHAT, {"messages": HELLO * 10_001}, "messages", ["at most 10000"]),
        ("/v1/embeddings", {"input": [1.5]}, "input[0]", ["string", "token ids"]),
    ],
)
def test_what_is_allowed_is_said(
    server: Running, path: str, body: dict[str, Any], param: str, words: list[str]
) -> None:
    with server.client() as client:
        error = client.post(path, json=body).json()["error"]
    assert error["param"] == param
    assert all(word in error["message"] for word in words), error["message"]


@pytest.mark.parametrize("arguments", ["", "{}", '{"a": [1]}'])
def test_what_a_call_was_given_may_be_nothing(server: Running, arguments: str) -> None:
    turns = [*HELLO, _calling(arguments), *HELLO]
    with server.client() as client:
        answer = client.post(CHAT, json={"messages": turns, "max_tokens": 1})
    assert answer.status_code == 200, answer.text


def test_a_completion_without_a_limit_has_one(server: Running) -> None:
    """As /openapi.json says; ``ignore_eos`` makes a model that never ends."""
    with server.client() as client:
        document = client.get("/openapi.json").json()["components"]["schemas"]
        limit = document["CompletionRequest"]["properties"]["max_tokens"]["default"]
        assert "default" not in document["ChatRequest"]["properties"]["max_tokens"]
        for none in ({}, {"max_tokens": None}):
            answer = client.post(TEXT, json={"prompt": "x", "ignore_eos": True, **none}).json()
            assert answer["usage"]["completion_tokens"] == limit == 512
            assert answer["choices"][0]["finish_reason"] == "length"


def test_a_token_that_is_none_is_refused_and_ends_nothing(server: Running) -> None:
    with server.client() as client:
        refused = client.post(TEXT, json={"prompt": [2**31 - 1], "max_tokens": 1})
        assert refused.status_code == 400
        biased = client.post(
            TEXT, json={"prompt": [1, 2], "max_tokens": 1, "logit_bias": {"999999999": 5}}
        )
        assert biased.status_code == 200


def test_fields_that_nobody_knows_have_no_effect_and_are_named(server: Running) -> None:
    more = {"user": "me", "id_slot": 1, "cache_prompt": False, "x\r\ny": 1, "n_probs": 9}
    asked = {"prompt": "x", "max_tokens": 4, "temperature": 0}
    with server.client() as client:
        answer = client.post(TEXT, json={**asked, **more})
        same = client.post(TEXT, json=asked)
    assert answer.headers["x-ignored-fields"] == "user, id_slot, cache_prompt, n_probs, and 1 more"
    assert answer.json()["choices"] == same.json()["choices"]
    assert "x-ignored-fields" not in same.headers


def test_an_engine_is_asked_what_is_known_alone() -> None:
    """These reach another request's state in llama.cpp's server, or its process."""
    others = dict.fromkeys(
        (
            "id_slot",
            "cache_prompt",
            "n_probs",
            "post_sampling_probs",
            "return_progress",
            "samplers",
        ),
        1,
    )
    asked = fields.chat({"messages": HELLO, "model": "other", **others})
    assert asked.bodies == ({"messages": HELLO},)
    assert set(asked.ignored) == set(others)


def test_nulls_are_as_if_they_were_not_there() -> None:
    names = [name for name in CHAT_SCHEMA["properties"] if name != "messages"]
    asked = fields.chat({"messages": HELLO, **dict.fromkeys(names), "audio": None})
    assert asked.bodies == ({"messages": HELLO},)


def test_a_chat_of_every_kind_of_turn() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    turns = [
        {"role": "developer", "content": "be brief"},
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
        {"role": "assistant", "content": None, "tool_calls": [call], "audio": None},
        {"role": "tool", "tool_call_id": "c", "content": "5"},
    ]
    [body] = fields.chat({"messages": turns}).bodies
    assert body["messages"] == [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "a\nb"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "content": "5", "tool_call_id": "c"},
    ]


def test_a_tool_is_chosen_by_its_name() -> None:
    tools = [{"type": "function", "function": {"name": name}} for name in ("a", "b")]
    choice = {"type": "function", "function": {"name": "b"}}
    [body] = fields.chat({"messages": HELLO, "tools": tools, "tool_choice": choice}).bodies
    assert body["tools"] == tools[1:]
    assert body["tool_choice"] == "required"
    with pytest.raises(Refusal, match="no tool named 'c'"):
        fields.chat(
            {
                "messages": HELLO,
                "tools": tools,
                "tool_choice": {"type": "function", "function": {"name": "c"}},
            }
        )


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "items": {"type": "string"}, "minItems": 5, "maxItems": 2},
        {"type": "string", "minLength": 5, "maxLength": 2},
        {"type": "string", "minLength": 100_000},
        {"type": "string", "maxLength": -1},
        {"type": "array", "maxItems": 1e300},
        {"type": "integer", "minimum": 5, "maximum": 2},
        {"type": "string", "pattern": "^a{5,2}$"},
        {"type": "string", "pattern": "^(ab{ 99999 })$"},
        {"type": "object", "properties": {"a": {"anyOf": [{"minItems": 3, "maxItems": 1}]}}},
        {"enum": ["x" * 1000] * 40},
    ],
)
def test_a_schema_that_takes_all_memory_reaches_no_engine(schema: dict[str, Any]) -> None:
    shape = {"type": "json_schema", "json_schema": {"schema": schema}}
    with pytest.raises(Refusal) as caught:
        fields.chat({"messages": HELLO, "response_format": shape})
    assert caught.value.status == 400
    tool = {"type": "function", "function": {"name": "f", "parameters": schema}}
    with pytest.raises(Refusal):
        fields.chat({"messages": HELLO, "tools": [tool]})


def test_a_schema_that_can_be_fulfilled_is_passed_on() -> None:
    schema = {
        "type": "object",
        "properties": {
            "minItems": {"type": "integer", "minimum": -5, "maximum": 5},
            "code": {"type": "string", "pattern": r"^[a-z]{2,4}\d{3}x{1,}$"},
            "names": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 9},
        },
        "required": ["minItems"],
    }
    shape = {"type": "json_schema", "json_schema": {"schema": schema}}
    [body] = fields.chat({"messages": HELLO, "response_format": shape}).bodies
    assert body["response_format"]["json_schema"]["schema"] == schema


def test_each_of_several_answers_has_a_seed_of_its_own() -> None:
    asked = fields.completion({"prompt": [[3], [1, 2.0]], "n": 2, "seed": -1})
    assert [body["prompt"] for body in asked.bodies] == [[3], [3], [1, 2], [1, 2]]
    seeds = [body["seed"] for body in asked.bodies]
    assert len(set(seeds[:2])) == 2
    assert all(0 <= seed < 2**32 - 1 for seed in seeds)


@given(st.lists(st.text(min_size=1), min_size=1, max_size=5), st.data())
def test_events_come_out_as_they_went_in_however_they_are_cut(
    texts: list[str], data: st.DataObject
) -> None:
    written = b": comment\n\n" + b"".join(event({"t": text}) for text in texts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(written)), max_size=6)))
    events, got = Events(), []
    for start, end in zip([0, *cuts], [*cuts, len(written)], strict=True):
        got += events.feed(written[start:end])
    expected = [text.encode("utf-8", "backslashreplace").decode() for text in texts]
    assert [json.loads(one)["t"] for one in got] == expected


def test_a_body_of_very_many_parts_is_refused() -> None:
    """Each part is checked by itself, and meanwhile nobody else is answered."""
    tool = {"type": "function", "function": {"name": "f", "parameters": {"enum": [[]] * 300}}}
    with pytest.raises(Refusal, match="more than 32768 lists and objects") as caught:
        parse(json.dumps({"messages": HELLO, "tools": [tool] * 128}).encode(), 32)
    assert caught.value.code == "invalid_json"
    few = {"messages": [{"role": "user", "content": "[{" * 100_000}], "x": [[]] * 1000}
    assert parse(json.dumps(few).encode(), 32) == few


_IDS = st.lists(
    st.integers(-1, 2**31) | st.sampled_from([0.0, 7.0, 1.5, True, None, "a", 2**31 - 1, 1e300])
)


@given(_IDS | st.lists(st.integers(0, 9) | st.just(3.0), min_size=1))
def test_ids_are_looked_at_together_as_one_by_one(ids: list[Any]) -> None:
    """To JSON Schema a number without a fraction is an integer, and a boolean is none (6.1.1)."""
    schema = {"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": 2**31 - 1}}
    expected = all(type(one) in (int, float) and one % 1 == 0 and 0 <= one < 2**31 for one in ids)
    with contextlib.nullcontext() if expected else pytest.raises(Refusal, match=r"'prompt\["):
        check(ids, schema, "prompt")


@given(st.recursive(st.none() | st.floats() | st.text(), lambda inner: st.lists(inner)))
def test_whatever_is_json_is_read_or_refused(value: Any) -> None:
    body = json.dumps({"prompt": value}).encode()
    with contextlib.suppress(Refusal):
        assert parse(body, 32) == {"prompt": value}
