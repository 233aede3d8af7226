"""What holds of the quality score for any text."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.models import Turn
from engine.quality.score import PARTS, QualityCheck, score, score_answer
from engine.quality.score.phrases import (
    AI_SELF,
    CLOSERS,
    DISCLAIMERS,
    FILLERS,
    OPENERS,
    REFUSALS,
    Phrases,
)
from engine.quality.score.repetition import _runs
from engine.quality.score.view import View, fold, spans_of, words_of
from tests.support.properties import tries

ANY = st.text(st.characters(codec=None, categories=None), max_size=300)
PIECES = st.lists(
    st.sampled_from(
        ["```", "\n", "**", "(", "[", "{", "„", "“", "Ã©", "\\n", "<br>", "1.", "- ", ".", "，",
         "_", "。", "As an AI", "sorry", "面", "\ud800", "\0", "İ", "ß", "e\u0301", "\u202e", "|",
         "="]
    ),
    max_size=60,
).map("".join)  # fmt: skip


@settings(max_examples=tries(300), deadline=None)
@given(ANY | PIECES, ANY | PIECES)
def test_any_text_has_a_score(answer: str, prompt: str) -> None:
    found = score_answer(answer, prompt, 3)
    assert 0.0 <= found.score <= 1.0
    assert set(found.parts) == set(PARTS)
    assert all(found.score <= value <= 1.0 for value in found.parts.values())
    for fault in found.faults:
        assert 0.0 < fault.weight <= 1.0
        assert 0 <= fault.start <= fault.end <= len(answer)
        assert fault.reason
    assert found == score_answer(answer, prompt, 3)


@settings(max_examples=tries(100), deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["system", "user", "assistant", "tool"]), PIECES), max_size=6
    )
)
def test_any_conversation_has_measures(pairs: list[tuple[str, str]]) -> None:
    turns = [Turn(role, text) for role, text in pairs]  # type: ignore[arg-type]
    finding = QualityCheck().look(turns)
    assert set(finding.measures) == {"quality", *(f"quality.{part}" for part in PARTS)}
    for flag in finding.flags:
        assert flag.turn == -1 or turns[flag.turn].role == "assistant"
    worst = min((a.score for a in score(turns).answers), default=0.0)
    assert score(turns).score >= worst - 1e-9


@settings(max_examples=tries(300), deadline=None)
@given(ANY)
def test_folding_keeps_places(text: str) -> None:
    folded = fold(text)
    assert len(folded) == len(text)
    assert [folded[start:end] for start, end in spans_of(folded, len(text))] == words_of(folded)


@settings(max_examples=tries(200), deadline=None)
@given(PIECES)
def test_prose_keeps_places(text: str) -> None:
    view = View(text, "")
    assert len(view.prose) == len(text)


@settings(max_examples=tries(200), deadline=None)
@given(st.lists(st.sampled_from("abc"), max_size=60), st.integers(2, 5))
def test_runs_are_what_stood_before(words: list[str], size: int) -> None:
    covered = {at for start, end in _runs(words, size) for at in range(start, end)}
    grams = [tuple(words[at : at + size]) for at in range(len(words) - size + 1)]
    expected = {
        at + shift for at, gram in enumerate(grams) if gram in grams[:at] for shift in range(size)
    }
    assert covered == expected


@settings(max_examples=tries(50), deadline=None)
@given(st.text(st.sampled_from("abcdefg hij"), min_size=40, max_size=120))
def test_saying_all_again_is_never_better(text: str) -> None:
    once = score_answer(f"The {text}.").parts["repetition"]
    assert score_answer(f"The {text}.\n\nThe {text}.").parts["repetition"] <= once


@pytest.mark.parametrize("table", [REFUSALS, AI_SELF, CLOSERS, DISCLAIMERS, FILLERS])
def test_phrases_are_folded_and_found(table: Phrases) -> None:
    phrases = [phrase for group in table._by_word.values() for phrase in group]
    assert len(phrases) == len(set(phrases)) > 5
    for phrase in phrases:
        assert phrase == fold(phrase).strip() != ""
        text = f"x {phrase} x"
        assert phrase in [found for _, found in table.found(set(words_of(text)), text)]


def test_an_echo_after_many_signs_is_placed() -> None:
    prompt = "Why does bread rise in the oven?"
    answer = "* " * 20_000 + prompt
    (fault,) = (fault for fault in score_answer(answer, prompt).faults if fault.part == "echo")
    assert answer[fault.start : fault.end] == prompt[:-1]


def test_openers_are_folded() -> None:
    assert all(phrase == fold(phrase).strip() for phrase in OPENERS)


MONSTERS = {
    "words": "bread and butter " * 60_000,
    "one word": "a" * 1_000_000,
    "hanzi": "".join(chr(0x4E00 + at % 8000) for at in range(1_000_000)),
    "brackets": "([{<" * 250_000,
    "fences": "```\n" * 250_000,
    "mojibake": "Ã©" * 500_000,
    "surrogates": "\ud800\0" * 500_000,
    "spaces": "a" + " " * 1_000_000 + "b",
    "breaks": "\n" * 1_000_000 + "end",
    "stars": "*" * 1_000_000,
    "commas": "a, " * 330_000,
    "references": "x." + "[1]" * 330_000,
    "tags": "<p " * 330_000,
    "combining": "e\u0301" * 500_000,
    "queries": "a" * 1_000_000 + " ? = &",
    "dots": "a" + "." * 1_000_000 + "b",
    "quotes": '"' * 999_999,
    "right to left": "خبز " * 250_000,
}


@pytest.mark.parametrize("name", MONSTERS)
def test_a_megabyte_is_taken(name: str) -> None:
    found = score_answer(MONSTERS[name], MONSTERS[name][:2000])
    assert 0.0 <= found.score <= 1.0


def test_it_is_the_same_in_every_process() -> None:
    code = (
        "from engine.quality.score import score_answer as s;"
        "print(repr(s('Sure! As an AI model, I hope this helps. Let me know if you have any '"
        "'questions. I hope this helps. ' * 3, 'Why?')))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PATH": ""},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1


def test_it_imports_little() -> None:
    code = (
        "import sys; import engine.quality.score;"
        "print([m for m in ('torch', 'numpy', 'sklearn', 'textual') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PATH": ""}
    )
    assert done.stdout.strip() == "[]"
