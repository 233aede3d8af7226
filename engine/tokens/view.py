"""What a person is shown of a rendered conversation: tokens, counts by turn, what a cut costs."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from engine.models import Role, Turn
from engine.tokens.render import Rendered, render
from engine.tokens.thinking import split_thinking
from engine.tokens.tokenizer import Tokenizer

Kind = Literal["trained", "masked", "cut"]


@dataclass(frozen=True, slots=True)
class Token:
    """One token.

    Args:
        id: Its id in the vocabulary.
        text: The characters that it stands for; several tokens of one character share it.
        kind: What becomes of it.
        turn: The turn that it belongs to, of those that the template got, from 0.
    """

    id: int
    text: str
    kind: Kind
    turn: int


@dataclass(frozen=True, slots=True)
class TurnTokens:
    """How many tokens a turn is, with the marks that the template puts around it.

    ``lost`` are those of the cut tokens that would have been trained.
    """

    role: Role
    trained: int
    masked: int
    cut: int
    lost: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.trained + self.masked + self.cut


@dataclass(frozen=True, slots=True)
class Preview:
    """A conversation as the model gets it, token by token.

    Args:
        rendered: It, cut at the longest length.
        tokens: Its tokens, those that are cut off too.
        turns: Counts for each turn that the template got, in order.
    """

    rendered: Rendered
    tokens: tuple[Token, ...]
    turns: tuple[TurnTokens, ...]


@dataclass(frozen=True, slots=True)
class Loss:
    """A part of an answer that a cut takes away.

    ``turn`` counts from 0 in the turns as they were given, ``start`` and ``end`` are characters
    of that turn's content; ``tokens`` is how many trained tokens are lost of it.
    """

    turn: int
    start: int
    end: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Cost:
    """What the longest length costs a conversation, in tokens.

    Args:
        tokens: All tokens, before the cut.
        trained: Those that would be trained without a cut.
        cut: How many are cut off.
        lost: How many of these would be trained.
        losses: Where in the answers they are.
    """

    tokens: int
    trained: int
    cut: int
    lost: int
    losses: tuple[Loss, ...] = ()

    @property
    def share(self) -> float:
        """The share of the trained tokens that is lost, from 0 to 1."""
        return self.lost / self.trained if self.trained else 0.0


def preview(
    tokenizer: Tokenizer, turns: Sequence[Turn], *, max_length: int | None = None
) -> Preview:
    """Return a conversation token by token, with counts for each turn.

    Raises:
        TemplateError: The template can't render it; see :func:`engine.tokens.render`.
    """
    whole = render(tokenizer, turns)
    kept = _kept(whole, max_length)
    prepared = tokenizer.prepared(turns)
    starts = _turn_starts(prepared, whole)
    tokens: list[Token] = []
    counts = [[0, 0, 0, 0] for _ in prepared]
    places = zip(whole.ids, whole.trained, whole.offsets, strict=True)
    for index, (token_id, trained, (start, end)) in enumerate(places):
        turn = max(0, bisect_right(starts, start) - 1)
        kind: Kind = "cut" if index >= kept else "trained" if trained else "masked"
        tokens.append(Token(token_id, whole.text[start:end], kind, turn))
        counts[turn][("trained", "masked", "cut").index(kind)] += 1
        counts[turn][3] += trained and index >= kept
    return Preview(
        whole.cut(kept),
        tuple(tokens),
        tuple(
            TurnTokens(turn.role, *of_turn) for turn, of_turn in zip(prepared, counts, strict=True)
        ),
    )


def cost(tokenizer: Tokenizer, turns: Sequence[Turn], *, max_length: int | None) -> Cost:
    """Return what the longest length costs a conversation.

    Raises:
        TemplateError: The template can't render it; see :func:`engine.tokens.render`.
    """
    whole = render(tokenizer, turns)
    kept = _kept(whole, max_length)
    if kept == len(whole.ids):
        return Cost(kept, whole.trained_count, 0, 0)
    lost = sum(whole.trained[kept:])
    return Cost(
        tokens=len(whole.ids),
        trained=whole.trained_count,
        cut=len(whole.ids) - kept,
        lost=lost,
        losses=tuple(_losses(tokenizer, turns, whole, kept)) if lost else (),
    )


def _kept(whole: Rendered, max_length: int | None) -> int:
    return len(whole.ids) if max_length is None else min(len(whole.ids), max_length)


def _turn_starts(turns: Sequence[Turn], whole: Rendered) -> list[int]:
    """Return where each turn begins in the text: right after the content of the one before.

    So the marks between two turns count with the second, but for what an answer's turn is
    closed with: that is trained, and counts with the answer.
    """
    answers = {span.turn: span for span in whole.answers}
    starts: list[int] = []
    position = 0
    for index, turn in enumerate(turns):
        starts.append(position)
        if index in answers:
            position = max(position, answers[index].end)
            continue
        content = turn.content.strip()
        until = next((answers[at].start for at in sorted(answers) if at > index), len(whole.text))
        found = whole.text.find(content, position, until)
        if found >= 0:
            position = found + len(content)
    return starts


def _losses(tokenizer: Tokenizer, turns: Sequence[Turn], whole: Rendered, kept: int) -> list[Loss]:
    cut_at = whole.offsets[kept][0]
    # A system message that was put into the question makes the template's turns one fewer.
    shift = len(turns) - len(tokenizer.prepared(turns))
    starts = [span.start for span in whole.answers]
    counts = [0] * len(starts)
    places = zip(whole.offsets[kept:], whole.trained[kept:], strict=True)
    for (start, _), trained in places:
        if trained:
            counts[max(0, bisect_right(starts, start) - 1)] += 1
    losses = []
    for span, tokens in zip(whole.answers, counts, strict=True):
        if tokens:
            content = turns[span.turn + shift].content
            start = _place_in_content(content, whole.text, span.start, span.content_end, cut_at)
            losses.append(Loss(span.turn + shift, start, len(content), tokens))
    return losses


def _place_in_content(content: str, text: str, start: int, end: int, at: int) -> int:
    """Return which character of an answer stands at a place of the text."""
    if at <= start:
        return 0
    stripped = content.strip()
    found = text.rfind(stripped, start, end)
    if found < 0:
        # The template writes the thinking part in its own way, or leaves it out.
        stripped = split_thinking(content)[1].strip()
        found = text.rfind(stripped, start, end)
        if found < 0 or not stripped:
            return 0
    return min(len(content), content.rfind(stripped) + max(0, at - found))
