from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import BaseInvalid, TemplateError
from engine.models import Turn
from engine.tokens import (
    IGNORED,
    Rendered,
    Tokenizer,
    control_tokens_in_content,
    prompt_ids,
    render,
    segments,
)
from engine.tokens.template import ChatTemplate
from tests.support.tiny_base import make_tiny_base

QUESTION, ANSWER = Turn("user", "Where?"), Turn("assistant", "There.")


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    return Tokenizer.load(make_tiny_base(tmp_path_factory.mktemp("base")))


def trained(rendered: Rendered) -> list[str]:
    return [part.text for part in segments(rendered) if part.kind == "trained"]


def test_an_answer_and_its_end_are_trained_and_nothing_else(tokenizer: Tokenizer) -> None:
    rendered = render(tokenizer, [QUESTION, ANSWER])
    assert rendered.text == (
        "<|im_start|>user\nWhere?<|im_end|>\n<|im_start|>assistant\nThere.<|im_end|>\n"
    )
    assert trained(rendered) == ["There.<|im_end|>"]
    assert rendered.trained_count == len("There.") + 1
    kept = [index for index in rendered.labels if index != IGNORED]
    assert tokenizer.decode(kept) == "There.<|im_end|>"
    assert list(rendered.ids) == tokenizer.encode(rendered.text)


def test_every_answer_of_a_conversation_is_trained(tokenizer: Tokenizer) -> None:
    turns = [Turn("system", "Be brief."), QUESTION, ANSWER, Turn("user", "And?"), ANSWER]
    assert trained(render(tokenizer, turns)) == ["There.<|im_end|>", "There.<|im_end|>"]


def test_the_prompt_is_what_stands_before_the_answer(tokenizer: Tokenizer) -> None:
    prompt = prompt_ids(tokenizer, [QUESTION])
    rendered = render(tokenizer, [QUESTION, ANSWER])
    assert rendered.ids[: len(prompt)] == prompt
    assert rendered.trained.index(True) == len(prompt)


def test_what_is_too_long_is_cut_at_the_end_and_counted(tokenizer: Tokenizer) -> None:
    whole = render(tokenizer, [QUESTION, ANSWER])
    cut = render(tokenizer, [QUESTION, ANSWER], max_length=len(whole.ids) - 4)
    assert (cut.truncated, cut.ids) == (4, whole.ids[:-4])
    assert trained(cut) == ["Ther"]
    assert segments(cut)[-1].kind == "cut"
    assert segments(cut)[-1].text == "e.<|im_end|>\n"
    short = render(tokenizer, [QUESTION, ANSWER], max_length=10)
    assert short.trained_count == 0


def test_content_that_would_be_control_tokens_is_named_once(tokenizer: Tokenizer) -> None:
    turns = [Turn("user", "say <|im_end|>"), Turn("assistant", "<|im_start|>x<|im_end|>")]
    assert control_tokens_in_content(tokenizer, turns) == ["<|im_end|>", "<|im_start|>"]
    assert control_tokens_in_content(tokenizer, [Turn("user", "< |im_end|> <|im_end>")]) == []


def test_a_damaged_character_is_a_named_error(tokenizer: Tokenizer) -> None:
    with pytest.raises(TemplateError, match="surrogate"):
        render(tokenizer, [Turn("user", "a\ud800"), ANSWER])


def test_an_answer_without_a_question_is_refused(tokenizer: Tokenizer) -> None:
    with pytest.raises(TemplateError, match="starts with an answer"):
        render(tokenizer, [ANSWER])


def test_ids_that_end_an_answer(tokenizer: Tokenizer, tmp_path: Path) -> None:
    assert {tokenizer.token(index) for index in tokenizer.eos_ids} == {"<|im_end|>"}
    # Where the files name only the end of text, the template's end of turn counts too.
    other = Tokenizer.load(make_tiny_base(tmp_path, eos="<|endoftext|>"))
    assert {other.token(index) for index in other.eos_ids} == {"<|endoftext|>", "<|im_end|>"}


def test_a_damaged_tokenizer_is_a_named_error(tmp_path: Path) -> None:
    make_tiny_base(tmp_path)
    (tmp_path / "tokenizer.json").write_text('{"model": 3}')
    with pytest.raises(BaseInvalid, match=r"tokenizer\.json"):
        Tokenizer.load(tmp_path)


words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40).filter(
    lambda text: bool(text.strip()) and "<|" not in text
)


@given(st.lists(st.tuples(words, words), min_size=1, max_size=4), st.integers(1, 200))
def test_the_marks_hold_for_any_text(
    tokenizer: Tokenizer, pairs: list[tuple[str, str]], length: int
) -> None:
    turns = [
        turn
        for question, answer in pairs
        for turn in (Turn("user", question), Turn("assistant", answer))
    ]
    whole = render(tokenizer, turns)
    assert trained(whole) == [answer + "<|im_end|>" for _, answer in pairs]
    assert "".join(part.text for part in segments(whole)) == whole.text
    kept = [index for index in whole.labels if index != IGNORED]
    assert tokenizer.decode(kept) == "".join(answer + "<|im_end|>" for _, answer in pairs)
    cut = render(tokenizer, turns, max_length=length)
    assert len(cut.ids) + cut.truncated == len(whole.ids)
    assert cut.labels == whole.labels[:length]
    assert "".join(part.text for part in segments(cut)) == whole.text


def test_neither_torch_nor_transformers_is_loaded(tmp_path: Path) -> None:
    make_tiny_base(tmp_path)
    script = (
        "import sys; from pathlib import Path; from engine.models import Turn\n"
        "from engine.tokens import Tokenizer, render\n"
        f"tokenizer = Tokenizer.load(Path({str(tmp_path)!r}))\n"
        "render(tokenizer, [Turn('user', 'a'), Turn('assistant', 'b')])\n"
        "heavy = {'torch', 'transformers', 'datasets', 'numpy', 'huggingface_hub', 'llama_cpp'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.stdout.strip(), done.returncode) == ("[]", 0), done.stderr


def newline_pairs() -> Tokenizer:
    """Return a tokenizer for which two new lines are one token, and a template that ends in two."""
    from tokenizers import AddedToken, decoders, models, pre_tokenizers
    from tokenizers import Tokenizer as Backend

    names = ["<|end|>", *sorted(pre_tokenizers.ByteLevel.alphabet()), "ĊĊ"]
    vocabulary = {name: index for index, name in enumerate(names)}
    backend = Backend(models.BPE(vocab=vocabulary, merges=[("Ċ", "Ċ")]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    backend.add_special_tokens([AddedToken("<|end|>", normalized=False)])
    template = ChatTemplate(
        "{% for m in messages %}{{ m.role + ':\n\n' + m.content + '<|end|>' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ 'assistant:\n\n' }}{% endif %}",
        {},
    )
    return Tokenizer(backend, template, [0])


@pytest.mark.parametrize("answer", ["There.", "\nThere.", "\n\nThere.", "\n", " ", "There.\n"])
def test_the_last_answer_follows_the_very_ids_of_its_prompt(answer: str) -> None:
    pairs = newline_pairs()
    # By itself the prompt ends in one token; before a word its two new lines are two.
    assert pairs.token(pairs.encode("assistant:\n\n")[-1]) == "ĊĊ"
    assert pairs.token(pairs.encode("assistant:\n\nThere")[10]) == "Ċ"
    turns = [QUESTION, ANSWER, QUESTION, Turn("assistant", answer)]
    prompt = prompt_ids(pairs, turns[:-1])
    rendered = render(pairs, turns)
    assert rendered.ids[: len(prompt)] == prompt
    assert pairs.decode(rendered.ids[len(prompt) :]) == answer + "<|end|>"
    assert all(rendered.trained[len(prompt) :])
    assert pairs.decode(rendered.ids) == rendered.text
    assert [rendered.text[start:end] for start, end in rendered.offsets] == [
        pairs.decode([index]) for index in rendered.ids
    ]
