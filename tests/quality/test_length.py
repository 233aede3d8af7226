from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import BaseInvalid
from engine.models import Flag, Turn
from engine.quality.base import Check
from engine.quality.length import LengthCheck
from engine.tokens import Tokenizer, render
from tests.support.tiny_base import make_tiny_base

# A byte is a token in the tiny base: "Yes, that is so." is sixteen.
QUESTION = Turn("user", "Is it so?")
ANSWER = Turn("assistant", "Yes, that is so.")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_base(tmp_path_factory.mktemp("base"))


def codes(flags: tuple[Flag, ...]) -> list[tuple[str, int]]:
    return [(flag.code, flag.turn) for flag in flags]


def test_a_conversation_of_fitting_length_has_measures_alone(base: Path) -> None:
    check: Check = LengthCheck(base_dir=base, max_length=200)
    found = check.look([QUESTION, ANSWER])
    total = len(render(Tokenizer.load(base), [QUESTION, ANSWER]).ids)
    assert found.flags == ()
    assert found.measures == {"tokens": total, "trained": 17, "cut": 0}


@pytest.mark.parametrize(
    ("answer", "score"),
    [("4", 0.2), ("No.", 0.2), ("Ja", 0.2), ("a b", 0.6), ("", 1.0), (" \n", 1.0)],
)
def test_short_answers_are_told_the_terse_from_the_broken(
    base: Path, answer: str, score: float
) -> None:
    found = LengthCheck(base_dir=base).look([QUESTION, Turn("assistant", answer), QUESTION, ANSWER])
    (flag,) = found.flags
    assert (flag.kind, flag.code, flag.turn, flag.score) == ("length", "too-short", 1, score)


def test_how_short_is_too_short_can_be_said(base: Path) -> None:
    turns = [QUESTION, ANSWER]
    assert not LengthCheck(base_dir=base, min_tokens=16).look(turns).flags
    assert codes(LengthCheck(base_dir=base, min_tokens=17).look(turns).flags) == [("too-short", 1)]
    thinking = Turn("assistant", "<think>\nlong and long and long\n</think>\n\nNo")
    assert codes(LengthCheck(base_dir=base).look([QUESTION, thinking]).flags) == [("too-short", 1)]


def test_what_is_cut_off_is_named_with_its_place(base: Path) -> None:
    turns = [QUESTION, ANSWER, QUESTION, ANSWER]
    total = len(render(Tokenizer.load(base), turns).ids)
    found = LengthCheck(base_dir=base, max_length=total - 5).look(turns)
    (flag,) = found.flags
    assert (flag.code, flag.turn) == ("cut-off", 3)
    assert ANSWER.content[flag.start : flag.end] == "so."
    assert "4 tokens" in flag.reason
    assert "12%" in flag.reason
    assert flag.score == pytest.approx(4 / 34)
    assert found.measures == {"tokens": total, "trained": 30, "cut": 5}


def test_a_question_that_fills_the_row_leaves_nothing_to_train(base: Path) -> None:
    found = LengthCheck(base_dir=base, max_length=16).look([QUESTION, ANSWER])
    assert codes(found.flags) == [("zero-trained", -1), ("cut-off", 1)]
    assert (found.flags[1].start, found.flags[1].end) == (0, len(ANSWER.content))
    assert codes(LengthCheck(base_dir=base).look([QUESTION]).flags) == [("zero-trained", -1)]
    assert codes(LengthCheck(base_dir=base).look([]).flags) == [("zero-trained", -1)]


def test_the_system_prompt_counts_and_turns_keep_their_numbers(base: Path) -> None:
    turns = [QUESTION, ANSWER]
    bare = LengthCheck(base_dir=base).look(turns).measures
    check = LengthCheck(base_dir=base, system_prompt="Be brief.", max_length=60)
    found = check.look(turns)
    assert float(found.measures["tokens"]) > float(bare["tokens"])
    assert [flag.turn for flag in found.flags] == [1]
    own = [Turn("system", "Be kind."), *turns]
    assert (
        check.look(own).measures["tokens"]
        == LengthCheck(base_dir=base).look(own).measures["tokens"]
    )


@pytest.mark.parametrize(
    ("turns", "words"),
    [
        ([Turn("user", "a\ud800"), ANSWER], "surrogate"),
        ([QUESTION, Turn("assistant", "\udfff")], "surrogate"),
        ([ANSWER], "starts with an answer"),
    ],
)
def test_what_can_not_be_rendered_is_flagged_with_the_reason(
    base: Path, turns: list[Turn], words: str
) -> None:
    found = LengthCheck(base_dir=base).look(turns)
    assert codes(found.flags) == [("template", -1)]
    assert words in found.flags[0].reason
    assert not found.measures


def test_the_version_changes_with_what_it_depends_on(base: Path, tmp_path: Path) -> None:
    other = make_tiny_base(tmp_path, control=("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<x>"))
    checks = [
        LengthCheck(base_dir=base),
        LengthCheck(base_dir=base, max_length=100),
        LengthCheck(base_dir=base, min_tokens=9),
        LengthCheck(base_dir=base, system_prompt="Be brief."),
        LengthCheck(base_dir=base, template="qwen-3"),
        LengthCheck(base_dir=other),
    ]
    versions = [check.version for check in checks]
    assert len(set(versions)) == len(versions)
    assert LengthCheck(tokenizer=Tokenizer.load(base)).version == versions[0]


def test_a_base_that_is_none_is_a_named_error(tmp_path: Path) -> None:
    check = LengthCheck(base_dir=tmp_path)
    with pytest.raises(BaseInvalid):
        check.look([QUESTION, ANSWER])
    with pytest.raises(ValueError, match="folder or a tokenizer"):
        LengthCheck()


@pytest.mark.parametrize(
    "text",
    ["a" * 1_000_000, "שלום " * 50_000, "e\u0301" * 100_000, " \n" * 150_000],
    ids=["one", "right to left", "combining", "blank"],
)
def test_a_megabyte_is_looked_at(base: Path, text: str) -> None:
    check = LengthCheck(base_dir=base, max_length=64)
    assert "zero-trained" in [flag.code for flag in check.look([Turn("user", text), ANSWER]).flags]
    found = check.look([QUESTION, Turn("assistant", text)])
    assert float(found.measures["cut"]) > 250_000


@given(st.lists(st.text(max_size=30), max_size=6), st.integers(8, 200))
def test_any_text_is_looked_at(base: Path, contents: list[str], length: int) -> None:
    roles = ("user", "assistant")
    turns = [Turn(roles[at % 2], text) for at, text in enumerate(contents)]  # type: ignore[arg-type]
    check = LengthCheck(tokenizer=_kept(base), max_length=length)
    found = check.look(turns)
    assert check.look(turns) == found
    for flag in found.flags:
        assert 0 < flag.score <= 1
        assert -1 <= flag.turn < len(turns)
        if flag.turn >= 0:
            assert 0 <= flag.start <= flag.end <= len(turns[flag.turn].content)


_TOKENIZERS: dict[Path, Tokenizer] = {}


def _kept(base: Path) -> Tokenizer:
    return _TOKENIZERS.setdefault(base, Tokenizer.load(base))
