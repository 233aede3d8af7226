"""Templates as models have them: each shape that needs care, in a few lines of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import TemplateError
from engine.models import Role, Turn
from engine.tokens import Tokenizer, prompt_ids, render, segments
from tests.support.tiny_base import make_tiny_base

GEMMA = """{{ bos_token }}{% if messages[0]['role'] == 'system' %}
{{ raise_exception('System role not supported') }}{% endif %}{% for message in messages %}
{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}
{{ raise_exception('Conversation roles must alternate') }}{% endif %}
{% set role = 'model' if message['role'] == 'assistant' else message['role'] %}
{{ '<start_of_turn>' + role + '\\n' + message['content'] | trim + '<end_of_turn>\\n' }}
{% endfor %}{% if add_generation_prompt %}{{ '<start_of_turn>model\\n' }}{% endif %}"""

# The system message goes into the last question, which rewrites earlier ones.
MISTRAL = """{{ bos_token }}{% if messages[0].role == 'system' %}
{% set system = messages[0].content %}{% set messages = messages[1:] %}{% endif %}
{%- for message in messages %}{% if message.role == 'user' %}
{%- if system is defined and loop.index0 >= (messages | length) - 2 and
       (loop.last or loop.index0 == (messages | length) - 2) -%}
{{ '[INST] ' + system + '\\n\\n' + message.content + '[/INST]' }}
{%- else %}{{ '[INST] ' + message.content + '[/INST]' }}{% endif %}
{%- else %}{{ ' ' + message.content + eos_token }}{% endif %}{% endfor %}"""

# The end of text stands after the last turn alone.
PHI = """{% for message in messages %}
{{ '<|' + message['role'] + '|>\\n' + message['content'] + '<|end|>\\n' }}{% endfor %}
{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% else %}{{ eos_token }}{% endif %}"""

# An empty thinking part before the last answer, which earlier answers lose.
QWEN = """{% for message in messages %}
{{ '<|im_start|>' + message.role + '\\n' }}
{%- if message.role == 'assistant' and loop.last %}{{ '<think>\\n\\n</think>\\n\\n' }}{% endif %}
{{- message.content + '<|im_end|>\\n' }}{% endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"""

# A thinking part is opened for the model, which a finished answer doesn't have.
THINKING = """{% for message in messages %}
{{ '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}{% endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n<think>\\n' }}{% endif %}"""

# The last answer ends otherwise than earlier ones.
RETURNING = """{% for message in messages %}{{ '<|im_start|>' + message.role + '\\n' +
message.content }}
{{- eos_token if loop.last and message.role == 'assistant' else '<|im_end|>' }}{% endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"""

# Only white space ends a turn.
BARE = """{% for message in messages %}{{ message.role + ': ' + message.content + '\\n\\n' }}
{%- endfor %}{% if add_generation_prompt %}{{ 'assistant:' }}{% endif %}"""

MARKED = """{% for message in messages %}{{ '<|im_start|>' + message.role + '\\n' }}
{%- if message.role == 'assistant' %}{% generation %}{{ message.content + '<|im_end|>' }}
{%- endgeneration %}{% else %}{{ message.content + '<|im_end|>' }}{% endif %}{{ '\\n' }}
{%- endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"""

CONTROL = ("<|bos|>", "<|eos|>", "<|im_start|>", "<|im_end|>", "<|end|>", "<end_of_turn>")

PAIR = (Turn("user", "Q1"), Turn("assistant", "A1"))
TALK = (*PAIR, Turn("user", "Q2"), Turn("assistant", "A2"))
SYSTEM = Turn("system", "Be kind.")


def load(folder: Path, template: str) -> Tokenizer:
    return Tokenizer.load(make_tiny_base(folder, template=template, control=CONTROL, eos="<|eos|>"))


def trained(tokenizer: Tokenizer, turns: tuple[Turn, ...]) -> list[str]:
    return [part.text for part in segments(render(tokenizer, turns)) if part.kind == "trained"]


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        (GEMMA, ["A1<end_of_turn>", "A2<end_of_turn>"]),
        (MISTRAL, [" A1<|eos|>", " A2<|eos|>"]),
        (PHI, ["A1<|end|>", "A2<|end|>"]),
        (QWEN, ["A1<|im_end|>", "<think>\n\n</think>\n\nA2<|im_end|>"]),
        (BARE, [" A1\n\n", " A2\n\n"]),
        (MARKED, ["A1<|im_end|>", "A2<|im_end|>"]),
    ],
    ids=["gemma", "mistral", "phi", "qwen", "bare", "marked"],
)
def test_answers_and_their_ends_are_found(
    tmp_path: Path, template: str, expected: list[str]
) -> None:
    tokenizer = load(tmp_path, template)
    assert trained(tokenizer, TALK) == expected
    assert len(trained(tokenizer, PAIR)) == 1


@pytest.mark.parametrize("template", [GEMMA, MISTRAL], ids=["refuses", "moves"])
def test_a_system_message_that_a_template_can_not_keep_goes_into_the_question(
    tmp_path: Path, template: str
) -> None:
    tokenizer = load(tmp_path, template)
    assert tokenizer.folds_system
    rendered = render(tokenizer, (SYSTEM, *TALK))
    assert "Be kind.\n\nQ1" in rendered.text
    assert rendered.text.count("Be kind.") == 1
    prompt = prompt_ids(tokenizer, (SYSTEM, *TALK[:-1]))
    assert rendered.ids[: len(prompt)] == prompt


@pytest.mark.parametrize("template", [PHI, QWEN, BARE, MARKED], ids=["phi", "qwen", "bare", "m"])
def test_a_system_message_stays_where_the_template_has_a_place(
    tmp_path: Path, template: str
) -> None:
    tokenizer = load(tmp_path, template)
    assert not tokenizer.folds_system
    assert tokenizer.prepared((SYSTEM, *PAIR)) == (SYSTEM, *PAIR)
    assert trained(tokenizer, (SYSTEM, *TALK))[-1].startswith(trained(tokenizer, TALK)[-1][:4])


def test_an_empty_system_message_is_left_out_where_it_would_be_folded(tmp_path: Path) -> None:
    tokenizer = load(tmp_path, GEMMA)
    assert tokenizer.prepared((Turn("system", " "), *PAIR)) == PAIR


def test_an_answer_s_end_that_differs_for_the_last_one_is_found(tmp_path: Path) -> None:
    tokenizer = load(tmp_path, RETURNING)
    assert trained(tokenizer, PAIR) == ["A1<|eos|>"]
    assert trained(tokenizer, TALK) == ["A1<|im_end|>", "A2<|eos|>"]


def test_a_template_that_rewrites_all_that_was_said_is_refused(tmp_path: Path) -> None:
    # The text says before each message how long the conversation is.
    template = "{% for m in messages %}{{ loop.length ~ m.content }}{% endfor %}"
    with pytest.raises(TemplateError, match="rewrites"):
        render(load(tmp_path, template), TALK)


@pytest.mark.parametrize("answer", ["e", "end", "|", "<", "im_end", "Q1", "user", "\n\ne"])
@pytest.mark.parametrize("template", [PHI, RETURNING, BARE, MARKED])
def test_an_answer_that_is_part_of_the_marks_or_the_question(
    tmp_path: Path, template: str, answer: str
) -> None:
    tokenizer = load(tmp_path, template)
    expected = [
        text.replace("A1", answer).replace("A2", answer) for text in trained(tokenizer, TALK)
    ]
    turns = tuple(Turn(t.role, answer) if t.role == "assistant" else t for t in TALK)
    assert trained(tokenizer, turns) == expected


def test_control_tokens_in_a_row_are_trained_up_to_the_one_that_ends(tmp_path: Path) -> None:
    template = BARE.replace(
        "message.content + '\\n\\n'", "message.content + '<|end|><|eos|><|bos|>'"
    )
    assert trained(load(tmp_path, template), PAIR) == [" A1<|end|><|eos|>"]


@pytest.mark.parametrize("role", ["tool", "system"])
def test_a_message_that_a_template_drops_is_noticed(tmp_path: Path, role: Role) -> None:
    template = MARKED.replace(
        "{% for message in messages %}",
        f"{{% for message in messages if message.role != '{role}' %}}",
    )
    tokenizer = load(tmp_path, template)
    turns = (PAIR[0], Turn(role, "the weather: rain"), PAIR[1])
    with pytest.raises(TemplateError, match=f"leaves the {role} message out"):
        render(tokenizer, turns)


def test_a_template_s_own_refusal_is_passed_on(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match="roles must alternate") as caught:
        render(load(tmp_path, GEMMA), (PAIR[0], PAIR[0], PAIR[1]))
    assert "take turns" in caught.value.hint


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{% for message in %}", "can't be read"),
        ("{{ messages[0].role + 3 }}", "fails"),
        ("{{ messages[9].role }}", "refuses"),
        ("{{ ''.__class__.__mro__[1].__subclasses__() }}", "refuses"),
    ],
    ids=["syntax", "type", "undefined", "unsafe"],
)
def test_a_broken_template_is_a_named_error(tmp_path: Path, template: str, message: str) -> None:
    with pytest.raises(TemplateError, match=message):
        render(load(tmp_path, template), PAIR)


def test_a_template_can_use_what_models_templates_use(tmp_path: Path) -> None:
    template = (
        "{{ bos_token }}{% for message in messages %}{% if loop.index0 > 5 %}{% break %}{% endif %}"
        "{{ {'ü<': message.content} | tojson }}{% endfor %}"
        "{{ strftime_now('%Y') | length }}{{ tools is none }}{{ add_generation_prompt }}"
    )
    text = load(tmp_path, template).chat.text([Turn("user", "x")])
    assert text == '<|bos|>{"ü<": "x"}4TrueFalse'


LONG = "{{ 'x' * 100000 }}"
ROUNDS = "{% for i in range(90000) %}{% for j in range(90000) %}{% endfor %}{% endfor %}"


@pytest.mark.parametrize(
    ("template", "message"),
    [
        (ROUNDS, "loops without end"),
        ("{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}", "recursion|loops"),
        ("{% for i in range(10 ** 9) %}x{% endfor %}", "Range too big"),
        ("{{ 'x' * 10 ** 9 }}", "too long"),
        ("{{ [1] * 10 ** 9 }}", "too long"),
        ("{{ 9 ** (9 ** 9) }}", "too large"),
        ("{{ '%900000000d' % 1 }}", "too long"),
        ("{% for i in range(9000) %}" + LONG + "{% endfor %}", "without end"),
        ("{{ raise_exception('no') }}", "refuses the conversation: no"),
        ("x" * 1_000_001, "1,000,001 characters"),
    ],
    ids=["loops", "macro", "range", "text", "list", "power", "wide", "output", "raises", "huge"],
)
def test_a_template_that_would_work_for_ever_is_stopped(
    tmp_path: Path, template: str, message: str
) -> None:
    with pytest.raises(TemplateError, match=message):
        render(load(tmp_path, template), PAIR)


def test_counting_rounds_changes_no_text(tmp_path: Path) -> None:
    template = (
        "{% macro twice(text) %}{{ text }}{{ text }}{% endmacro %}"
        "{%- for message in messages if message.role != 'system' -%}"
        "{{ loop.index }}{{ twice(message.content) }}{{ '%03d' % loop.index }}"
        "{%- if loop.last %}{% break %}{% endif %}{% else %}nothing{% endfor %}"
    )
    chat = load(tmp_path, template).chat
    assert chat.text(PAIR) == "1Q1Q10012A1A1002"
    assert chat.text([]) == "nothing"
