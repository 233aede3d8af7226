"""Finding a model's chat template, and the one that stands in where there is none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

# ChatML, as its users write it; for a vocabulary that has its two control tokens.
CHATML = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
# For any other vocabulary: roles as plain text, and the model's own end of text as
# the end of a turn, since that is the one token it knows to stop at.
PLAIN = (
    "{% for message in messages %}"
    "{{ '<|' + message['role'] + '|>\\n' + message['content'] + eos_token + '\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% endif %}"
)


TEMPLATE_FILES = ("chat_template.jinja", "chat_template.json", "tokenizer_config.json")
"""Where a model's directory may carry its chat template, the first that is found."""


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object; an absent, unreadable or different file is an empty one."""
    try:
        value = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def own_template(directory: Path) -> str:
    """Return the chat template that a model's directory carries; empty if none.

    The places, first match wins: ``chat_template.jinja``, ``chat_template.json``, and
    ``chat_template`` of ``tokenizer_config.json``. Where a model has several by name,
    the one called "default" is meant.
    """
    try:
        return (directory / TEMPLATE_FILES[0]).read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        pass
    for name in TEMPLATE_FILES[1:]:
        found = _chosen(read_json(directory / name).get("chat_template"))
        if found:
            return found
    return ""


def _chosen(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        named = {
            str(entry.get("name")): str(entry.get("template", ""))
            for entry in value
            if isinstance(entry, dict)
        }
        return named.get("default") or next(iter(named.values()), "")
    if isinstance(value, dict):
        return str(value.get("default") or next(iter(value.values()), ""))
    return ""


def stand_in_template(directory: Path) -> str:
    """Return the template for a model that carries none: ChatML where its vocabulary has it."""
    tokens = read_json(directory / "tokenizer.json").get("added_tokens", [])
    names = {token.get("content") for token in tokens if isinstance(token, dict)}
    return CHATML if {"<|im_start|>", "<|im_end|>"} <= names else PLAIN


def chat_template(directory: Path) -> str:
    """Return the template that all stages use for the model in a directory."""
    return own_template(directory) or stand_in_template(directory)
