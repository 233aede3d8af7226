"""Thinking parts: what a model writes for itself before its answer, and how templates mark it."""

from __future__ import annotations

import re
from dataclasses import dataclass

_IN_CONTENT = re.compile(r"\s*<think>(?P<thinking>.*?)</think>(?P<answer>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Marks:
    """How a family of models writes a thinking part.

    ``gap`` stands between the part and the answer where a template writes no such part.
    """

    start: str
    end: str
    gap: str = ""


# From the templates of the models themselves: DeepSeek, Qwen, GLM and Nemotron; Seed; Cohere;
# Gemma 4; Magistral; Apriel.
_FAMILIES = (
    _Marks("<think>", "</think>", "\n\n"),
    _Marks("<seed:think>", "</seed:think>"),
    _Marks("<|START_THINKING|>", "<|END_THINKING|>"),
    _Marks("<|channel>thought\n", "<channel|>"),
    _Marks("[THINK]", "[/THINK]"),
    _Marks("Here are my reasoning steps:\n", "[BEGIN FINAL RESPONSE]", "\n"),
)


def has_thinking(content: str) -> bool:
    """Whether an answer begins with a thinking part, be it an empty one."""
    return _IN_CONTENT.fullmatch(content) is not None


def split_thinking(content: str) -> tuple[str, str]:
    """Return an answer's thinking part and the rest; the first is empty where there is none."""
    match = _IN_CONTENT.fullmatch(content)
    if match is None:
        return "", content
    return match["thinking"].strip("\n"), match["answer"].lstrip("\n")


def only_thinking(text: str) -> bool:
    """Whether a text is nothing but a thinking part and white space, or empty."""
    return not text.strip() or any(_is_part(text.strip(), marks) for marks in _FAMILIES)


def _is_part(text: str, marks: _Marks) -> bool:
    return text.startswith((marks.start, marks.end)) and text.endswith(marks.end)


def opening_at_end(prompt: str) -> int:
    """Return where the thinking part begins that a prompt ends with; its length for none.

    The part may be open, to be written by the model, or already closed.
    """
    stripped = prompt.rstrip()
    for marks in _FAMILIES:
        if stripped.endswith(marks.end):
            inside = stripped.removesuffix(marks.end).rstrip()
            # DeepSeek's newer templates close a part that they never opened.
            start = inside.removesuffix(marks.start.rstrip())
            return len(start) if start != inside else len(stripped) - len(marks.end)
        if stripped.endswith(marks.start.rstrip()):
            return len(stripped.removesuffix(marks.start.rstrip()))
    return len(prompt)


def continued(opening: str, finished: str, content: str) -> str | None:
    """Return a finished answer as the continuation of a prompt that deals with thinking.

    A prompt that opens a thinking part makes the model close it; one that holds an empty
    part makes it answer at once. What a template writes of finished answers has often
    neither, so the answer that is trained would follow a prompt that it never meets.

    Args:
        opening: The end of the prompt, from where its thinking part begins.
        finished: The finished text from the same place on.
        content: The answer as it was given to the template.

    Returns:
        What the model has to write after the prompt; None where the answer thinks and the
        prompt has closed that part.
    """
    marks = next(m for m in _FAMILIES if m.start.rstrip() in opening or m.end in opening)
    thought, rest = _apart(finished, marks)
    closed = marks.end in opening
    if closed:
        return None if thought else (finished if rest is None else rest)
    if rest is not None:
        return f"{thought}{marks.end}{rest}"
    thought = split_thinking(content)[0]
    if thought:
        if finished.lstrip().removeprefix(thought).lstrip().startswith(marks.end):
            return finished
        if "<think>" in finished and thought in finished:
            thought = ""  # the template keeps it as a part of the answer
    line = "\n" if opening.endswith("\n") else ""
    return f"{thought}{line}{marks.end}{marks.gap}{finished.lstrip() if marks.gap else finished}"


def _apart(finished: str, marks: _Marks) -> tuple[str, str | None]:
    """Return the thinking part that a finished text begins with, and the rest; None for none."""
    text = finished.lstrip()
    if not text.startswith((marks.start, marks.end)):
        return "", None
    thought, end, rest = text.removeprefix(marks.start).partition(marks.end)
    return (thought.lstrip("\n") if thought.strip() else "", rest) if end else ("", None)
