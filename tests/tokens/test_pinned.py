"""Templates that say the same whatever a server sets."""

from __future__ import annotations

import pytest

from engine.models import Turn
from engine.tokens.pinned import folding, pinned
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


GEMMA = (
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}"
    "{% endif %}{% for m in messages %}{{ '<start_of_turn>' + m.role + '\n' + m.content | trim + "
    "'<end_of_turn>\n' }}{% endfor %}"
)
LAST = (  # Mistral's way: the system message goes before the last question
    "{% if messages[0].role == 'system' %}{% set told = messages[0].content %}"
    "{% set messages = messages[1:] %}{% endif %}{% for m in messages %}"
    "{% if m.role == 'user' %}[INST]{{ told + '\n\n' if loop.last and told is defined }}"
    "{{ m.content }}[/INST]{% else %}{{ m.content }}</s>{% endif %}{% endfor %}"
)


@pytest.mark.parametrize(
    ("template", "begins"),
    [
        (GEMMA, "<start_of_turn>user\nBe brief.\n\nOne?<end_of_turn>\n"),
        ("\n" + GEMMA, "\n<start_of_turn>user\nBe brief.\n\nOne?<end_of_turn>\n"),
        (LAST, "[INST]Be brief.\n\nOne?[/INST]"),
    ],
)
def test_a_system_message_goes_before_the_first_question(template: str, begins: str) -> None:
    """As Gemma's authors advise, and as Mistral's own tokenizer did at first."""
    exported = ChatTemplate(folding(template), TOKENS)
    told, more = Turn("system", " Be brief.\n"), (Turn("assistant", "Two."), Turn("user", "Three?"))
    for turns in ((Turn("user", "One?"),), (Turn("user", "One?"), *more)):
        assert exported.text([told, *turns]).startswith(begins)
        assert "Be brief." not in exported.text([told, *turns]).removeprefix(begins)
        plain = ChatTemplate(template, TOKENS).text(turns)
        assert exported.text(turns) == exported.text([Turn("system", " "), *turns]) == plain


@pytest.mark.parametrize("template", [ASK, ASK + ON, "{{ raise_exception('no') }}" + OFF])
def test_a_template_that_a_server_fills_in_alike_stays_as_it_is(template: str) -> None:
    assert pinned(template, TOKENS) == template
