"""Templates that say the same whatever a server sets."""

from __future__ import annotations

import pytest

from engine.models import Turn
from engine.tokens.pinned import pinned
from engine.tokens.template import ChatTemplate

TOKENS = {"bos_token": "<s>", "eos_token": "</s>"}
ASK = "{% for m in messages %}{{ m.role + ': ' + m.content + '\n' }}{% endfor %}"
# The ways of Llama 3.1, of DeepSeek V3.1 and Gemma 4, and of Qwen 3.
DATE = (
    '{%- if not date_string is defined %}{%- set date_string = "26 Jul 2024" %}{%- endif %}'
    "Today Date: {{ date_string }}\n"
)
OFF = "{% if enable_thinking %}<|think|>{% endif %}"
ON = "{% if enable_thinking is defined and enable_thinking is false %}<think></think>{% endif %}"


def text(template: str) -> str:
    return ChatTemplate(template, TOKENS).text([Turn("user", "Hi?")], generation_prompt=True)


@pytest.mark.parametrize(
    ("template", "server"),
    [
        (DATE + ASK, "{% set date_string = '29 Nov 2026' %}"),
        (ASK + OFF, "{% set enable_thinking = true %}"),
        ("\n" + ASK + OFF, "{% set enable_thinking = true %}"),
        (DATE + ASK + OFF, "{% set date_string, enable_thinking = '29 Nov 2026', true %}"),
    ],
)
def test_what_a_server_sets_does_not_count(template: str, server: str) -> None:
    # A variable that is set before a template is one that the server hands to it.
    assert text(server + template) != text(template)
    exported = pinned(template, TOKENS)
    assert text(server + exported) == text(exported) == text(template)


@pytest.mark.parametrize("template", [ASK, ASK + ON, "{{ raise_exception('no') }}" + OFF])
def test_a_template_that_a_server_fills_in_alike_stays_as_it_is(template: str) -> None:
    assert pinned(template, TOKENS) == template
