"""Records as conversations: the layouts of messages and instructions that are understood."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from engine.appmarks import NOTHING, hollow, taken
from engine.invisible import is_blank
from engine.models import Alternative, Turn
from engine.sources.answers import ListsAre, answers_in, is_messages
from engine.sources.columns import Columns, fold, known, value_at
from engine.sources.empties import is_no_value
from engine.sources.facts import clean, date_of, metadata_of, title_of
from engine.sources.files import Refused
from engine.sources.flags import (
    NOT_A_ROW,
    NOT_TRAINED,
    is_row_trained,
    is_trained,
    thoughts_beside,
    thoughts_of,
    with_thoughts,
)
from engine.sources.marked import opened, taken_apart, without_tokens
from engine.sources.messages import ROLES, messages_in, turn_of
from engine.sources.refusals import check, why_unknown

__all__ = [
    "Dialogue",
    "clean",
    "date_of",
    "dialogues",
    "has_instruction",
    "has_messages",
    "made_of",
    "metadata_of",
    "tidy",
    "title_of",
]


_SYSTEM_MARK = re.compile(r"^\s*SYSTEM:\s*")
# The separator that completion models were told to have at the end of a prompt.
_SEPARATOR = re.compile(r"\n\s*###\s*$")


@dataclass(frozen=True, slots=True)
class Dialogue:
    """A conversation that can be trained on.

    It begins with at most one system turn; then user and assistant take turns,
    and the assistant has the last word. ``dropped`` holds code and reason of each
    part that was left out; ``layout`` names how the record was written;
    ``alternatives`` are other answers that stand beside one of the turns. ``guessed``
    says how a list in the answer's place was taken, where that was a guess.
    """

    turns: tuple[Turn, ...]
    layout: str
    dropped: tuple[tuple[str, str], ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    guessed: ListsAre | Literal[""] = ""


def has_messages(fields: Mapping[str, Any]) -> bool:
    """Say whether a record holds a list of messages."""
    columns = known(_unwrapped(fields))
    return columns is not None and bool(columns.messages)


def has_instruction(fields: Mapping[str, Any]) -> bool:
    """Say whether a record holds a prompt and its answer, or a text with turn markers."""
    columns = known(_unwrapped(fields))
    return columns is not None and not columns.messages


def dialogues(fields: Mapping[str, Any], *, lists: ListsAre | Literal[""] = "") -> list[Dialogue]:
    """Return the conversations of a record: one, or one for each of its ``instances``.

    ``lists`` is what a list in the answer's place is, where a person said so.

    Raises:
        Refused: No conversation can be made of it; the code and reason say why.
    """
    fields = _unwrapped(fields)
    check(fields)
    columns = known(fields)
    if columns is None:
        raise why_unknown(fields)
    return made_of(fields, columns, lists=lists)


def made_of(
    fields: Mapping[str, Any], columns: Columns, *, lists: ListsAre | Literal[""] = ""
) -> list[Dialogue]:
    """Return the conversations that a record's columns make.

    ``lists`` is what a list in the answer's place is, where a person said so.

    Raises:
        Refused: They make none.
    """
    if not _is_trained(fields, columns):
        raise Refused(NOT_TRAINED, NOT_A_ROW)
    if columns.messages:
        value = value_at(fields, columns.messages)
        if value is None:
            raise Refused("no-answer", f"nothing stands in the column {columns.messages}")
        messages = messages_in(value)
        said = [turn_of(message, at) for at, message in enumerate(messages, 1)]
        kept, dropped = _trained(messages, said)
        dropped += _lost_thoughts(messages)
        found = tidy(_with_system(fields, columns, kept), "messages")
        return [replace(found, dropped=(*found.dropped, *dropped)) if dropped else found]
    if columns.text:
        return [_marked(_text(fields, columns.text), fields, columns)]
    if not columns.answer:
        return _instances(fields, columns, lists)
    return [_pair(fields, columns, lists)]


def _is_trained(fields: Mapping[str, Any], columns: Columns) -> bool:
    """Say whether a row is to be trained on, by its flags or those of the object it is in."""
    used = columns.used()
    if not is_row_trained(fields, used):
        return False
    boxes = {name.rpartition(".")[0] for name in used if "." in name and name not in fields}
    inner = (value_at(fields, box) for box in boxes)
    return all(is_row_trained(box) for box in inner if isinstance(box, dict))


def _trained(
    messages: Sequence[Any], turns: Sequence[Turn]
) -> tuple[list[Turn], tuple[tuple[str, str], ...]]:
    """Return the turns without the exchanges whose answer is not to be trained on.

    Raises:
        Refused: None is.
    """
    off = [at for at, turn in enumerate(turns)
           if turn.role == "assistant" and not is_trained(messages[at])]  # fmt: skip
    if not off:
        return list(turns), ()
    gone: set[int] = set()
    for at in off:
        gone.add(at)
        before, after = at - 1, at + 1
        while before >= 0 and turns[before].role == "assistant":
            gone.add(before)
            before -= 1
        while before >= 0 and turns[before].role == "user":
            gone.add(before)
            before -= 1
        while after < len(turns) and turns[after].role == "assistant":
            gone.add(after)
            after += 1
    kept = [turn for at, turn in enumerate(turns) if at not in gone]
    if not any(turn.role == "assistant" for turn in kept):
        raise Refused(NOT_TRAINED, "each of its answers is marked as not to be trained on")
    numbers = ", ".join(str(at + 1) for at in off[:8]) + (", …" if len(off) > 8 else "")
    several = "s are" if len(off) > 1 else " is"
    reason = (
        f"{len(off)} answer{several} marked as not to be trained on, and left out with the "
        f"question (message {numbers})"
    )
    return kept, ((NOT_TRAINED, reason),)


def _lost_thoughts(messages: Sequence[Any]) -> tuple[tuple[str, str], ...]:
    lost = sum(isinstance(one, dict) and thoughts_of(one) is None for one in messages)
    return (("thoughts", f"the thoughts of {lost} messages are no text"),) if lost else ()


def _unwrapped(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the record inside the box that an export or a web service put it in."""
    for box, mark in (("chat", ""), ("row", "row_idx"), ("_source", "_id")):
        inner = fields.get(box)
        if isinstance(inner, dict) and (mark in fields or (not mark and known(inner))):
            return inner if mark else {**fields, **inner}
    return fields


def _marked(text: str, fields: Mapping[str, Any], columns: Columns) -> Dialogue:
    said = taken_apart(text)
    if not said:
        raise Refused("no-turns", "a text without markers between its turns, such as <|user|>")
    turns = [turn_of(_said(role, part), number) for number, (role, part) in enumerate(said, 1)]
    return tidy(_with_system(fields, columns, turns), "text")


def _instances(
    fields: Mapping[str, Any], columns: Columns, lists: ListsAre | Literal[""]
) -> list[Dialogue]:
    """Return a dialogue for each answer to one instruction; a bad one costs itself alone."""
    found: list[Dialogue] = []
    refused: list[tuple[str, str]] = []
    instances = fields.get("instances")
    if not isinstance(instances, list) or not instances:
        raise Refused("no-answer", "it has no instances")
    for number, instance in enumerate(instances, 1):
        inner = instance if isinstance(instance, dict) else {}
        whole = {**inner, columns.prompt: fields.get(columns.prompt)}
        below = known(whole)
        try:
            if below is None or not below.answer:
                raise Refused("no-answer", "it has no output")
            if not is_row_trained(inner):
                raise Refused(NOT_TRAINED, NOT_A_ROW)
            at = replace(below, prompt=columns.prompt)
            found.append(_pair(whole, at, lists, referenced=True))
        except Refused as error:
            refused.append((error.code, f"instance {number}: {error.reason}"))
    if not found:
        raise Refused(*refused[0])
    return [replace(found[0], dropped=(*found[0].dropped, *refused)), *found[1:]]


def _with_system(fields: Mapping[str, Any], columns: Columns, turns: list[Turn]) -> list[Turn]:
    system = value_at(fields, columns.system) if columns.system else None
    if isinstance(system, str) and system.strip() and not any(t.role == "system" for t in turns):
        return [Turn("system", _SYSTEM_MARK.sub("", clean(system))), *turns]
    return turns


def _pair(
    fields: Mapping[str, Any],
    columns: Columns,
    lists: ListsAre | Literal[""],
    *,
    referenced: bool = False,
) -> Dialogue:
    """Return the dialogue of a prompt and its answer, each a text or a list of messages."""
    prompt, answer = value_at(fields, columns.prompt), value_at(fields, columns.answer)
    before = _earlier(fields, columns)
    layout = "instruction" if columns.input or fold(columns.prompt) == "instruction" else "prompt"
    if is_messages(prompt) or is_messages(answer):
        both = messages_in(prompt) if is_messages(prompt) else [_said("user", prompt)]
        both += messages_in(answer) if is_messages(answer) else [_said("assistant", answer)]
        said = [turn_of(message, number) for number, message in enumerate(both, 1)]
        said, dropped = _trained(both, said)
        dropped += _lost_thoughts(both)
        found = tidy(_with_system(fields, columns, [*before, *said]), layout)
        return replace(found, dropped=(*found.dropped, *dropped)) if dropped else found
    listed = answers_in(answer, columns.answer, lists=lists, referenced=referenced)
    answers = listed.texts if listed else (_answer(fields, columns.answer),)
    thoughts = thoughts_beside(fields, columns.used())
    question = _SEPARATOR.sub("", _text(fields, columns.prompt))
    said = [Turn(ROLES[role], clean(part)) for role, part in opened(question) if role in ROLES]
    if not said:
        said = [Turn("user", _with_input(fields, columns, question))]
    first = answers[0]
    if thoughts and first.strip() and not first.lstrip().startswith("<think>"):
        first = with_thoughts(clean(thoughts), first.lstrip("\n"))
    turns = _with_system(fields, columns, [*before, *said, Turn("assistant", first)])
    dialogue = tidy(turns, layout)
    if thoughts is None:
        dialogue = replace(dialogue, dropped=(*dialogue.dropped, ("thoughts", _NO_TEXT)))
    last = len(dialogue.turns) - 1
    if listed is None:
        return dialogue
    answers = tuple(taken(text).text.strip() for text in answers)
    others = [text for text in dict.fromkeys(answers) if text and text != answers[0]]
    alternatives = tuple(Alternative(last, text) for text in others)
    return replace(dialogue, alternatives=alternatives, guessed=listed.guessed)


def _said(role: str, value: Any) -> dict[str, Any]:
    return {"role": role, "content": value}


def _with_input(fields: Mapping[str, Any], columns: Columns, question: str) -> str:
    """Return the question and what it is about, which some sets have in both columns."""
    if not columns.input or not value_at(fields, columns.input):
        return question
    more = _text(fields, columns.input).strip()
    if is_no_value(more):
        return question
    if columns.input.lower() != "input" and more in question:
        return question
    return "\n\n".join(part for part in (question.strip(), more) if part)


def _earlier(fields: Mapping[str, Any], columns: Columns) -> list[Turn]:
    history = value_at(fields, columns.history) if columns.history else None
    turns: list[Turn] = []
    for pair in history if isinstance(history, list) else []:
        if isinstance(pair, list) and len(pair) == 2 and all(isinstance(p, str) for p in pair):
            turns += [Turn("user", clean(pair[0])), Turn("assistant", clean(pair[1]))]
    return turns


def _answer(fields: Mapping[str, Any], column: str) -> str:
    return _SEPARATOR.sub("", without_tokens(_text(fields, column)))


def _text(fields: Mapping[str, Any], column: str) -> str:
    value = value_at(fields, column)
    if value is None:
        return ""
    if isinstance(value, float) and not math.isfinite(value):
        return ""
    if isinstance(value, bool | int | float):
        try:
            return str(value)
        except ValueError as error:
            raise Refused("not-text", f"the field {column} is too long a number") from error
    if not isinstance(value, str):
        raise Refused("not-text", f"the field {column} is not text")
    return clean(value)


_NO_TEXT = "the thoughts beside its answer are no text"
_ELSEWHERE = "what it answers lies in a canvas, an artifact or a file"


def tidy(turns: Sequence[Turn], layout: str) -> Dialogue:
    """Bring turns into the order that a :class:`Dialogue` promises, without marks of apps.

    Turns of one speaker in a row are joined. An answer that is empty goes, and its
    question with it; so do an answer without a question, a question without an
    answer at the end, and a system turn that is not the first.

    Raises:
        Refused: No answer is left.
    """
    dropped: list[tuple[str, str]] = []
    system = ""
    kept: list[Turn] = []
    spoken = NOTHING
    for number, turn in enumerate(turns, 1):
        cleaned = taken(turn.content, turn.role, NOTHING if turn.role == "user" else spoken)
        spoken = cleaned.spoken if turn.role == "user" else spoken
        content = "" if is_blank(cleaned.text) else cleaned.text.strip()
        if turn.role == "assistant" and hollow(cleaned):
            if not kept or kept[-1].role == "user":
                dropped.append(("elsewhere", f"message {number}: {_ELSEWHERE}"))
                del kept[-1:]
        elif turn.role == "system":
            if kept or system:
                if content:
                    dropped.append(("late-system", f"message {number}: a later system message"))
            else:
                system = content
        elif turn.role == "assistant" and not content:
            if not kept or kept[-1].role == "user":
                dropped.append(("empty-answer", f"message {number}: the answer is empty"))
                del kept[-1:]
        elif turn.role == "assistant" and not kept:
            dropped.append(("no-question", f"message {number}: an answer before any question"))
        elif kept and kept[-1].role == turn.role:
            kept[-1] = Turn(turn.role, f"{kept[-1].content}\n\n{content}".strip())
        elif content or turn.role == "user":
            kept.append(Turn(turn.role, content))
    while kept and kept[-1].role == "user":
        kept.pop()
        dropped.append(("no-answer", "its last question has no answer"))
    if not kept:
        code = dropped[0][0] if len(dropped) == 1 else "no-answer"
        reason = dropped[0][1] if len(dropped) == 1 else "no assistant message answers anything"
        raise Refused(code, reason)
    empty = next((turn for turn in kept if not turn.content), None)
    if empty is not None:
        raise Refused("empty-question", "a question in it is empty")
    first = (Turn("system", system),) if system else ()
    return Dialogue((*first, *kept), layout, tuple(dropped))
