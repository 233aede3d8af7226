"""Taking secrets and personal data out of a text, with a placeholder in the place of each.

The same value gets the same placeholder everywhere in a workspace, so that a conversation
still makes sense: ``[PERSON_1] wrote to [EMAIL_1]``. What was replaced is never written
down: a workspace remembers keyed hashes of values, by which it knows them again.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from engine.models import Flag, Turn
from engine.quality.base import Check
from engine.quality.finder import Finder, Hole, Value, severity
from engine.quality.placeholders import PLACEHOLDER
from engine.quality.values import normal_value, word_for

REDACTED_KINDS = ("secret", "personal")
_ROUNDS = 5


class Placeholders(Protocol):
    """Gives values their placeholders."""

    def all_of(self, values: Sequence[tuple[str, str]], avoid: Collection[str] = ()) -> list[str]:
        """Return the placeholders of codes and values; none is one of those to avoid."""
        ...

    def issued(self, mark: str) -> bool:
        """Return whether a placeholder may have been given out."""
        ...


@dataclass(frozen=True, slots=True)
class Replaced:
    """What was replaced: the flag's code, its placeholder, and how often it was put in."""

    code: str
    placeholder: str
    count: int


@dataclass(frozen=True, slots=True)
class Redacted:
    """Turns without what was flagged.

    Args:
        turns: As many as before, with the same roles.
        also: The other texts that were handed over, redacted likewise.
        replaced: What was replaced, in the order of its first place.
    """

    turns: tuple[Turn, ...]
    also: tuple[str, ...] = ()
    replaced: tuple[Replaced, ...] = ()


def redact(
    turns: Sequence[Turn],
    flags: Sequence[Flag],
    *,
    names: Placeholders,
    also: Sequence[str] = (),
    authored: Collection[str] = (),
) -> Redacted:
    """Replace what is flagged as secret or personal, everywhere in an example.

    Where flags overlap, one placeholder stands for all that they cover, named by the
    longest of them (of two as long, by the more severe). Other occurrences of a flagged
    value are replaced too, in any turn and in ``also``, also in another spelling: an e-mail
    address in another case, a number with other spaces. Whole words alone count, except for
    secrets of six characters and more, which are replaced inside of other words as well.

    Args:
        turns: The conversation.
        flags: What checks found in just these turns. Flags of other kinds, and those of the
            whole example (``turn`` is -1), are passed over.
        names: Gives the placeholders.
        also: Other texts of the example, such as its alternatives or its title.
        authored: Placeholders that the author wrote, such as those of the example's original
            text. No value gets one of them, nor any other that ``names`` never gave.

    Returns:
        The conversation without the values. What is no part of one is as it was.
    """
    by_turn: dict[int, list[Flag]] = {}
    for flag in flags:
        by_turn.setdefault(flag.turn, []).append(flag)
    marked = [_holes(turn.content, by_turn.get(index, ())) for index, turn in enumerate(turns)]
    values = list(dict.fromkeys(hole.value for holes in marked for hole in holes))
    values = list(dict.fromkeys([*values, *flagged_values(turns, flags)]))
    if not values:
        return Redacted(tuple(turns), tuple(also))
    finder = Finder(values)
    texts = [turn.content for turn in turns] + list(also)
    marked += [[] for _ in also]
    namer = _Namer(names, {*authored, *written_marks(texts, names)})
    counts: dict[tuple[str, str], int] = {}
    clean = [
        _cleaned(text, holes, finder, namer, counts)
        for text, holes in zip(texts, marked, strict=True)
    ]
    size = len(turns)
    new_turns = tuple(
        replace(turn, content=text) for turn, text in zip(turns, clean[:size], strict=True)
    )
    replaced = tuple(Replaced(code, mark, count) for (code, mark), count in counts.items())
    return Redacted(new_turns, tuple(clean[size:]), replaced)


def redact_by(
    checks: Sequence[Check],
    turns: Sequence[Turn],
    *,
    names: Placeholders,
    also: Sequence[str] = (),
    authored: Collection[str] = (),
) -> Redacted:
    """Redact what checks find, until they find nothing more.

    What stands around a value decides what else is found; so the checks look again at what
    was redacted, a few times at most. What they find in ``also`` alone is not looked for.
    """
    result = Redacted(tuple(turns), tuple(also))
    texts = [turn.content for turn in turns] + list(also)
    authored = {*authored, *written_marks(texts, names)}
    for _ in range(_ROUNDS):
        flags = remaining(checks, result.turns)
        if not flags:
            break
        new = redact(result.turns, flags, names=names, also=result.also, authored=authored)
        result = Redacted(new.turns, new.also, _summed(result.replaced + new.replaced))
        if not new.replaced:
            break
    return result


def remaining(checks: Sequence[Check], turns: Sequence[Turn]) -> tuple[Flag, ...]:
    """Return the secrets and personal data that checks find in turns, as they are now."""
    return tuple(
        flag for check in checks for flag in check.look(turns).flags if flag.kind in REDACTED_KINDS
    )


def holding(turns: Sequence[Turn], flags: Sequence[Flag], texts: Sequence[str]) -> tuple[int, ...]:
    """Return which of some other texts, by their place, hold a flagged value of the turns."""
    values = flagged_values(turns, flags)
    if not values:
        return ()
    finder = Finder(values)
    return tuple(place for place, text in enumerate(texts) if finder.holes(text))


def _spans(turns: Sequence[Turn], flags: Sequence[Flag]) -> Iterator[tuple[int, Flag]]:
    """Yield the flags that a redaction is about, with their stretches made whole."""
    for flag in flags:
        if flag.kind not in REDACTED_KINDS or not 0 <= flag.turn < len(turns):
            continue
        size = len(turns[flag.turn].content)
        start, end = max(0, flag.start), min(flag.end, size)
        if flag.start == flag.end:
            start, end = 0, size
        if start < end:
            yield flag.turn, replace(flag, start=start, end=end)


def flagged_values(turns: Sequence[Turn], flags: Sequence[Flag]) -> list[Value]:
    """Return the different values that flags mark in turns."""
    found: dict[Value, None] = {}
    for index, flag in _spans(turns, flags):
        text = turns[index].content[flag.start : flag.end]
        if text.strip() and not PLACEHOLDER.fullmatch(text):
            found[Value(flag.code, text, flag.kind == "secret")] = None
    return list(found)


def _holes(text: str, flags: Sequence[Flag]) -> list[Hole]:
    turn = Turn("user", text)
    own = [replace(flag, turn=0) for flag in flags]
    holes = [
        Hole(f.start, f.end, Value(f.code, text[f.start : f.end], f.kind == "secret"))
        for _, f in _spans([turn], own)
    ]
    return _merged(holes, text)


def _merged(holes: Sequence[Hole], text: str) -> list[Hole]:
    """Return holes that don't overlap; where some did, one that covers them all."""
    kept = _outside_placeholders(holes, text)
    kept.sort(key=lambda h: (h.start, -h.end, severity(h.value)))
    result: list[Hole] = []
    namer: Hole | None = None
    for hole in kept:
        if namer is None or hole.start >= result[-1].end:
            result.append(hole)
            namer = hole
            continue
        last = result[-1]
        namer = min(namer, hole, key=lambda h: (h.start - h.end, severity(h.value)))
        end = max(last.end, hole.end)
        secret = last.value.secret or hole.value.secret
        whole = Value(namer.value.code, text[last.start : end], secret)
        result[-1] = Hole(last.start, end, whole)
    return result


def _outside_placeholders(holes: Sequence[Hole], text: str) -> list[Hole]:
    """Leave out holes inside of a placeholder; those that cut one grow to take it whole."""
    marks = [match.span() for match in PLACEHOLDER.finditer(text)]
    ends = [end for _, end in marks]
    result = []
    for hole in holes:
        start, end = hole.start, hole.end
        place = bisect_right(ends, start)
        inside = False
        while place < len(marks) and marks[place][0] < end:
            mark_start, mark_end = marks[place]
            inside = inside or (mark_start <= start and end <= mark_end)
            start, end = min(start, mark_start), max(end, mark_end)
            place += 1
        if inside:
            continue
        value = hole.value
        if (start, end) != (hole.start, hole.end):
            value = replace(value, text=text[start:end])
        result.append(Hole(start, end, value))
    return result


def _cleaned(
    text: str,
    holes: Sequence[Hole],
    finder: Finder,
    namer: _Namer,
    counts: dict[tuple[str, str], int],
) -> str:
    """Return a text without its holes and without any other occurrence of a value.

    A placeholder may lay a value bare that was part of a longer word, so it is looked again
    until there is none. Each round takes characters that no placeholder gives back.
    """
    found = _merged([*holes, *finder.holes(text)], text)
    while found:
        text = _filled(text, found, namer, counts)
        found = _merged(finder.holes(text), text)
    return text


def _filled(
    text: str, holes: Sequence[Hole], namer: _Namer, counts: dict[tuple[str, str], int]
) -> str:
    pieces = []
    place = 0
    for hole, mark in zip(holes, namer.marks(holes), strict=True):
        pieces += [text[place : hole.start], mark]
        place = hole.end
        counts[hole.value.code, mark] = counts.get((hole.value.code, mark), 0) + 1
    return "".join([*pieces, text[place:]])


class _Namer:
    """Names the values of one example, all that a text holds in one request."""

    def __init__(self, names: Placeholders, avoid: Collection[str]) -> None:
        self._names = names
        self._avoid = avoid
        self._known: dict[tuple[str, str], str] = {}

    def marks(self, holes: Sequence[Hole]) -> list[str]:
        """Return the placeholders of holes."""
        values = [(hole.value.code, hole.value.text) for hole in holes]
        new = [value for value in dict.fromkeys(values) if value not in self._known]
        if new:
            self._known.update(zip(new, self._names.all_of(new, self._avoid), strict=True))
        return [self._known[value] for value in values]


def written_marks(texts: Sequence[str], names: Placeholders) -> set[str]:
    """Return the placeholders in texts that can only be an author's: none was given out so."""
    found = {match.group() for text in texts for match in PLACEHOLDER.finditer(text)}
    return {mark for mark in found if not names.issued(mark)}


def _summed(replaced: Sequence[Replaced]) -> tuple[Replaced, ...]:
    counts: dict[tuple[str, str], int] = {}
    for each in replaced:
        key = (each.code, each.placeholder)
        counts[key] = counts.get(key, 0) + each.count
    return tuple(Replaced(code, mark, count) for (code, mark), count in counts.items())


__all__ = [
    "REDACTED_KINDS",
    "Placeholders",
    "Redacted",
    "Replaced",
    "flagged_values",
    "holding",
    "normal_value",
    "redact",
    "redact_by",
    "remaining",
    "word_for",
    "written_marks",
]
