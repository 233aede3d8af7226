"""What requests may say, as JSON schemas: what is checked, and what /openapi.json shows.

The fields are OpenAI's where it has them; ``top_k``, ``min_p``, ``repeat_penalty`` and
``ignore_eos`` are what llama.cpp adds, and vLLM too, whose own names :mod:`.dialects` knows. A
field that is not here reaches no engine.
"""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

MOST_CHOICES = 32
"""Answers that one request may ask for: its prompts times ``n``."""

MOST_IDS = 2**20
"""Token ids of a prompt, which is more than any model's context."""

MOST_TURNS = 10_000
"""Turns of a chat, each of which is checked by itself."""

COMPLETION_TOKENS = 512
"""Tokens of a completion that names no limit.

OpenAI's documented 16 cuts the answers of clients that know llama.cpp or Ollama, which go on; and
as a text has no turn that ends, going on to the context's end would hold a slot for long.
"""

_TEXT: Schema = {"type": "string"}
_FLAG: Schema = {"type": ["boolean", "null"]}
_NAME: Schema = {"type": "string", "pattern": r"^[A-Za-z0-9_.-]{1,64}$"}
_LONG = 2**53


def _number(low: float, high: float) -> Schema:
    return {"type": ["number", "null"], "minimum": low, "maximum": high}


def _whole(low: int, high: int) -> Schema:
    return {"type": ["integer", "null"], "minimum": low, "maximum": high}


def _either(*schemas: Schema) -> Schema:
    return {"anyOf": list(schemas)}


def _by(name: str, *schemas: Schema) -> Schema:
    """Return alternatives of which one field says which is meant."""
    return {"oneOf": list(schemas), "discriminator": {"propertyName": name}}


def _list(items: Schema, low: int, high: int) -> Schema:
    return {"type": "array", "items": items, "minItems": low, "maxItems": high}


NULL: Schema = {"type": "null"}
_TOKENS = _list({"type": "integer", "minimum": 0, "maximum": 2**31 - 1}, 1, MOST_IDS)
_PROMPTS: Schema = {
    "description": "a string, a list of strings, a list of token ids (whole numbers), or a list of "
    "such lists",
    **_either(_TEXT, _list(_TEXT, 1, MOST_CHOICES), _TOKENS, _list(_TOKENS, 1, MOST_CHOICES)),
}
_STOP: Schema = {"type": "string", "minLength": 1, "maxLength": 256}

MODEL: Schema = {"type": ["string", "null"], "maxLength": 512}

SAMPLING: dict[str, Schema] = {
    "temperature": _number(0, 2),
    "top_p": _number(0, 1),
    "top_k": _whole(0, 1_000_000),
    "min_p": _number(0, 1),
    "presence_penalty": _number(-2, 2),
    "frequency_penalty": _number(-2, 2),
    "repeat_penalty": _number(0.1, 10),
    "seed": _whole(-_LONG, _LONG),
    "logit_bias": {
        "type": ["object", "null"],
        "propertyNames": {"pattern": r"^[0-9]{1,9}$"},
        "additionalProperties": {"type": "number", "minimum": -100, "maximum": 100},
        "maxProperties": 1024,
    },
    "stop": _either(NULL, _STOP, _list(_STOP, 0, 16)),
    "max_tokens": _whole(1, 2**31 - 1),
    "ignore_eos": _FLAG,
}

STREAM: dict[str, Schema] = {
    "stream": _FLAG,
    "stream_options": {
        "type": ["object", "null"],
        "properties": {"include_usage": _FLAG},
    },
}

_PART: Schema = {
    "type": "object",
    "properties": {"type": {"enum": ["text"]}, "text": _TEXT},
    "required": ["type", "text"],
}
_READ = "the model that is served reads text alone: no images, audio or files"
_PARTS = _list({"description": _READ, **_by("type", _PART)}, 0, 1024)
_CONTENT = _either(_TEXT, _PARTS)
_CALL: Schema = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "maxLength": 256},
        "type": {"enum": ["function"]},
        "function": {
            "type": "object",
            "properties": {"name": _NAME, "arguments": _TEXT},
            "required": ["name", "arguments"],
        },
    },
    "required": ["function"],
}


def _turn(roles: list[str], required: list[str], **more: Schema) -> Schema:
    properties: dict[str, Schema] = {
        "role": {"enum": roles},
        "name": {"type": ["string", "null"], "maxLength": 256},
        "content": _CONTENT,
        **more,
    }
    return {"type": "object", "properties": properties, "required": ["role", *required]}


TURNS: tuple[Schema, ...] = (
    _turn(["system", "developer"], ["content"]),
    _turn(["user"], ["content"]),
    _turn(
        ["assistant"],
        [],
        content=_either(NULL, _TEXT, _PARTS),
        tool_calls=_either(NULL, _list(_CALL, 1, 128)),
    ),
    _turn(["tool"], ["content"], tool_call_id={"type": "string", "maxLength": 256}),
)
"""A chat's turns by their role; "developer" is OpenAI's newer word for "system"."""

_TOOL: Schema = {
    "type": "object",
    "properties": {
        "type": {"enum": ["function"]},
        "function": {
            "type": "object",
            "properties": {
                "name": _NAME,
                "description": {"type": ["string", "null"]},
                "parameters": {"type": ["object", "null"]},
                "strict": _FLAG,
            },
            "required": ["name"],
        },
    },
    "required": ["type", "function"],
}
_CHOICE = _either(
    NULL,
    {"enum": ["none", "auto", "required"]},
    {
        "type": "object",
        "properties": {
            "type": {"enum": ["function"]},
            "function": {"type": "object", "properties": {"name": _NAME}, "required": ["name"]},
        },
        "required": ["type", "function"],
    },
)
_JSON_SCHEMA: Schema = {
    "type": "object",
    "properties": {"name": _NAME, "schema": {"type": "object"}, "strict": _FLAG},
    "required": ["schema"],
}
_FORMAT: Schema = {
    "description": "null or an object whose 'type' is 'text', 'json_object' or 'json_schema'",
    **_either(
        NULL,
        _by(
            "type",
            {
                "type": "object",
                "properties": {"type": {"enum": ["text", "json_object"]}},
                "required": ["type"],
            },
            {
                "type": "object",
                "properties": {"type": {"enum": ["json_schema"]}, "json_schema": _JSON_SCHEMA},
                "required": ["type", "json_schema"],
            },
        ),
    ),
}

CHAT: Schema = {
    "type": "object",
    "properties": {
        "model": MODEL,
        "messages": _list(_by("role", *TURNS), 1, MOST_TURNS),
        "n": _whole(1, MOST_CHOICES),
        **SAMPLING,
        "max_completion_tokens": _whole(1, 2**31 - 1),
        "logprobs": _FLAG,
        "top_logprobs": _whole(0, 20),
        "response_format": _FORMAT,
        "tools": _either(NULL, _list(_TOOL, 0, 128)),
        "tool_choice": _CHOICE,
        "parallel_tool_calls": _FLAG,
        **STREAM,
    },
    "required": ["messages"],
}

COMPLETION: Schema = {
    "type": "object",
    "properties": {
        "model": MODEL,
        "prompt": _PROMPTS,
        "n": _whole(1, MOST_CHOICES),
        **SAMPLING,
        "max_tokens": {**SAMPLING["max_tokens"], "default": COMPLETION_TOKENS},
        "logprobs": _whole(0, 20),
        **STREAM,
    },
    "required": ["prompt"],
}

_INPUT: Schema = {"type": "string", "minLength": 1}
EMBEDDING: Schema = {
    "type": "object",
    "properties": {
        "model": MODEL,
        "input": {
            "description": _PROMPTS["description"],
            **_either(_INPUT, _list(_INPUT, 1, 2048), _TOKENS, _list(_TOKENS, 1, 2048)),
        },
        "encoding_format": {"enum": [None, "float", "base64"]},
    },
    "required": ["input"],
}

_PLACE: Schema = {"type": ["string", "null"], "maxLength": 4096, "pattern": r"^[^\u0000]*$"}
RELOAD: Schema = {
    "type": "object",
    "properties": {"path": _PLACE, "run": _PLACE, "quant": {**_PLACE, "maxLength": 64}},
    "additionalProperties": False,
}

REFUSED: dict[str, str] = {
    "audio": "models here write text alone",
    "modalities": "models here write text alone",
    "functions": "use tools, which has replaced it",
    "function_call": "use tool_choice, which has replaced it",
    "web_search_options": "nothing here searches the web",
    "suffix": "no text is filled in before a suffix",
    "echo": "the prompt is not given back",
    "best_of": "use n, and choose yourself",
    "dimensions": "a vector has as many dimensions as the model gives it",
    "grammar": "use response_format with a JSON schema",
    "json_schema": "use response_format with a JSON schema",
    "guided_json": "use response_format with a JSON schema",
    "guided_regex": "use response_format with a JSON schema",
    "guided_choice": "use response_format with a JSON schema",
    "guided_grammar": "use response_format with a JSON schema",
    "lora": "a server has one model; serve the run whose adapter you want",
}
"""Fields that nobody here can serve and that change an answer, with what to do instead.

Other unknown fields are ignored, as servers of this protocol do, and named in a header.
"""

HARMLESS: dict[str, tuple[Any, ...]] = {
    "modalities": (["text"],),
    "function_call": ("none",),
    "best_of": (1,),
}
"""Values with which a refused field asks for nothing."""
