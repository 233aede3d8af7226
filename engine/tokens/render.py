"""Which tokens a conversation is, and which of them carry loss.

One function for curation, the dataset gate, training, export and chat, so that
all of them speak of the same ids.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace

from engine.models import Turn
from engine.tokens.spans import Span, place
from engine.tokens.tokenizer import Tokenizer

IGNORED = -100
"""The label of a token without loss, as PyTorch's cross entropy has it."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A conversation as a model sees it.

    Args:
        ids: Token ids, cut at the longest length that was asked for.
        trained: For each id whether it carries loss.
        text: The whole text, before the cut.
        truncated: How many tokens were cut off at the end.
        offsets: For each id its half-open range of characters in ``text``.
        answers: Where the answers stand in ``text``.
    """

    ids: tuple[int, ...]
    trained: tuple[bool, ...]
    text: str
    truncated: int
    offsets: tuple[tuple[int, int], ...]
    answers: tuple[Span, ...] = ()

    def cut(self, length: int) -> Rendered:
        """Return it cut off at a length in tokens."""
        return replace(
            self,
            ids=self.ids[:length],
            trained=self.trained[:length],
            truncated=self.truncated + max(0, len(self.ids) - length),
            offsets=self.offsets[:length],
        )

    @property
    def trained_count(self) -> int:
        """How many tokens carry loss."""
        return sum(self.trained)

    @property
    def labels(self) -> tuple[int, ...]:
        """The ids, with -100 where a token carries no loss."""
        return tuple(
            index if trained else IGNORED
            for index, trained in zip(self.ids, self.trained, strict=True)
        )


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of rendered text: trained, masked, or cut off."""

    text: str
    kind: str


def render(
    tokenizer: Tokenizer, turns: Sequence[Turn], *, max_length: int | None = None
) -> Rendered:
    """Render a conversation and mark what is trained.

    Trained are each answer and the token that ends its turn: what the model has
    to write itself. The marks come from rendering prefixes of the conversation,
    so they hold for any template that writes turns one after the other.

    Args:
        tokenizer: The base model's.
        turns: The conversation.
        max_length: The longest sequence, in tokens; what is over it is cut off at the end.

    Raises:
        TemplateError: The template refuses the conversation, leaves part of it
            out, or rewrites earlier turns when later ones come.
    """
    turns = tokenizer.prepared(turns)
    text, answers = place(tokenizer, turns)
    spans = [(answer.start, answer.end) for answer in answers]
    ids, offsets = tokenizer.encode_with_offsets(text)
    if answers and answers[-1].turn == len(turns) - 1:
        ids, offsets = _as_prompted(tokenizer, text, ids, offsets, answers[-1].start)
    rendered = Rendered(
        ids=tuple(ids),
        trained=_marks(offsets, spans),
        text=text,
        truncated=0,
        offsets=tuple(offsets),
        answers=tuple(answers),
    )
    return rendered if max_length is None else rendered.cut(max_length)


def prompt_ids(tokenizer: Tokenizer, turns: Sequence[Turn]) -> tuple[int, ...]:
    """Return the ids after which the model writes its answer.

    Raises:
        TemplateError: The template refuses the conversation.
    """
    text = tokenizer.chat.text(tokenizer.prepared(turns), generation_prompt=True)
    return tuple(tokenizer.encode(text))


def control_tokens_in_content(tokenizer: Tokenizer, turns: Sequence[Turn]) -> list[str]:
    """Return control tokens that the text of turns would become, in order, once each.

    A note that quotes ``<|im_end|>`` would end a turn in the middle of it.

    Raises:
        TemplateError: The text holds half of a surrogate pair.
    """
    found: dict[str, None] = {}
    for turn in turns:
        for index in tokenizer.encode(turn.content):
            if index in tokenizer.control_ids:
                found[tokenizer.token(index)] = None
    return list(found)


def segments(rendered: Rendered) -> list[Segment]:
    """Return the text in stretches of kind "trained", "masked" and "cut"."""
    found: list[Segment] = []
    start = position = 0
    kind = ""
    for (first, last), trained in zip(rendered.offsets, rendered.trained, strict=True):
        token_kind = "trained" if trained else "masked"
        # Tokens of one character share its range, and some stand for none: a change
        # of kind counts from where the last stretch really ended.
        if token_kind != kind:
            if kind and position > start:
                found.append(Segment(rendered.text[start:position], kind))
                start = position
            kind = token_kind
        position = max(position, last, first)
    end = position if rendered.truncated else len(rendered.text)
    if end > start:
        found.append(Segment(rendered.text[start:end], kind or "masked"))
    if end < len(rendered.text):
        found.append(Segment(rendered.text[end:], "cut"))
    return found


def _as_prompted(
    tokenizer: Tokenizer,
    text: str,
    ids: list[int],
    offsets: list[tuple[int, int]],
    start: int,
) -> tuple[list[int], list[tuple[int, int]]]:
    """Return tokens that break where the prompt of the last answer ends, as they will for it.

    A tokenizer may take the end of a prompt, such as two new lines, for one token, and for two
    where an answer follows; it may also join it with the answer's first character. Since the
    model answers after the prompt's own ids, these are trained on. That is looked at from the
    last control token on, before which nothing can be joined.
    """
    if not tokenizer.splits_anywhere:
        return ids, offsets
    window = tokenizer.last_control_before(text, start)
    first = bisect_left(offsets, window, key=lambda place: place[0])
    last = bisect_left(offsets, start, key=lambda place: place[0])
    prompt, places = tokenizer.encode_with_offsets(text[window:start])
    if ids[first:last] == prompt:
        return ids, offsets
    answer, after = tokenizer.encode_with_offsets(text[start:])
    moved = [(begin + window, end + window) for begin, end in places]
    moved += [(begin + start, end + start) for begin, end in after]
    return [*ids[:first], *prompt, *answer], [*offsets[:first], *moved]


def _marks(
    offsets: Sequence[tuple[int, int]], spans: Sequence[tuple[int, int]]
) -> tuple[bool, ...]:
    marks = []
    remaining = iter(spans)
    span = next(remaining, None)
    for start, _ in offsets:
        while span is not None and start >= span[1]:
            span = next(remaining, None)
        marks.append(span is not None and span[0] <= start)
    return tuple(marks)
