"""The chat templates of finetui's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import TemplateError
from engine.models import Turn
from engine.tokens import Tokenizer, prompt_ids, render, segments, shipped
from tests.support.tiny_base import make_tiny_base

TALK = (
    Turn("user", "Q1"),
    Turn("assistant", " A1\n"),
    Turn("user", "Q2"),
    Turn("assistant", "A2"),
)
SYSTEM = Turn("system", "Be kind.")
LLAMA = ("<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>")
PHI = ("<|system|>", "<|user|>", "<|assistant|>", "<|end|>")
CONTROL = (
    "<s>", "</s>", "<|im_start|>", "<|im_end|>", "<start_of_turn>", "<end_of_turn>", *LLAMA, *PHI,
)  # fmt: skip


def load(folder: Path, name: str) -> Tokenizer:
    base = make_tiny_base(folder, template="", control=CONTROL, eos="</s>")
    return Tokenizer.load(base, template=name)


def trained(tokenizer: Tokenizer, *turns: Turn) -> list[str]:
    return [part.text for part in segments(render(tokenizer, turns)) if part.kind == "trained"]


def test_the_families_are_there() -> None:
    assert set(shipped.names()) == {
        "chatml", "gemma", "instruction", "llama-3", "mistral", "phi-3", "qwen-2.5", "qwen-3",
        "smollm2",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "first", "last", "text"),
    [
        (
            "chatml", " A1\n<|im_end|>", "A2<|im_end|>",
            "<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\nQ1<|im_end|>\n",
        ),
        (
            "smollm2", " A1\n<|im_end|>", "A2<|im_end|>",
            "<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\nQ1<|im_end|>\n",
        ),
        (
            "qwen-2.5", " A1\n<|im_end|>", "A2<|im_end|>",
            "<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\nQ1<|im_end|>\n",
        ),
        (
            "qwen-3", " A1\n<|im_end|>", "<think>\n\n</think>\n\nA2<|im_end|>",
            "<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\nQ1<|im_end|>\n",
        ),
        (
            "llama-3", "A1<|eot_id|>", "A2<|eot_id|>",
            "<s><|start_header_id|>system<|end_header_id|>\n\nBe kind.<|eot_id|>"
            "<|start_header_id|>user<|end_header_id|>\n\nQ1<|eot_id|>",
        ),
        (
            "phi-3", " A1\n<|end|>", "A2<|end|>",
            "<|system|>\nBe kind.<|end|>\n<|user|>\nQ1<|end|>\n",
        ),
        (
            "gemma", "A1<end_of_turn>", "A2<end_of_turn>",
            "<s><start_of_turn>user\nBe kind.\n\nQ1<end_of_turn>\n<start_of_turn>model\n",
        ),
        ("mistral", " A1</s>", " A2</s>", "<s>[INST] Be kind.\n\nQ1 [/INST] A1</s>[INST] Q2"),
        (
            "instruction", "A1</s>", "A2</s>",
            "<s>Be kind.\n\n### Instruction:\nQ1\n\n### Response:\nA1</s>\n\n### Instruction:\nQ2",
        ),
    ],
)  # fmt: skip
def test_each_writes_its_form(tmp_path: Path, name: str, first: str, last: str, text: str) -> None:
    tokenizer = load(tmp_path, name)
    assert trained(tokenizer, SYSTEM, *TALK) == [first, last]
    assert trained(tokenizer, *TALK) == [first, last]
    rendered = render(tokenizer, (SYSTEM, *TALK))
    assert rendered.text.startswith(text)
    prompt = prompt_ids(tokenizer, (SYSTEM, *TALK[:-1]))
    assert rendered.ids[: len(prompt)] == prompt


@pytest.mark.parametrize("name", ["qwen-2.5", "qwen-3"])
def test_answers_of_tools_are_one_turn(tmp_path: Path, name: str) -> None:
    turns = (TALK[0], TALK[1], Turn("tool", "x"), Turn("tool", "y"), TALK[3])
    text = render(load(tmp_path, name), turns).text
    part = (
        "user\n<tool_response>\nx\n</tool_response>\n<tool_response>\ny\n</tool_response><|im_end|>"
    )
    assert part in text


@pytest.mark.parametrize("name", ["gemma", "mistral", "phi-3"])
def test_what_a_form_has_no_place_for_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(TemplateError, match=r"take turns|no place"):
        render(load(tmp_path, name), (TALK[0], TALK[1], Turn("tool", "x"), TALK[3]))


def test_a_file_of_one_s_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.jinja"
    path.write_text(
        "{% for m in messages %}{{ m.role }}> {{ m.content }}{{ eos_token }}{% endfor %}"
        "{% if add_generation_prompt %}assistant> {% endif %}"
    )
    tokenizer = load(tmp_path / "base", str(path))
    assert trained(tokenizer, *TALK) == [" A1\n</s>", "A2</s>"]


def test_a_name_or_file_that_is_none_is_a_named_error(tmp_path: Path) -> None:
    for name in ("chat-ml", str(tmp_path / "gone.jinja"), str(tmp_path)):
        with pytest.raises(TemplateError, match="no chat template") as caught:
            load(tmp_path / "base", name)
        assert "chatml" in caught.value.hint
    bad = tmp_path / "bad.jinja"
    bad.write_bytes(b"\xff\xfe{{")
    with pytest.raises(TemplateError, match="can't be read"):
        load(tmp_path / "base", str(bad))
    bad.write_bytes(b"x" * 1_000_001)
    with pytest.raises(TemplateError, match="larger than"):
        load(tmp_path / "base", str(bad))


def test_a_form_whose_control_tokens_a_base_has_not_is_refused(tmp_path: Path) -> None:
    base = make_tiny_base(tmp_path, template="", control=("<s>", "</s>"), eos="</s>")
    with pytest.raises(TemplateError, match=r"llama-3 needs <\|start_header_id") as caught:
        Tokenizer.load(base, template="llama-3")
    assert "instruction" in caught.value.hint
    assert Tokenizer.load(base, template="instruction").template == shipped.named("instruction")
