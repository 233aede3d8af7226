"""Derived templates, filled by Go itself, are the prompts of training."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.export.ollama.derive import derive
from engine.export.ollama.form import Form, collate
from engine.export.ollama.go import go_template
from engine.models import ROLES, Turn
from engine.tokens import Tokenizer, prompt_ids, shipped
from tests.bench.bench_templates import tokenizer_for
from tests.support.go_templates import GoTemplates
from tests.support.properties import tries

# Published templates in their forms: `[INST]` with a merged system message (Llama 2), a system
# message in the last question (Mistral v0.3), an answer that begins after a new line (Zephyr), a
# system message of the template's own (Vicuna), thoughts that are dropped.
LLAMA_2 = (
    "{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}"
    "{% set system_message = messages[0]['content'] %}{% else %}"
    "{% set loop_messages = messages %}{% set system_message = false %}{% endif %}"
    "{% for message in loop_messages %}"
    "{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('roles must alternate') }}{% endif %}"
    "{% if loop.index0 == 0 and system_message != false %}"
    "{% set content = '<<SYS>>\\n' + system_message + '\\n<</SYS>>\\n\\n' + message['content'] %}"
    "{% else %}{% set content = message['content'] %}{% endif %}"
    "{% if message['role'] == 'user' %}"
    "{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}"
    "{% elif message['role'] == 'assistant' %}"
    "{{ ' ' + content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}"
)
MISTRAL_V3 = (
    "{%- if messages[0]['role'] == 'system' %}{%- set system = messages[0]['content'] %}"
    "{%- set rest = messages[1:] %}{%- else %}{%- set rest = messages %}{%- endif %}"
    "{{- bos_token }}{%- for message in rest %}{%- if message['role'] == 'user' %}"
    "{%- if loop.last and system is defined %}"
    "{{- '[INST] ' + system + '\\n\\n' + message['content'] + '[/INST]' }}"
    "{%- else %}{{- '[INST] ' + message['content'] + '[/INST]' }}{%- endif %}"
    "{%- else %}{{- ' ' + message['content'] + eos_token}}{%- endif %}{%- endfor %}"
)
ZEPHYR = (
    "{% for message in messages %}\n{% if message['role'] == 'user' %}\n"
    "{{ '<|user|>\n' + message['content'] + eos_token }}\n"
    "{% elif message['role'] == 'system' %}\n"
    "{{ '<|system|>\n' + message['content'] + eos_token }}\n"
    "{% elif message['role'] == 'assistant' %}\n"
    "{{ '<|assistant|>\n'  + message['content'] + eos_token }}\n{% endif %}\n"
    "{% if loop.last and add_generation_prompt %}\n{{ '<|assistant|>' }}\n{% endif %}\n"
    "{% endfor %}"
)
VICUNA = (
    "{% if messages[0]['role'] == 'system' %}{% set rest = messages[1:] %}"
    "{% set start = messages[0]['content'] %}{% else %}{% set rest = messages %}"
    "{% set start = 'A chat between a curious user and an assistant.' %}{% endif %}"
    "{{ bos_token + start.strip() + '\n\n' }}{% for m in rest %}{% if m['role'] == 'user' %}"
    "{{ 'USER: ' + m['content'].strip() + '\n' }}{% else %}"
    "{{ 'ASSISTANT: ' + m['content'].strip() + eos_token + '\n' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}"
)
NAMED = {
    **{name: shipped.named(name) for name in shipped.names()},
    "llama-2": LLAMA_2,
    "mistral-v3": MISTRAL_V3,
    "zephyr": ZEPHYR,
    "vicuna": VICUNA,
}
TEMPLATES = sorted(NAMED)

HELLO = Turn("user", "Hello, how are you?")
FINE = Turn("assistant", "I'm doing great.")
MORE = Turn("user", "Show me more!")
SYSTEM = Turn("system", "You are a helpful assistant.")


@pytest.fixture(scope="module", params=TEMPLATES)
def tokenizer(request: pytest.FixtureRequest) -> Tokenizer:
    """Return a tokenizer of bytes with one of the templates."""
    return tokenizer_for(NAMED[request.param])


@pytest.fixture(scope="module")
def form(tokenizer: Tokenizer) -> Form:
    """Return the derived form, with the token that begins a text in it."""
    derived = derive(tokenizer, adds_begin=False)
    assert derived.form is not None, derived.reason
    assert not derived.notes
    return derived.form


@pytest.fixture(scope="module")
def template(form: Form) -> str:
    """Return its Go template."""
    return go_template(form)


# Ollama's documentation: docs/template.mdx (ChatML, Llama 3), docs/modelfile.mdx (the second).
@pytest.mark.parametrize(
    ("template", "turns", "text"),
    [
        (
            "{{- range .Messages }}<|im_start|>{{ .Role }}\n{{ .Content }}<|im_end|>\n"
            "{{ end }}<|im_start|>assistant\n",
            (SYSTEM, HELLO, FINE, MORE),
            "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
            "<|im_start|>user\nHello, how are you?<|im_end|>\n"
            "<|im_start|>assistant\nI'm doing great.<|im_end|>\n"
            "<|im_start|>user\nShow me more!<|im_end|>\n<|im_start|>assistant\n",
        ),
        (
            "{{ if .System }}<|im_start|>system\n{{ .System }}<|im_end|>\n{{ end }}"
            "{{ if .Prompt }}<|im_start|>user\n{{ .Prompt }}<|im_end|>\n{{ end }}"
            "<|im_start|>assistant\n",
            (SYSTEM, HELLO, FINE, MORE),
            "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
            "<|im_start|>user\nHello, how are you?<|im_end|>\n"
            "<|im_start|>assistant\nI'm doing great."
            "<|im_start|>user\nShow me more!<|im_end|>\n<|im_start|>assistant\n",
        ),
        (
            "{{ .System }}|{{ .Prompt }}|{{ .Response }}<end>",
            (HELLO, FINE, MORE),
            "|Hello, how are you?|I'm doing great.<end>|Show me more!|",
        ),
        (
            "{{ .System }};{{ range .Messages }}{{ .Role }}={{ .Content }};{{ end }}",
            (HELLO, MORE, SYSTEM, FINE, SYSTEM),
            "You are a helpful assistant.\n\nYou are a helpful assistant.;"
            "user=Hello, how are you?\n\nShow me more!;system=You are a helpful assistant.;"
            "assistant=I'm doing great.;system=You are a helpful assistant.;",
        ),
    ],
)  # fmt: skip
def test_go_fills_templates_in_ollamas_way(
    go: GoTemplates, template: str, turns: tuple[Turn, ...], text: str
) -> None:
    assert go.fill([(template, turns)]) == [text]


def test_the_ids_are_those_of_training(
    go: GoTemplates, tokenizer: Tokenizer, template: str
) -> None:
    conversations: list[tuple[Turn, ...]] = [
        (HELLO,),
        (HELLO, FINE, MORE),
        (SYSTEM, HELLO),
        (SYSTEM, HELLO, FINE, MORE),
        (SYSTEM, HELLO, FINE, MORE, FINE, HELLO, FINE, MORE),
        (Turn("system", " \u3000Ă\n"), Turn("user", "\n\n ț {{ . }} \"\"\"\t\xa0"), FINE, MORE),
        (HELLO, Turn("assistant", "  \n code:\n\n    x = {}\n"), MORE),
    ]  # fmt: skip
    texts = go.fill([(template, turns) for turns in conversations])
    for text, turns in zip(texts, conversations, strict=True):
        assert tuple(tokenizer.encode(text)) == prompt_ids(tokenizer, turns)


def test_thoughts_of_earlier_answers_are_dropped_where_training_does(
    go: GoTemplates, tokenizer: Tokenizer, template: str
) -> None:
    thinking = Turn("assistant", "<think>\nHm?\n</think>\n\nYes: </think>\nno.")
    last = Turn("user", "Last?")
    turns = (HELLO, Turn("assistant", "<think>\nHm?\n</think>\n\nYes."), MORE, thinking, last)
    expected = tokenizer.chat.text(turns[:3], generation_prompt=True)
    assert go.fill([(template, turns[:3])]) == [expected]
    if "split('</think>')" in tokenizer.template:
        text = go.fill([(template, turns)])[0]
        assert text == tokenizer.chat.text(turns, generation_prompt=True)
        assert "Hm?" not in text


@settings(max_examples=tries(10))
@given(data=st.data())
def test_go_says_what_the_form_says(
    go: GoTemplates, form: Form, template: str, data: st.DataObject
) -> None:
    contents = st.text(max_size=20) | st.text(alphabet="a \n\t\u3000\xa0</think>", max_size=40)
    turns = st.lists(st.builds(Turn, st.sampled_from(ROLES), contents), max_size=8)
    conversations = data.draw(st.lists(turns, min_size=4, max_size=8))
    texts = go.fill([(template, each) for each in conversations])
    assert texts == [form.render(each) for each in conversations]


def test_no_message_is_lost_that_has_no_place(go: GoTemplates) -> None:
    """A system message goes into the next question, as it does in training at the start."""
    turns = (HELLO, FINE, SYSTEM, MORE)
    for name in ("gemma", "mistral", "llama-2", "mistral-v3"):
        tokenizer = tokenizer_for(NAMED[name])
        form = derive(tokenizer, adds_begin=False).form
        assert form is not None
        joined = Turn("user", f"{SYSTEM.content}\n\n{MORE.content}")
        expected = tokenizer.chat.text([HELLO, FINE, joined], generation_prompt=True)
        assert go.fill([(go_template(form), turns)]) == [expected]


def test_messages_of_one_role_are_joined_before_they_are_written(go: GoTemplates) -> None:
    assert collate((HELLO, MORE, FINE)) == (
        Turn("user", "Hello, how are you?\n\nShow me more!"),
        FINE,
    )
    tools = (Turn("tool", "1"), Turn("tool", "2"))
    assert collate(tools) == tools
