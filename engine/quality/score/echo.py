"""Does the answer say the prompt again?

Quoting is no fault: an answer that is taken out of the prompt, an edited or translated
text, a blank filled in all share words with it. A fault is an answer that copies the
*instruction*, that is the prompt from its first words, or its last sentence, and so says the
question instead of, or before, an answer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from engine.quality.score.fault import Fault, ramp
from engine.quality.score.language import word_set
from engine.quality.score.view import View, spans_of, words_of

_KEY = 5
_KEY_SINGLE = 8
_LAST = re.compile(r"[.!?。！？؟\n]")
_BLANK = re.compile(r"_{2,}|\.\.\.|…|\[mask\]|<mask>")
_LATEST = 400
_STATING = word_set(
    """
    the a an if in on at my i he she it they we this that since there un o in daca eu el ea am
    der die das ein eine wenn im ich er sie es le la les une si je il elle los las una yo
    """
)
_ASKING = word_set(
    """
    what how why who which when where whose can could does did do is are should would give write
    list name describe explain generate create find tell make suggest identify compare summarize
    ce cum cine care cand unde cat scrie explica spune descrie enumera
    was wie warum wer welche welcher welches wann wo schreibe erklare nenne
    que quel quelle comment pourquoi qui quand ou combien ecris explique
    cual como quien cuando donde cuanto escribe
    """
)


def look(view: View) -> list[Fault]:
    """Return the part of an answer that says the prompt again."""
    prompt, words = view.prompt_words, view.words
    if len(prompt) < 3 or len(words) < 3:
        return []
    size = _KEY_SINGLE if view.single else _KEY
    if len(prompt) <= size + 2:
        return _whole(view)
    joined = " ".join(words[: _LATEST + size])
    asked = view.prompt.rstrip(" \n\"'”»)*")[-1:] in "?？؟"
    for key_at in dict.fromkeys((0, _last_sentence(view) if asked else 0)):
        key = " ".join(prompt[key_at : key_at + size])
        if len(key.split(" ")) < size:
            continue
        found = joined.find(key)
        if found < 0 or (found and joined[found - 1] != " "):
            continue
        at = joined.count(" ", 0, found)
        length = _same(prompt, key_at, words, at)
        fault = _fault(view, key_at, at, length)
        if fault is not None:
            return [fault]
    return []


def _whole(view: View) -> list[Fault]:
    """Return the fault of an answer that begins with all of a very short prompt."""
    prompt = view.prompt_words
    if len(prompt) < (6 if view.single else 3) or view.words[: len(prompt)] != prompt:
        return []
    asks = "?" in view.prompt or "？" in view.prompt
    if not asks and view.words != prompt and not _first_line(view):
        return []
    return [_made(view, 0, len(prompt))]


def _first_line(view: View) -> bool:
    """Say whether the answer's first line is the prompt."""
    return view.folded.lstrip().partition("\n")[0].strip() == view.prompt_folded.strip()


def _last_sentence(view: View) -> int:
    """Return which of the prompt's words its last sentence begins with."""
    text = view.prompt_folded.rstrip().rstrip(".!?。！？؟ ")
    ends = [match.end() for match in _LAST.finditer(text, max(0, len(text) - 1000))]
    if not ends:
        return 0
    return len(view.prompt_words) - len(words_of(text[ends[-1] :]))


def _same(prompt: Sequence[str], first: int, words: Sequence[str], at: int) -> int:
    length = 0
    for mine, theirs in zip(prompt[first:], words[at:], strict=False):
        if mine != theirs:
            break
        length += 1
    return length


def _fault(view: View, key_at: int, at: int, length: int) -> Fault | None:
    of_prompt = length / (len(view.prompt_words) - key_at)
    if _BLANK.search(view.prompt_folded) and of_prompt < 1:
        return None
    asks = "?" in view.prompt or "？" in view.prompt or "؟" in view.prompt
    if view.code and of_prompt < 1:
        return None
    least = 12 if view.single else 7
    if at == 0 and view.prompt_words[0] in _ASKING:
        least = _KEY
    if of_prompt < 0.4 and length < 2 * least:
        return None
    if length < least and not (of_prompt == 1 and (asks or _first_line(view))):
        return None
    if key_at and at > 3:
        return None  # The end of a prompt, found later, is mostly the text to work on.
    fault = _made(view, at, length)
    if of_prompt < 1 and not key_at and (at or view.single or _states(view, length)):
        # Problems state facts before they ask, and "to calculate the …" takes up what was
        # asked: an answer may begin so.
        return Fault("echo", "echo", 0.5 * fault.weight, fault.reason, fault.start, fault.end)
    if at > 3 * least:
        return Fault("echo", "echo", fault.weight * 0.4, fault.reason, fault.start, fault.end)
    return fault


def _states(view: View, length: int) -> bool:
    """Say whether the prompt's first sentence says something instead of asking for it."""
    if view.prompt_words[0] in _STATING:
        return True
    first = re.split(r"(?<=[.?!。？！])\s", view.prompt.lstrip(), maxsplit=1)
    return len(first) > 1 and first[0].endswith(".") and "?" in first[1] and length < 25


def _made(view: View, at: int, length: int) -> Fault:
    share = length / len(view.words)
    weight = 0.32 + 0.6 * ramp(share, 0.1, 0.9)
    spans = spans_of(view.prose, at + length)
    start, end = spans[at][0], spans[-1][1]
    why = f"the first {length} words say the prompt again"
    if share > 0.9:
        why = "the answer is the prompt again"
    return Fault("echo", "echo", weight, why, start, end)
