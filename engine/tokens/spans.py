"""Where answers stand in the text that a chat template makes of a conversation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.errors import TemplateError
from engine.models import Turn
from engine.tokens.thinking import continued, only_thinking, opening_at_end
from engine.tokens.tokenizer import Tokenizer

_MARK = "finetui-answer-here"


@dataclass(frozen=True, slots=True)
class Span:
    """An answer in the whole text.

    Args:
        turn: Which turn of the conversation it is.
        start: Where its first trained character stands.
        content_end: Where the answer itself ends.
        end: Where the text ends that closes its turn, exclusive.
    """

    turn: int
    start: int
    content_end: int
    end: int


def place(tokenizer: Tokenizer, turns: Sequence[Turn]) -> tuple[str, list[Span]]:
    """Return the text of a conversation, and where each answer stands in it.

    An answer begins where the generation prompt of the turns before it ends, and it ends
    as the same conversation shows that has a mark in the answer's place: what follows the
    mark is what follows the answer. So no text is searched for, and an answer that repeats
    the question, or is part of a control token's name, is no trap.

    Args:
        tokenizer: The base model's.
        turns: The conversation as the template gets it.

    Raises:
        TemplateError: The template refuses the conversation, leaves part of it out, or
            rewrites an answer so that its tokens can't be told.
    """
    text = tokenizer.chat.text(turns)
    _require_whole(turns, text)
    answers = [index for index, turn in enumerate(turns) if turn.role == "assistant"]
    if answers and answers[0] == 0:
        raise TemplateError(
            "the conversation starts with an answer", hint="edit the example: add a question"
        )
    # Looking at each answer by itself renders the conversation twice for each of them.
    known = _placed_at_once(tokenizer, turns, answers, text) if len(answers) > 2 else {}
    spans: list[Span] = []
    for index in answers:
        if index in known:
            spans.append(known[index])
        else:
            text, span = _placed(tokenizer, turns, index, text)
            spans.append(span)
    return text, spans


def _placed_at_once(
    tokenizer: Tokenizer, turns: Sequence[Turn], answers: Sequence[int], text: str
) -> dict[int, Span]:
    """Return where the earlier answers stand that are written as those of a probe are.

    One conversation with a mark in each answer's place says what stands between answers;
    where the text is just that, with the answers between, and an answer's header is the
    probe's, it is placed as :func:`_placed` would place it.
    """
    header, lead = tokenizer.header
    if not header:
        return {}
    mark = _MARK
    while mark in text:
        mark += "-"
    marked = list(turns)
    for index in answers:
        marked[index] = Turn("assistant", mark)
    between = tokenizer.chat.text(marked).split(mark)
    if len(between) != len(answers) + 1 or not text.startswith(between[0]):
        return {}
    spans: dict[int, Span] = {}
    position = len(between[0])
    for index, before, after in zip(answers, between[:-1], between[1:], strict=True):
        end = _end_of(turns[index].content, text, position, after)
        if end is None:
            return {}
        if before.endswith(header + lead) and index != len(turns) - 1:
            closing = _closing(tokenizer, after, index, is_last=False)
            spans[index] = Span(index, position - len(lead), end, end + closing)
        position = end + len(after)
    return spans if position == len(text) else {}


def _end_of(content: str, text: str, start: int, after: str) -> int | None:
    """Return where an answer ends that starts at a place, trimmed or not; None if it doesn't."""
    for written in dict.fromkeys(
        (content, content.rstrip(), content.lstrip(), content.lstrip("\n"), content.strip())
    ):
        end = start + len(written)
        if text.startswith(written, start) and text.startswith(after, end):
            return end
    return None


def _placed(tokenizer: Tokenizer, turns: Sequence[Turn], index: int, text: str) -> tuple[str, Span]:
    prompt = tokenizer.chat.text(turns[:index], generation_prompt=True)
    is_last = index == len(turns) - 1
    after = _after(tokenizer, turns, index, text)
    if text.startswith(prompt):
        start = len(prompt)
    else:
        start = opening_at_end(prompt)
        known = start < len(prompt) and text.startswith(prompt[:start])
        if known and is_last:
            answer = continued(prompt[start:], text[start:], turns[index].content)
            if answer is not None:
                text, start = prompt + answer, len(prompt)
        elif not known:
            start = _after_header(tokenizer, turns, index, text, prompt)
    end = len(text) - len(after)
    if end < start:
        raise _rewritten(index)
    return text, Span(index, start, end, end + _closing(tokenizer, after, index, is_last=is_last))


def _after_header(
    tokenizer: Tokenizer, turns: Sequence[Turn], index: int, text: str, prompt: str
) -> int:
    """Return where an answer begins in a text whose earlier turns were rewritten.

    What the generation prompt adds to the turns before, the answer's header, must stand
    right before the answer; between them there may be a thinking part alone.
    """
    before = tokenizer.chat.text(turns[:index])
    header = prompt.removeprefix(before)
    header = header[: opening_at_end(header)]
    lead, _ = _around(tokenizer, turns, index, text)
    start = lead.rfind(header) + len(header)
    found = prompt.startswith(before) and header.strip() and start >= len(header)
    if not (found and text.startswith(lead[:start]) and only_thinking(lead[start:])):
        raise TemplateError(
            "the chat template begins an answer with something that a finished answer "
            "doesn't have, or rewrites what stands before it",
            hint="keep one answer an example, or choose a base with another template",
        )
    return start


def _after(tokenizer: Tokenizer, turns: Sequence[Turn], index: int, text: str) -> str:
    """Return what follows an answer in the text."""
    if index == len(turns) - 1 and text.endswith(tail := tokenizer.form.last_tail) and tail:
        return tail
    _, after = _around(tokenizer, turns, index, text)
    if not text.endswith(after):
        raise _rewritten(index)
    return after


def _around(tokenizer: Tokenizer, turns: Sequence[Turn], index: int, text: str) -> tuple[str, str]:
    """Return what stands before and after an answer, with a mark in its place."""
    mark = _MARK
    while mark in text:
        mark += "-"
    marked = tokenizer.chat.text([*turns[:index], Turn("assistant", mark), *turns[index + 1 :]])
    before, found, after = marked.rpartition(mark)
    if not found:
        raise _rewritten(index)
    return before, after


def _closing(tokenizer: Tokenizer, after: str, index: int, *, is_last: bool) -> int:
    """Return the length of what closes a turn, at the start of what follows its answer."""
    if is_last:
        return tokenizer.end_of_turn(after)
    form = tokenizer.form
    for ending in (form.ending, form.last_ending):
        if ending and after.startswith(ending):
            return len(ending)
    if form.ending and form.last_ending:
        raise _rewritten(index)
    return 0


def _rewritten(index: int) -> TemplateError:
    return TemplateError(
        f"the chat template rewrites message {index + 1} when later ones follow, "
        "so its trained tokens can't be told",
        hint="keep one answer an example, or choose a base with another template",
    )


def _require_whole(turns: Sequence[Turn], text: str) -> None:
    for turn in turns:
        # An answer can be re-arranged by a template (its thinking part, say); what
        # is said to the model must arrive.
        if turn.role != "assistant" and turn.content.strip() not in text:
            raise TemplateError(
                f"the chat template leaves the {turn.role} message out, or changes it",
                hint=f"edit the example without a {turn.role} message, or choose another base",
            )
