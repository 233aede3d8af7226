"""What OpenAI's own client, llm, and the router of the first sketches make of the server."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from click.testing import CliRunner
from openai.types import Completion
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from tests.gateway.face.serving import TOKEN, BareEngine, OneModel, Running, running, wait_until

HELLO = [{"role": "user", "content": "hello"}]


@pytest.fixture(scope="module")
def client(server: Running) -> Iterator[openai.OpenAI]:
    made = openai.OpenAI(base_url=f"{server.url}/v1", api_key=TOKEN, max_retries=0, timeout=60)
    with made:
        yield made


def test_chat(client: Any) -> None:
    answer = client.chat.completions.create(model="any", messages=HELLO, max_tokens=5)
    # Made again by the published types, which the client itself does not check.
    whole = ChatCompletion.model_validate(answer.model_dump(), strict=True)
    assert whole.model == "tiny:f16"
    assert whole.choices[0].finish_reason == "length"
    assert whole.choices[0].message.content
    assert whole.usage is not None
    assert whole.usage.completion_tokens == 5
    assert whole.usage.total_tokens == whole.usage.prompt_tokens + 5


def test_chat_in_pieces_is_what_it_is_as_a_whole(client: Any) -> None:
    how = {"model": "any", "messages": HELLO, "max_tokens": 12, "temperature": 0, "seed": 1}
    whole = client.chat.completions.create(**how)
    pieces = list(
        client.chat.completions.create(**how, stream=True, stream_options={"include_usage": True})
    )
    for piece in pieces:
        ChatCompletionChunk.model_validate(piece.model_dump(), strict=True)
    said = [piece.choices[0].delta.content for piece in pieces if piece.choices]
    assert "".join(text or "" for text in said) == whole.choices[0].message.content
    assert {piece.model for piece in pieces} == {"tiny:f16"}
    assert len({piece.id for piece in pieces}) == 1
    *others, last = pieces
    assert last.choices == []
    assert last.usage.completion_tokens == 12
    assert all(piece.usage is None for piece in others)


def test_chat_in_pieces_without_usage_ends_with_a_reason(client: Any) -> None:
    stream = client.chat.completions.create(model="any", messages=HELLO, max_tokens=3, stream=True)
    pieces = list(stream)
    assert pieces[-1].choices[0].finish_reason == "length"
    assert all(piece.usage is None for piece in pieces)


def test_completions_of_several_prompts_are_numbered_and_counted(client: Any) -> None:
    answer = client.completions.create(model="any", prompt=["one", "two"], n=2, max_tokens=4)
    whole = Completion.model_validate(answer.model_dump(), strict=True)
    assert [choice.index for choice in whole.choices] == [0, 1, 2, 3]
    assert whole.usage is not None
    assert whole.usage.completion_tokens == 16
    assert whole.model == "tiny:f16"


def test_several_answers_in_pieces_are_those_of_one_request(client: Any) -> None:
    stream = client.completions.create(
        model="any", prompt="x", n=3, max_tokens=4, stream=True, seed=5
    )
    pieces = list(stream)
    ended = [p.choices[0].index for p in pieces if p.choices[0].finish_reason == "length"]
    assert sorted(ended) == [0, 1, 2]
    assert len({piece.id for piece in pieces}) == 1


def test_probabilities_of_completions_have_their_own_form(client: Any) -> None:
    answer = client.completions.create(
        model="any", prompt="x", max_tokens=3, temperature=0, logprobs=2
    )
    found = answer.choices[0].logprobs
    assert found is not None
    assert found.tokens is not None
    assert "".join(found.tokens) == answer.choices[0].text
    assert found.text_offset == [0, len(found.tokens[0]), len("".join(found.tokens[:2]))]
    assert found.top_logprobs is not None
    assert [len(one) for one in found.top_logprobs] == [2, 2, 2]
    assert all(value <= 0 for value in found.token_logprobs or ())


def test_probabilities_of_chats(client: Any) -> None:
    answer = client.chat.completions.create(
        model="any", messages=HELLO, max_tokens=2, temperature=0, logprobs=True, top_logprobs=3
    )
    content = answer.choices[0].logprobs.content
    assert {len(token.top_logprobs) for token in content} == {3}


def test_a_schema_shapes_the_answer(client: Any) -> None:
    schema = {"type": "object", "properties": {"n": {"enum": [7]}}, "required": ["n"]}
    answer = client.chat.completions.create(
        model="any",
        messages=HELLO,
        max_tokens=200,
        response_format={
            "type": "json_schema",
            "json_schema": {"name": "s", "schema": {**schema, "additionalProperties": False}},
        },
    )
    assert json.loads(answer.choices[0].message.content) == {"n": 7}


def test_tools_reach_the_models_template(client: Any, engine: BareEngine) -> None:
    function = {"name": "look_up", "parameters": {"type": "object", "properties": {}}}
    tools = [{"type": "function", "function": function}]
    asked = {"messages": HELLO, "tools": tools}
    answer = client.chat.completions.create(model="any", max_tokens=1, **asked)
    prompt = engine.post("/apply-template", asked)["prompt"]
    assert "look_up" in prompt
    ids = engine.post("/tokenize", {"content": prompt, "parse_special": True})["tokens"]
    assert answer.usage.prompt_tokens == len(ids)


def test_models(client: Any) -> None:
    assert [model.id for model in client.models.list()] == ["tiny:f16"]
    assert client.models.retrieve("tiny:f16").owned_by == "finetui"
    with pytest.raises(openai.NotFoundError) as caught:
        client.models.retrieve("another")
    assert caught.value.code == "model_not_found"


def test_a_wrong_key_is_an_authentication_error(server: Running) -> None:
    wrong = openai.OpenAI(base_url=f"{server.url}/v1", api_key="wrong", max_retries=0)
    with wrong, pytest.raises(openai.AuthenticationError) as caught:
        wrong.models.list()
    assert caught.value.code == "invalid_api_key"
    assert TOKEN not in str(caught.value)


def test_a_model_without_vectors_says_so(client: Any) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.embeddings.create(model="any", input="hello")
    assert caught.value.code == "unsupported_by_model"


def test_a_client_that_waits_no_longer_is_not_computed_for(
    server: Running, engine: BareEngine
) -> None:
    engine.pause()
    try:
        client = openai.OpenAI(base_url=f"{server.url}/v1", api_key=TOKEN, max_retries=0)
        with client, pytest.raises(openai.APITimeoutError):
            client.completions.create(model="any", prompt="x", max_tokens=4000, timeout=0.2)
    finally:
        engine.go_on()
    wait_until(lambda: server.models.leased == 0 and engine.busy() == 0)


def test_a_prompt_that_is_too_long_is_named_with_both_numbers(client: Any) -> None:
    long = [{"role": "user", "content": "hello " * 5000}]
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="any", messages=long)
    assert caught.value.code == "context_length_exceeded"
    assert "4096" in caught.value.message
    assert "50" in caught.value.message
    with pytest.raises(openai.BadRequestError) as streamed:
        client.chat.completions.create(model="any", messages=long, stream=True)
    assert streamed.value.code == "context_length_exceeded"


def test_llm(server: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "extra-openai-models.yaml").write_text(
        f"- model_id: mine\n  model_name: tiny\n  api_base: {server.url}/v1\n  api_key_name: mine\n"
    )
    (tmp_path / "keys.json").write_text(json.dumps({"mine": TOKEN}))
    monkeypatch.setenv("LLM_USER_PATH", str(tmp_path))
    monkeypatch.setenv("LLM_LOAD_PLUGINS", "")  # what else is installed is not asked
    from llm.cli import cli

    asked = ["-m", "mine", "-o", "max_tokens", "6", "hello"]
    for more in ([], ["--no-stream"]):
        done = CliRunner().invoke(cli, [*asked, *more], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        assert done.output.strip()


@pytest.fixture(scope="module")
def opened(engine: BareEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Return a server as a router wants it: no token, and its prompts asked as chats."""
    folder = tmp_path_factory.mktemp("open")
    with running(OneModel([engine]), folder, open=True, instruct=True) as started:
        yield started


def _routed(server: Running, **more: object) -> http.client.HTTPResponse:
    """Ask as a browser's or Node's ``fetch`` does with a body of text and no headers."""
    prompt = "### Instruction:\nSay hello.\n\n### Response:\n"
    body = {"prompt": prompt, "temperature": 0, "max_tokens": 8, **more}
    connection = http.client.HTTPConnection("localhost", server.port, timeout=60)
    headers = {"Content-Type": "text/plain;charset=UTF-8"}
    connection.request("POST", "/v1/completions", json.dumps(body), headers)
    return connection.getresponse()


def test_the_router_of_the_sketches_works_as_it_is_written(opened: Running) -> None:
    response = _routed(opened)
    assert response.status == 200
    answer = json.loads(response.read())
    assert answer["object"] == "text_completion"
    assert answer["model"] == "tiny:f16"
    assert answer["choices"][0]["text"]
    assert answer["usage"]["completion_tokens"] == 8


def test_alpacas_prompt_is_asked_in_the_models_own_template(opened: Running, client: Any) -> None:
    question = [{"role": "user", "content": "Say hello."}]
    same = client.chat.completions.create(
        model="any",
        messages=question,
        max_tokens=8,
        temperature=0,
    )
    answer = json.loads(_routed(opened).read())
    assert answer["choices"][0]["text"] == same.choices[0].message.content
    assert same.usage is not None
    assert answer["usage"]["prompt_tokens"] == same.usage.prompt_tokens


def test_and_so_it_is_in_pieces(opened: Running) -> None:
    lines = _routed(opened, stream=True).read().decode().splitlines()
    events = [json.loads(line[6:]) for line in lines if line.startswith("data: {")]
    whole = json.loads(_routed(opened).read())
    assert {event["object"] for event in events} == {"text_completion"}
    said = "".join(event["choices"][0]["text"] for event in events)
    assert said == whole["choices"][0]["text"]
    assert lines[-2:] == ["data: [DONE]", ""]


def test_without_the_switch_the_prompt_is_a_text(server: Running) -> None:
    prompt = "### Instruction:\nSay hello.\n\n### Response:\n"
    with server.client() as http_client:
        plain = http_client.post("/v1/completions", json={"prompt": prompt, "max_tokens": 1})
        ids = server.models.engines[0].post("/tokenize", {"content": prompt, "add_special": True})
    assert plain.json()["usage"]["prompt_tokens"] == len(ids["tokens"])
