"""Which tokens a conversation is, and which of them carry loss.

One function for curation, the dataset gate, training, export and chat, so that
all of them speak of the same ids.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.errors import TemplateError
from engine.models import Turn
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
    """

    ids: tuple[int, ...]
    trained: tuple[bool, ...]
    text: str
    truncated: int
    offsets: tuple[tuple[int, int], ...]

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
    text = tokenizer.chat.text(turns)
    _require_whole(turns, text)
    spans = _answer_spans(tokenizer, turns, text)
    ids, offsets = tokenizer.encode_with_offsets(text)
    kept = len(ids) if max_length is None else min(len(ids), max_length)
    return Rendered(
        ids=tuple(ids[:kept]),
        trained=_marks(offsets[:kept], spans),
        text=text,
        truncated=len(ids) - kept,
        offsets=tuple(offsets[:kept]),
    )


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


def _require_whole(turns: Sequence[Turn], text: str) -> None:
    for turn in turns:
        # An answer can be re-arranged by a template (its thinking part, say); what
        # is said to the model must arrive.
        if turn.role != "assistant" and turn.content.strip() not in text:
            raise TemplateError(
                f"the chat template leaves the {turn.role} message out, or changes it",
                hint=f"edit the example without a {turn.role} message, or choose another base",
            )


def _answer_spans(tokenizer: Tokenizer, turns: Sequence[Turn], text: str) -> list[tuple[int, int]]:
    """Return the trained ranges of characters, one an answer."""
    spans: list[tuple[int, int]] = []
    for index, turn in enumerate(turns):
        if turn.role != "assistant":
            continue
        if index == 0:
            raise TemplateError(
                "the conversation starts with an answer", hint="edit the example: add a question"
            )
        before = tokenizer.chat.text(turns[:index], generation_prompt=True)
        if not text.startswith(before):
            raise TemplateError(
                "the chat template begins an answer with something that a finished answer "
                "doesn't have, such as a thinking part",
                hint="choose a base whose template has no thinking part",
            )
        after = tokenizer.chat.text(turns[: index + 1])
        end = _end_of_turn(tokenizer, text, len(before), after, turn.content.strip())
        if end is None:
            raise TemplateError(
                f"the chat template rewrites message {index + 1} when later ones follow, "
                "so its trained tokens can't be told",
                hint="keep one answer an example, or choose a base with another template",
            )
        spans.append((len(before), end))
    return spans


def _end_of_turn(
    tokenizer: Tokenizer, text: str, start: int, after: str, content: str
) -> int | None:
    """Return where an answer's last trained character ends in ``text``.

    Args:
        tokenizer: The base model's.
        text: The whole conversation.
        start: Where the answer begins.
        after: The conversation rendered up to the answer's end.
        content: The answer, without white space around it.

    Returns:
        The end, or None where the answer does not stand at ``start`` as it should.
    """
    head, _, tail = after.rpartition(content) if content in after[start:] else ("", "", "")
    answer = content if head else after[start:]
    tail = _ending(tokenizer, tail)
    whole = (head or after[:start]) + answer + tail
    if text.startswith(whole) and len(whole) > start:
        return len(whole)
    # Some templates write a last answer otherwise than an earlier one (with an empty
    # thinking part, say). Then the answer and its end must stand right here.
    if text.startswith(answer + tail, start):
        return start + len(answer) + len(tail)
    return None


def _ending(tokenizer: Tokenizer, tail: str) -> str:
    """Return the part of what follows an answer that the model has to write itself.

    That is everything up to the first control token; the newline after it is the
    template's. Where there is no control token, it is the text without the white
    space at its end, and where there is only white space, that ends the turn.
    """
    end = tokenizer.end_of_first_control(tail)
    return tail[:end] if end else tail.rstrip() or tail
