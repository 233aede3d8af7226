"""What a request asks of an engine: its fields checked, and written anew from what is known.

No engine is given a client's own body. llama.cpp's server takes fields by which one request
reaches another's state (``id_slot``, ``cache_prompt``), and other engines have their own.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from engine.gateway.face import schemas
from engine.gateway.face.alpaca import question
from engine.gateway.face.checks import check
from engine.gateway.face.limits import parse
from engine.gateway.face.refusals import Refusal, invalid
from engine.gateway.face.shapes import check_shape
from engine.gateway.spec import Wanted

Form = Literal["chat", "completion", "instruct", "embedding"]
"""``instruct``: a completion that is asked as a chat and answered as a completion."""

PATHS: dict[Form, str] = {
    "chat": "/v1/chat/completions",
    "completion": "/v1/completions",
    "instruct": "/v1/chat/completions",
    "embedding": "/v1/embeddings",
}
_HEADER_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_NAMED = 16
_DEPTH = 32
# Fields of sampling that not every engine knows; 0, false and nothing ask for nothing.
_SOME = ("logit_bias", "presence_penalty", "frequency_penalty", "ignore_eos")
_SEEDS = 2**32 - 1  # llama.cpp's word for a random one


@dataclass(frozen=True, slots=True)
class Asked:
    """A checked request.

    Attributes:
        form: What kind it is, and so what form its answer has.
        bodies: What the engine is asked, one body an answer ("choice") in their order.
        prompts: How many prompts there are; the answers to one follow one another.
        stream: Whether the answer comes in pieces.
        usage: Whether the last piece says how many tokens there were.
        ignored: Fields that had no effect.
        logprobs: How many alternatives a completion's tokens come with; None for no probabilities.
        needs: Fields that not every engine can serve, or not for every model.
    """

    form: Form
    bodies: tuple[dict[str, Any], ...]
    prompts: int = 1
    stream: bool = False
    usage: bool = False
    ignored: tuple[str, ...] = ()
    logprobs: int | None = None
    needs: tuple[str, ...] = field(default=())

    @property
    def path(self) -> str:
        """The engine's path."""
        return PATHS[self.form]

    @property
    def param(self) -> str:
        """The field that has the request's text."""
        return {"chat": "messages", "embedding": "input"}.get(self.form, "prompt")

    @property
    def ignored_header(self) -> str:
        """The names of fields that had no effect, as a header can carry them; empty for none."""
        named = [name for name in self.ignored if _HEADER_NAME.fullmatch(name)][:_NAMED]
        rest = len(self.ignored) - len(named)
        return ", ".join([*named, *([f"and {rest} more"] if rest else [])])


def chat(body: Mapping[str, Any]) -> Asked:
    """Return what a request for a chat's next turn asks.

    Raises:
        Refusal: A field is wrong, or can't be served here.
    """
    given = _checked(body, schemas.CHAT)
    out = _sampling(given)
    if "max_completion_tokens" in given:
        out["max_tokens"] = given["max_completion_tokens"]
    out["messages"] = [
        _turn(turn, f"messages[{index}]") for index, turn in enumerate(given["messages"])
    ]
    needs = [*_tools(given, out), *_calls(out["messages"]), *_probabilities(given, out)]
    wanted = given.get("response_format", {"type": "text"})
    if wanted["type"] != "text":
        out["response_format"] = _plain(wanted)
        needs.append("response_format")
    return _asked("chat", given, body, schemas.CHAT, [out], needs)


def completion(body: Mapping[str, Any], *, instruct: bool = False) -> Asked:
    """Return what a request for the rest of a text asks.

    Args:
        body: The request.
        instruct: Whether a prompt in Alpaca's form is asked as a chat.

    Raises:
        Refusal: A field is wrong, or can't be served here.
    """
    given = _checked(body, schemas.COMPLETION)
    out, needs = {"max_tokens": schemas.COMPLETION_TOKENS, **_sampling(given)}, []
    if (logprobs := given.get("logprobs")) is not None:
        needs.append("logprobs")
    prompts = _prompts(given["prompt"])
    asked = question(prompts[0]) if instruct and len(prompts) == 1 else None
    if asked is not None:
        turns = {"messages": [{"role": "user", "content": asked}]}
        if logprobs is not None:
            out |= {"logprobs": True, "top_logprobs": max(1, logprobs)}
        return _asked(
            "instruct", given, body, schemas.COMPLETION, [out | turns], needs, logprobs=logprobs
        )
    if logprobs is not None:
        out["logprobs"] = max(1, logprobs)  # llama.cpp takes 0 for none
    bodies = [out | {"prompt": prompt} for prompt in prompts]
    return _asked("completion", given, body, schemas.COMPLETION, bodies, needs, logprobs=logprobs)


def embedding(body: Mapping[str, Any]) -> Asked:
    """Return what a request for vectors asks.

    Raises:
        Refusal: A field is wrong, or can't be served here.
    """
    given = _checked(body, schemas.EMBEDDING)
    out = {name: value for name, value in given.items() if name != "model"}
    return Asked("embedding", (out,), ignored=_ignored(body, schemas.EMBEDDING))


def wanted(body: Mapping[str, Any]) -> Wanted:
    """Return which model a request to change models asks for.

    Raises:
        Refusal: It names none, or two.
    """
    check(dict(body), schemas.RELOAD)
    given = {name: value for name, value in body.items() if value}
    if not given:
        raise invalid("Name a model: a 'path', a 'run', or a 'quant'.", code="missing_parameter")
    if "path" in given and len(given) > 1:
        raise invalid("A 'path' comes alone, without 'run' and 'quant'.", "path")
    return Wanted(**given)


def _checked(body: Mapping[str, Any], schema: schemas.Schema) -> dict[str, Any]:
    """Check a body, and return its known fields that say something."""
    for name, instead in schemas.REFUSED.items():
        value = body.get(name)
        if value and value not in schemas.HARMLESS.get(name, ()):
            raise Refusal(
                400,
                f"'{name}' is not served here: {instead}.",
                code="unsupported_parameter",
                param=name,
            )
    check(dict(body), schema)
    known = schema["properties"]
    given = {
        name: _whole(value, known[name])
        for name, value in body.items()
        if name in known and value is not None
    }
    if given.get("stream_options") and not given.get("stream"):
        raise invalid("'stream_options' goes with 'stream' alone.", "stream_options")
    for name in schema["required"]:
        if name not in given:
            raise invalid(f"'{name}' is missing.", name, "missing_parameter")
    return given


def _whole(value: Any, schema: schemas.Schema) -> Any:
    """Return 5.0 as 5 where a field is an integer; in JSON both are one."""
    return int(value) if isinstance(value, float) and "integer" in schema.get("type", ()) else value


def _ignored(body: Mapping[str, Any], schema: schemas.Schema) -> tuple[str, ...]:
    known = schema["properties"].keys() | schemas.REFUSED.keys()
    return tuple(name for name in body if name not in known)


def _asked(
    form: Form,
    given: Mapping[str, Any],
    body: Mapping[str, Any],
    schema: schemas.Schema,
    bodies: list[dict[str, Any]],
    needs: Iterable[str],
    logprobs: int | None = None,
) -> Asked:
    """Return a request with as many bodies as answers; each has a seed of its own."""
    count = given.get("n", 1)
    if len(bodies) * count > schemas.MOST_CHOICES:
        raise invalid(
            f"'n' times the number of prompts must be at most {schemas.MOST_CHOICES}.", "n"
        )
    every = [
        one | {"seed": (one["seed"] + index) % _SEEDS} if "seed" in one else one
        for one in bodies
        for index in range(count)
    ]
    return Asked(
        form,
        tuple(every),
        prompts=len(bodies),
        stream=bool(given.get("stream")),
        usage=bool((given.get("stream_options") or {}).get("include_usage")),
        ignored=_ignored(body, schema),
        logprobs=logprobs,
        needs=(*needs, *(name for name in _SOME if given.get(name))),
    )


def _sampling(given: Mapping[str, Any]) -> dict[str, Any]:
    out = {name: given[name] for name in schemas.SAMPLING if name in given}
    if "seed" in out:
        out["seed"] %= _SEEDS
    if "logit_bias" in out:
        out["logit_bias"] = {str(int(key)): bias for key, bias in out["logit_bias"].items()}
    return out


def _prompts(prompt: Any) -> list[Any]:
    """Return one or several prompts as a list; a prompt is a text or a list of token ids."""
    if isinstance(prompt, str):
        return [prompt]
    if isinstance(prompt[0], int | float):
        return [_ids(prompt)]
    return [one if isinstance(one, str) else _ids(one) for one in prompt]


def _ids(tokens: list[float]) -> list[int]:
    return list(map(int, tokens))


def _turn(turn: Mapping[str, Any], place: str) -> dict[str, Any]:
    role = turn["role"]
    out: dict[str, Any] = {"role": "system" if role == "developer" else role}
    content = turn.get("content")
    if isinstance(content, list):
        content = "\n".join(part["text"] for part in content)
    calls = [_call(call, index, place) for index, call in enumerate(turn.get("tool_calls") or ())]
    if content is None and not calls:
        raise invalid(
            "A turn of the assistant needs 'content' or 'tool_calls'.",
            "messages",
            "missing_parameter",
        )
    out["content"] = content
    if calls:
        out["tool_calls"] = calls
    for name in ("name", "tool_call_id"):
        if turn.get(name) and (name == "name" or role == "tool"):
            out[name] = turn[name]
    return out


def _calls(turns: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the path of the first turn's calls of tools."""
    found = (index for index, turn in enumerate(turns) if "tool_calls" in turn)
    return [f"messages[{index}].tool_calls" for index in itertools.islice(found, 1)]


def _call(call: Mapping[str, Any], index: int, place: str) -> dict[str, Any]:
    """Return a call of a function; templates read its arguments, which no call has to have."""
    arguments = call["function"]["arguments"].strip() or "{}"
    try:
        parse(arguments.encode(), _DEPTH)
    except Refusal:
        name = f"{place}.tool_calls[{index}].function.arguments"
        raise invalid(f"'{name}' must be a JSON object written as a string.", name) from None
    function = {"name": call["function"]["name"], "arguments": arguments}
    return {"id": call.get("id") or f"call_{index}", "type": "function", "function": function}


def _tools(given: Mapping[str, Any], out: dict[str, Any]) -> list[str]:
    """Write what tools there are; llama.cpp knows no choice of one by its name."""
    for index, tool in enumerate(given.get("tools", ())):
        if parameters := tool["function"].get("parameters"):
            check_shape(parameters, f"tools[{index}].function.parameters")
    tools: list[dict[str, Any]] = [
        {
            "type": "function",
            "function": {
                name: tool["function"][name]
                for name in ("name", "description", "parameters", "strict")
                if tool["function"].get(name) is not None
            },
        }
        for tool in given.get("tools", ())
    ]
    choice = given.get("tool_choice", "auto")
    if isinstance(choice, dict):
        name = choice["function"]["name"]
        tools = [tool for tool in tools if tool["function"]["name"] == name]
        if not tools:
            raise invalid(f"There is no tool named {name!r}.", "tool_choice.function.name")
        choice = "required"
    if choice == "required" and not tools:
        raise invalid("'tool_choice' asks for a tool, and there are none.", "tool_choice")
    if not tools or choice == "none":
        return []
    out |= {"tools": tools, "tool_choice": choice}
    if "parallel_tool_calls" in given:
        out["parallel_tool_calls"] = given["parallel_tool_calls"]
    return ["tools"]


def _probabilities(given: Mapping[str, Any], out: dict[str, Any]) -> list[str]:
    if given.get("top_logprobs") and not given.get("logprobs"):
        raise invalid("'top_logprobs' goes with 'logprobs' alone.", "top_logprobs")
    if not given.get("logprobs"):
        return []
    out |= {"logprobs": True, "top_logprobs": max(1, given.get("top_logprobs", 0))}
    return ["logprobs"]


def _plain(wanted: Mapping[str, Any]) -> dict[str, Any]:
    if wanted["type"] == "json_object":
        return {"type": "json_object"}
    given = wanted["json_schema"]
    check_shape(given["schema"], "response_format.json_schema.schema")
    named = {"name": given.get("name") or "answer", "schema": given["schema"]}
    strict = {"strict": True} if given.get("strict") else {}
    return {"type": "json_schema", "json_schema": named | strict}
