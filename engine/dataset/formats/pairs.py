"""Formats that hold a question and its answer in columns of their own."""

from __future__ import annotations

from engine.dataset.formats.base import Converted, refused
from engine.dataset.formats.marked import to_completion
from engine.models import Turn

_ENDS_OTHERWISE = refused("last-not-answer", "it does not end with an answer")


def to_instruction(turns: tuple[Turn, ...]) -> Converted:
    """Return a conversation as ``prompt`` and ``completion``.

    With one question the prompt is that question. Whatever else comes before the
    last answer is written into the prompt with the markers of ``completion``.
    """
    if not turns or turns[-1].role != "assistant":
        return _ENDS_OTHERWISE
    *before, answer = turns
    if [turn.role for turn in before] == ["user"]:
        return Converted({"prompt": before[0].content, "completion": answer.content})
    if not before:
        return refused("no-question", "nobody asks anything in it")
    marked = to_completion(tuple(before))
    if marked.fields is None:
        return marked
    prompt = f"{marked.fields['text']}\n<|assistant|>\n"
    system = before[0].role == "system" and len(before) == 2
    what = "system message" if system else "earlier turns"
    return Converted(
        {"prompt": prompt, "completion": answer.content},
        note=f"{what} written into the prompt",
    )


def to_alpaca(turns: tuple[Turn, ...]) -> Converted:
    """Return a conversation as ``instruction``, ``input`` and ``output``.

    The input is empty: what a question is about stands in the question. A system message
    and earlier exchanges get the columns ``system`` and ``history``, as LLaMA-Factory
    reads them; Stanford's own script knows neither.
    """
    if not turns or turns[-1].role != "assistant":
        return _ENDS_OTHERWISE
    system = turns[0].content if turns[0].role == "system" else ""
    said = turns[1:] if turns[0].role == "system" else turns
    if [turn.role for turn in said] != ["user", "assistant"] * (len(said) // 2):
        return refused("order", "its turns are not a question and an answer each")
    pairs = [[said[at].content, said[at + 1].content] for at in range(0, len(said), 2)]
    fields = {"instruction": pairs[-1][0], "input": "", "output": pairs[-1][1]}
    further = [name for name, value in (("system", system), ("history", pairs[:-1])) if value]
    note = f"a column {' and '.join(further)} beside alpaca's own" if further else ""
    if system:
        fields["system"] = system
    return Converted(fields | ({"history": pairs[:-1]} if pairs[:-1] else {}), note=note)
