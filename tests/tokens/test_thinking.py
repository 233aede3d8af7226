"""Templates that deal with thinking: what is trained is what the model writes after its prompt."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.models import Turn
from engine.tokens import Tokenizer, prompt_ids, render, segments
from engine.tokens.thinking import opening_at_end, split_thinking
from tests.support.tiny_base import make_tiny_base

CONTROL = ("<|bos|>", "<|eos|>", "<|im_start|>", "<|im_end|>")
PAIR = (Turn("user", "Q1"), Turn("assistant", "A1"))
TALK = (*PAIR, Turn("user", "Q2"), Turn("assistant", "A2"))
THOUGHT = tuple(
    Turn(t.role, f"<think>\nT{t.content}\n</think>\n\n{t.content}") if t.role == "assistant" else t
    for t in TALK
)

HEAD = "{% for message in messages %}{{ '<|im_start|>' + message.role + '\\n' }}"
TAIL = "{{ '<|im_end|>\\n' }}{% endfor %}"
STRIPPED = "{{ message.content.split('</think>')[-1].lstrip('\\n') }}"


def prompting(opening: str) -> str:
    """Return the part of a template that writes a generation prompt."""
    return (
        "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n" + opening + "' }}{% endif %}"
    )


# The prompt opens a thinking part; finished answers have lost theirs.
OPENS = HEAD + STRIPPED + TAIL + prompting("<think>\\n")
# The prompt holds an empty thinking part; finished answers have none.
CLOSES = HEAD + "{{ message.content }}" + TAIL + prompting("<think>\\n\\n</think>\\n\\n")
# The prompt opens one; finished answers show an empty one, on one line.
ONE_LINE = (
    HEAD
    + "{% if message.role == 'assistant' %}<think></think>{% endif %}{{ message.content }}"
    + TAIL
    + prompting("<think>\\n")
)
# A finished answer has a place of its own for the thinking part, under a name.
NAMED = (
    HEAD
    + "{% if message.reasoning_content %}"
    + "{{ '<seed:think>' + message.reasoning_content + '</seed:think>' }}{% endif %}"
    + "{{ message.content }}"
    + TAIL
    + prompting("")
)
# The same, but it never writes it.
NAMED_IN_VAIN = (
    HEAD + "{% if message.reasoning_content %}{% endif %}{{ message.content }}" + TAIL
    + prompting("")
)  # fmt: skip
# Earlier answers lose their thinking part when a later answer comes.
LAST_ONLY = (
    HEAD
    + "{% if loop.last %}{{ message.content }}{% else %}"
    + STRIPPED
    + "{% endif %}"
    + TAIL
    + prompting("")
)


def load(folder: Path, template: str) -> Tokenizer:
    return Tokenizer.load(
        make_tiny_base(folder, template=template, control=CONTROL, eos="<|im_end|>")
    )


def trained(tokenizer: Tokenizer, turns: tuple[Turn, ...]) -> list[str]:
    return [part.text for part in segments(render(tokenizer, turns)) if part.kind == "trained"]


@pytest.mark.parametrize(
    ("template", "plain", "thought"),
    [
        (
            OPENS,
            ["A1<|im_end|>", "\n</think>\n\nA2<|im_end|>"],
            ["A1<|im_end|>", "TA2\n</think>\n\nA2<|im_end|>"],
        ),
        (CLOSES, ["A1<|im_end|>", "A2<|im_end|>"], None),
        (
            ONE_LINE,
            ["<think></think>A1<|im_end|>", "</think>A2<|im_end|>"],
            None,
        ),
        (
            NAMED,
            ["A1<|im_end|>", "A2<|im_end|>"],
            [
                "<seed:think>TA1</seed:think>A1<|im_end|>",
                "<seed:think>TA2</seed:think>A2<|im_end|>",
            ],
        ),
        (
            NAMED_IN_VAIN,
            ["A1<|im_end|>", "A2<|im_end|>"],
            ["<think>\nTA1\n</think>\n\nA1<|im_end|>", "<think>\nTA2\n</think>\n\nA2<|im_end|>"],
        ),
        (
            LAST_ONLY,
            ["A1<|im_end|>", "A2<|im_end|>"],
            ["A1<|im_end|>", "<think>\nTA2\n</think>\n\nA2<|im_end|>"],
        ),
    ],
    ids=["opens", "closes", "one line", "named", "in vain", "last only"],
)
def test_what_is_trained(
    tmp_path: Path, template: str, plain: list[str], thought: list[str] | None
) -> None:
    tokenizer = load(tmp_path, template)
    assert trained(tokenizer, TALK) == plain
    if thought is not None:
        assert trained(tokenizer, THOUGHT) == thought


@pytest.mark.parametrize("template", [OPENS, CLOSES, ONE_LINE, NAMED, LAST_ONLY])
@pytest.mark.parametrize("turns", [PAIR, TALK], ids=["one", "two"])
def test_the_last_answer_follows_the_prompt_that_a_server_sends(
    tmp_path: Path, template: str, turns: tuple[Turn, ...]
) -> None:
    tokenizer = load(tmp_path, template)
    prompt = prompt_ids(tokenizer, turns[:-1])
    rendered = render(tokenizer, turns)
    assert rendered.ids[: len(prompt)] == prompt
    assert all(rendered.trained[len(prompt) : -1])


def test_an_answer_that_thinks_where_the_prompt_does_not_let_it_is_trained_as_it_stands(
    tmp_path: Path,
) -> None:
    tokenizer = load(tmp_path, CLOSES)
    assert trained(tokenizer, THOUGHT)[-1] == "<think>\nTA2\n</think>\n\nA2<|im_end|>"


@pytest.mark.parametrize(
    ("prompt", "opening"),
    [
        ("<|im_start|>assistant\n<think>\n", "<think>\n"),
        ("<|Assistant|><think>", "<think>"),
        ("<|Assistant|></think>", "</think>"),
        ("assistant\n<think>\n\n</think>\n\n", "<think>\n\n</think>\n\n"),
        ("<|turn>model\n<|channel>thought\n<channel|>", "<|channel>thought\n<channel|>"),
        ("<|CHATBOT_TOKEN|><|START_THINKING|>", "<|START_THINKING|>"),
        ("assistant\n", ""),
        ("say </think> assistant\n", ""),
    ],
)
def test_where_a_prompt_s_thinking_part_begins(prompt: str, opening: str) -> None:
    assert prompt[opening_at_end(prompt) :] == opening


def test_an_answer_is_taken_apart_at_its_first_thinking_part_alone() -> None:
    assert split_thinking("<think>\na\n</think>\n\nb</think>") == ("a", "b</think>")
    assert split_thinking("see <think>a</think>") == ("", "see <think>a</think>")
    assert split_thinking("<think>never closed") == ("", "<think>never closed")
    assert split_thinking("<think></think>b") == ("", "b")


words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30).filter(
    lambda text: bool(text.strip()) and "<" not in text
)


@given(words, words)
def test_thinking_and_answer_are_trained_whatever_they_say(
    tmp_path_factory: pytest.TempPathFactory, thought: str, answer: str
) -> None:
    tokenizer = load(tmp_path_factory.getbasetemp() / "opens", OPENS)
    turns = (PAIR[0], Turn("assistant", f"<think>{thought}</think>{answer}"))
    inner, outer = split_thinking(turns[1].content)
    assert trained(tokenizer, turns) == [f"{inner}\n</think>\n\n{outer.lstrip()}<|im_end|>"]
