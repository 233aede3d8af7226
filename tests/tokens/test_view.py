"""Tokens one by one, counts by turn, and what a cut costs."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.models import Role, Turn
from engine.tokens import Tokenizer, cost, preview, render
from tests.support.tiny_base import CONTROL, make_tiny_base
from tests.tokens.test_templates import BARE, GEMMA, MARKED, PHI, QWEN, RETURNING
from tests.tokens.test_templates import CONTROL as MORE

TALK = (
    Turn("system", "Be brief."),
    Turn("user", "Where?"),
    Turn("assistant", "There."),
    Turn("user", "Where else?"),
    Turn("assistant", "  Nowhere else, I think."),
)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    return Tokenizer.load(make_tiny_base(tmp_path_factory.mktemp("base")))


def test_each_token_has_a_kind_a_turn_and_its_text(tokenizer: Tokenizer) -> None:
    seen = preview(tokenizer, TALK)
    assert [token.id for token in seen.tokens] == list(seen.rendered.ids)
    assert "".join(token.text for token in seen.tokens) == seen.rendered.text
    trained = "".join(token.text for token in seen.tokens if token.kind == "trained")
    assert trained == "There.<|im_end|>  Nowhere else, I think.<|im_end|>"
    of_turn = ["".join(t.text for t in seen.tokens if t.turn == turn) for turn in range(5)]
    assert of_turn == [
        "<|im_start|>system\nBe brief.",
        "<|im_end|>\n<|im_start|>user\nWhere?",
        "<|im_end|>\n<|im_start|>assistant\nThere.<|im_end|>",
        "\n<|im_start|>user\nWhere else?",
        "<|im_end|>\n<|im_start|>assistant\n  Nowhere else, I think.<|im_end|>\n",
    ]


def test_counts_by_turn_sum_up(tokenizer: Tokenizer) -> None:
    whole = preview(tokenizer, TALK)
    assert [turn.role for turn in whole.turns] == [turn.role for turn in TALK]
    assert [turn.trained for turn in whole.turns] == [0, 0, 7, 0, 25]
    length = len(whole.rendered.ids) - 10
    seen = preview(tokenizer, TALK, max_length=length)
    assert seen.rendered == render(tokenizer, TALK, max_length=length)
    assert sum(turn.total for turn in seen.turns) == len(whole.rendered.ids)
    assert [(turn.cut, turn.lost) for turn in seen.turns] == [(0, 0)] * 4 + [(10, 9)]


def test_a_folded_system_message_is_one_turn_fewer(tmp_path: Path) -> None:
    base = make_tiny_base(tmp_path, template=GEMMA, control=MORE, eos="<|eos|>")
    seen = preview(Tokenizer.load(base), TALK)
    assert [turn.role for turn in seen.turns] == ["user", "assistant", "user", "assistant"]


def test_what_a_cut_costs(tokenizer: Tokenizer) -> None:
    total = len(render(tokenizer, TALK).ids)
    nothing = cost(tokenizer, TALK, max_length=total)
    assert (nothing.tokens, nothing.trained, nothing.cut, nothing.lost) == (total, 32, 0, 0)
    assert (nothing.share, nothing.losses) == (0.0, ())
    assert cost(tokenizer, TALK, max_length=None) == nothing

    some = cost(tokenizer, TALK, max_length=total - 10)
    assert (some.cut, some.lost, some.share) == (10, 9, 9 / 32)
    (loss,) = some.losses
    assert (loss.turn, loss.tokens) == (4, 9)
    # A newline, the end of turn and eight letters.
    assert TALK[4].content[loss.start : loss.end] == ", I think."[-8:]

    both = cost(tokenizer, TALK, max_length=20)
    assert [(one.turn, one.start, one.tokens) for one in both.losses] == [(2, 0, 7), (4, 0, 25)]
    assert both.share == 1.0


def test_the_lost_part_of_an_answer_that_a_template_trims(tmp_path: Path) -> None:
    base = make_tiny_base(tmp_path, template=GEMMA, control=MORE, eos="<|eos|>")
    folded = Tokenizer.load(base)
    turns = (Turn("system", "Be kind."), Turn("user", "Why?"), Turn("assistant", "\n\n abcdef \n"))
    total = len(render(folded, turns).ids)
    (loss,) = cost(folded, turns, max_length=total - 5).losses
    # The last tokens are two letters, the end of turn, and two newlines.
    assert loss.turn == 2
    assert turns[2].content[loss.start : loss.end] == "ef \n"


def test_only_the_end_mark_is_lost(tokenizer: Tokenizer) -> None:
    total = len(render(tokenizer, TALK).ids)
    (loss,) = cost(tokenizer, TALK, max_length=total - 2).losses
    assert (loss.tokens, loss.start) == (1, loss.end)


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20).filter(
    lambda text: "<|" not in text and "finetui" not in text
)
talks = st.lists(st.tuples(texts, texts), min_size=1, max_size=5)


@given(talks, st.integers(1, 300))
def test_a_preview_and_a_cost_agree_with_what_is_trained(
    tokenizer: Tokenizer, pairs: list[tuple[str, str]], length: int
) -> None:
    roles: tuple[Role, Role] = ("user", "assistant")
    turns = [Turn(role, text) for pair in pairs for role, text in zip(roles, pair, strict=True)]
    whole, cut = render(tokenizer, turns), render(tokenizer, turns, max_length=length)
    seen, found = (
        preview(tokenizer, turns, max_length=length),
        cost(tokenizer, turns, max_length=length),
    )
    assert seen.rendered == cut
    assert len(seen.tokens) == sum(turn.total for turn in seen.turns) == found.tokens
    assert found.trained - found.lost == cut.trained_count
    assert found.trained == whole.trained_count
    assert sum(loss.tokens for loss in found.losses) == found.lost
    assert all(
        0 <= loss.start <= loss.end == len(turns[loss.turn].content) for loss in found.losses
    )


@pytest.mark.parametrize(
    "template",
    [None, GEMMA, PHI, QWEN, BARE, MARKED, RETURNING],
    ids=["chatml", "gemma", "phi", "qwen", "bare", "marked", "returning"],
)
@settings(max_examples=30)
@given(pairs=talks)
def test_answers_looked_at_together_are_where_each_is_by_itself(
    tmp_path_factory: pytest.TempPathFactory, template: str | None, pairs: list[tuple[str, str]]
) -> None:
    folder = tmp_path_factory.getbasetemp() / f"together-{hash(template)}"
    control = CONTROL if template is None else MORE
    if not folder.is_dir():
        make_tiny_base(folder, template=template, control=control, eos=control[1])
    tokenizer = Tokenizer.load(folder)
    roles: tuple[Role, Role] = ("user", "assistant")
    turns = [Turn(role, text) for pair in pairs for role, text in zip(roles, pair, strict=True)]
    found = render(tokenizer, turns)
    alone = Tokenizer.load(folder)
    alone.__dict__["header"] = ("", "")  # as where a template has none: each by itself
    assert render(alone, turns) == found


def test_a_fingerprint_changes_with_what_tokens_depend_on(tmp_path: Path) -> None:
    one = Tokenizer.load(make_tiny_base(tmp_path / "a")).fingerprint
    assert one == Tokenizer.load(make_tiny_base(tmp_path / "b")).fingerprint
    others = {
        Tokenizer.load(make_tiny_base(tmp_path / "c", template=PHI)).fingerprint,
        Tokenizer.load(make_tiny_base(tmp_path / "d", control=(*CONTROL, "<|x|>"))).fingerprint,
        Tokenizer.load(make_tiny_base(tmp_path / "e", eos="<|endoftext|>")).fingerprint,
        Tokenizer.load(tmp_path / "a", template="qwen-3").fingerprint,
    }
    assert len(others | {one}) == 5
