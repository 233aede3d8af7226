from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.sources.marked import is_marked, opened, style_of, taken_apart

U, A, S = "user", "assistant", "system"
ONE = [(U, "q"), (A, "a")]
TWO = [(U, "q"), (A, "a"), (U, "q2"), (A, "a2")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\na<|im_end|>\n", ONE),
        ("<|im_start|>user<|im_sep|>q<|im_end|><|im_start|>assistant<|im_sep|>a<|im_end|>", ONE),
        ("<|user|>\nq</s>\n<|assistant|>\na</s>", ONE),
        ("<|user|>\nq<|end|>\n<|assistant|>\na<|end|>\n<|endoftext|>", ONE),
        ("<|prompt|>q<|endoftext|><|answer|>a<|endoftext|>", ONE),
        ("<s>[INST] q [/INST] a </s><s>[INST] q2 [/INST] a2 </s>", TWO),
        ("<s>[INST] <<SYS>>\ns\n<</SYS>>\n\nq [/INST] a </s>", [(S, "s"), *ONE]),
        ("<start_of_turn>user\nq<end_of_turn>\n<start_of_turn>model\na<end_of_turn>\n", ONE),
        (
            "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nq<|eot_id|>"
            "<|start_header_id|>assistant<|end_header_id|>\n\na<|eot_id|>",
            ONE,
        ),
        ("<｜begin▁of▁sentence｜><｜User｜>q<｜Assistant｜>a<｜end▁of▁sentence｜>", ONE),
        (
            "<|START_OF_TURN_TOKEN|><|USER_TOKEN|>q<|END_OF_TURN_TOKEN|>"
            "<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>a<|END_OF_TURN_TOKEN|>",
            ONE,
        ),
        ("[|Human|] q\n[|AI|] a\n[|Human|] q2\n[|AI|] a2", TWO),
        ("### Instruction:\nq\n\n### Response:\na", ONE),
        ("### Instruction\nq\n### Response\na", ONE),
        ("### Instruction:\nq\n\n### Input:\ni\n\n### Response:\na", [(U, "q\n\ni"), (A, "a")]),
        ("### Input:\nq\n\n### Output:\na", ONE),
        ("### Human: q### Assistant: a### Human: q2### Assistant: a2", TWO),
        ("### System:\ns\n\n### User:\nq\n\n### Assistant:\na", [(S, "s"), *ONE]),
        ("### Frage:\nq\n### Antwort:\na", ONE),
        ("### Întrebare:\nq\n### Răspuns:\na", ONE),
        ("A talk. USER: q ASSISTANT: a</s>USER: q2 ASSISTANT: a2</s>", [(S, "A talk."), *TWO]),
        ("Human: q\n\nAssistant: a\n\nHuman: q2\n\nAssistant: a2", TWO),
        ("Q: q\nA: a", ONE),
        ("[Round 1]\n\n问：q\n\n答：a", ONE),
    ],
)
def test_styles(text: str, expected: list[tuple[str, str]]) -> None:
    assert taken_apart(text) == expected


@pytest.mark.parametrize(
    "template",
    [
        "Below is an instruction that describes a task. Write a response that appropriately "
        "completes the request.",
        "Below is an instruction that describes a task, paired with an input that provides "
        "further context. Write a response that appropriately completes the request.",
    ],
)
def test_alpaca_s_own_sentence_is_no_system_turn(template: str) -> None:
    text = "\n\n### Instruction:\nq\n\n### Response:\na"
    assert taken_apart(template + text) == ONE
    assert taken_apart(f"{template} Be kind.{text}") == [(S, "Be kind."), *ONE]


def test_headings_of_an_answer_stay_in_it() -> None:
    answer = "The function takes:\n\n### Input:\na number\n\n### Output:\nits square"
    assert taken_apart(f"### Instruction:\nq\n\n### Response:\n{answer}") == [(U, "q"), (A, answer)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Prose about <|user|> and nothing else.",
        "# Title\n\n## Instruction\n\nMix the paint.",
        "He said: User: this is how you write\nAssistant: that",
        "Note: the ratio is 3:1.\nA: the first, B: the second",
        "### Response:\nan answer alone",
        "<|assistant|>\na",
    ],
)
def test_texts_without_turns(text: str) -> None:
    assert not is_marked(text)
    assert taken_apart(text) == []


def test_the_first_marker_decides_between_styles() -> None:
    text = "<|im_start|>user\nUSER: q ASSISTANT: x<|im_end|>\n<|im_start|>assistant\na<|im_end|>"
    style = style_of(text)
    assert style is not None
    assert style.name == "ChatML"
    assert taken_apart(text) == [(U, "USER: q ASSISTANT: x"), (A, "a")]


@pytest.mark.parametrize(
    "prompt",
    [
        "<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\n",
        "### Instruction:\nq\n\n### Response:\n",
        "<s>[INST] q [/INST]",
        "Human: q\n\nAssistant:",
    ],
)
def test_a_prompt_that_awaits_its_answer(prompt: str) -> None:
    assert opened(prompt) == [(U, "q")]
    assert opened(f"{prompt} a") == []


_PIECES = st.sampled_from([
    "<|im_start|>", "user", "assistant", "\n", "<|im_end|>", "<|user|>", "<|assistant|>", "[INST]",
    "[/INST]", "<<SYS>>", "<</SYS>>", "### Instruction:", "### Input:", "### Response:", "USER:",
    "ASSISTANT:", "Q:", "A:", "</s>", "x", " ", "Below is an instruction. Write.", "<|system|>",
])  # fmt: skip


@given(st.lists(_PIECES | st.text(max_size=5), max_size=30).map("".join))
def test_any_text(text: str) -> None:
    found = taken_apart(text)
    assert bool(found) == is_marked(text)
    for role, said in found:
        assert role
        assert said == said.strip()
