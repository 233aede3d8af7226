"""A form taken apart into what ends a message and what begins one, as people write templates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from engine.export.ollama.form import END, SPACES, START, Form, Strip


@dataclass(frozen=True, slots=True)
class Parts:
    """Glue in two parts: the end of the message before, by role, and the rest, by pair.

    ``begins`` is that rest by role, where it is the same after every message.
    """

    ends: Mapping[str, str]
    rests: Mapping[tuple[str, str], str]
    begins: Mapping[str, str]


def parts(form: Form) -> Parts:
    """Take a form apart.

    Glue between an answer and a question is cut where all other glue can be cut to match; of such
    places it is the one after which most roles begin as they do at the start of a text.
    """
    whole = form.glue["assistant", "user"]
    best = None
    starts = {second: text for (first, second), text in form.glue.items() if first == START}
    # Answers of tools are often put into one turn, so that what ends them depends on what follows.
    for tools in (True, False):
        cuts = [_cut(form, whole[:at], whole[at:], tools=tools) for at in range(len(whole) + 1)]
        best = best or max(
            (cut for cut in cuts if cut is not None),
            key=lambda cut: len(starts.items() & cut.begins.items()),
            default=None,
        )
    return best or Parts({}, form.glue, {})


def _cut(form: Form, end: str, begin: str, *, tools: bool) -> Parts | None:
    ends, begins = {"assistant": end}, {"user": begin}
    apart = (START,) if tools else (START, "tool")
    pairs = {pair: text for pair, text in form.glue.items() if pair[0] not in apart}
    while pairs:
        known = [pair for pair in pairs if pair[0] in ends or pair[1] in begins]
        if not known:
            return None
        for first, second in known:
            text = pairs.pop((first, second))
            if first in ends:
                if not text.startswith(ends[first]):
                    return None
                rest = text.removeprefix(ends[first])
                if begins.setdefault(second, rest) != rest:
                    return None
            else:
                if not text.endswith(begins[second]):
                    return None
                ends[first] = text.removesuffix(begins[second])
    rests = {
        (first, second): text.removeprefix(ends.get(first, ""))
        for (first, second), text in form.glue.items()
    }
    return Parts(ends, rests, begins)


def completed(form: Form) -> Form:
    """Return the form with a place for more messages than the template takes.

    Where messages end and begin in the same way wherever they stand, they may follow one another
    in any order. Otherwise no question is lost: after another one, or what a tool gave, it stands
    as after an empty answer. (Ollama joins questions, but for a system message between them that
    goes into the second.)
    """
    cut = parts(form)
    glue = dict(form.glue)
    for first in form.roles if cut.begins else ():
        for second in (*form.roles, END):
            if first in cut.ends and second in cut.begins:
                glue.setdefault((first, second), cut.ends[first] + cut.begins[second])
    if END in cut.begins:
        glue[START, END] = cut.begins[END]
    for first, second, between in (
        ("user", "user", "assistant"),
        ("tool", "user", "assistant"),
        ("assistant", "assistant", "user"),
    ):
        if (first, between) in glue:
            glue.setdefault((first, second), glue[first, between] + glue[between, second])
    if "system" in form.roles:
        glue.setdefault(("system", "system"), "\n\n")
    return replace(form, glue=glue, strips=_completed_strips(form, glue))


def _completed_strips(
    form: Form, glue: Mapping[tuple[str, str], str]
) -> dict[tuple[str, str], Strip]:
    """Return what is removed around contents, for pairs too that the template doesn't take."""
    strips = dict(form.strips)
    usual = {"user": "assistant", "assistant": "user", "system": START, "tool": "assistant"}
    for first, second in glue.keys() - form.glue.keys():
        strip = form.strips.get((usual.get(second, ""), second))
        if strip is not None:
            strips[first, second] = strip
    # A system message without a place goes into a question, as ``Tokenizer.prepared`` folds it.
    whole = Strip("".join(SPACES), "".join(SPACES))
    for first in (START, *form.roles):
        if (first, "system") not in glue:
            strips[first, "system"] = whole
    return strips
