"""The labels in texts that set questions and answers apart, such as "Question:" and "User:"."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from engine.sources.cache.mapping import Mapping
from engine.sources.cache.places import LABEL, Place
from engine.sources.cache.rows import Row
from engine.sources.cache.words import Side, names_speaker, side_of
from engine.sources.columns import fold
from engine.sources.facts import clean
from engine.sources.items import Refused

_COMMON = 0.3
_CHARACTERS = 20_000
_PLAINLY = 2
# Question and answer in German, Turkish, Romanian, Spanish, French.
_LETTERS = (("f", "a"), ("s", "c"), ("i", "r"), ("p", "r"), ("q", "r"))
_HEADING = re.compile(
    r"^[^\S\n]{0,3}(?:#{1,6}[^\S\n]|\*\*|__)[*_]{0,3}([^\W\d_]+(?: [^\W\d_]+){0,2})"
    r"(?:[^\S\n]*\d{1,4})?[*_]{0,3}[^\S\n]*$",
    re.MULTILINE,
)
_INSIDE = re.compile(r"(?<!\w)([^\W\d_]{1,20}(?: [^\W\d_]{1,20})?)(?: \d{1,4})?[*_`]{0,3} ?[:：]")


def labelled(rows: Sequence[Row]) -> Iterator[tuple[Mapping, float]]:
    """Suggest labels in the documents, such as "Question:" and "Answer:"."""
    texts = [clean(row.document[:_CHARACTERS]) for row in rows if row.document]
    at_lines, inside = _labels(texts)
    sides: dict[Side, list[str]] = {"question": [], "answer": []}
    for label, _ in (at_lines + inside).most_common():
        side = side_of(label.rstrip(":"))
        if side and len(sides[side]) < 4:
            sides[side].append(label)
    for asked in sides["question"]:
        for answered in sides["answer"]:
            speakers = names_speaker(asked[:-1]) and names_speaker(answered[:-1])
            part = "turns" if speakers else "after"
            until = "" if speakers else _following(texts, asked, answered, at_lines)
            yield _after(asked, answered, until, part), 0.97
    for answered in sides["answer"] if not sides["question"] else ():
        after = Place("document", part="after", label=answered)
        yield Mapping(Place("document", part="before", label=answered), after), 0.85
    yield from _by_letters(at_lines)
    yield from _unknown_labels(rows, at_lines)


def plainly_labelled(rows: Sequence[Row]) -> list[Mapping]:
    """Return the mappings by which some documents are exchanges beyond doubt.

    They begin with a label that asks, and a later line begins with one that answers, as
    ``User: …`` and ``AI: …`` do. Such rows may be few among passages of other text.
    """
    pairs: Counter[tuple[str, str]] = Counter()
    for row in rows:
        text = clean(row.document[:_CHARACTERS]).lstrip()
        first = LABEL.match(text)
        if first is None or side_of(first[1]) != "question":
            continue
        later = LABEL.finditer(text, first.end())
        answered = next((hit[1] for hit in later if side_of(hit[1]) == "answer"), "")
        if answered:
            pairs[f"{first[1]}:", f"{answered}:"] += 1
    found = []
    for (asked, answered), count in pairs.most_common(3):
        if count >= _PLAINLY:
            speakers = names_speaker(asked[:-1]) and names_speaker(answered[:-1])
            found.append(_after(asked, answered, part="turns" if speakers else "after"))
    return found


def _by_letters(at_lines: Counter[str]) -> Iterator[tuple[Mapping, float]]:
    """Suggest pairs of single letters, which say nothing alone."""
    letters = {fold(label[:-1]): label for label in at_lines if len(label) == 2}
    for asked, answered in _LETTERS:
        if asked in letters and answered in letters:
            yield _after(letters[asked], letters[answered]), 0.9


def _after(asked: str, answered: str, until: str = "", part: str = "after") -> Mapping:
    return Mapping(
        Place("document", part=part, label=asked, until=until),
        Place("document", part=part, label=answered, until=until),
    )


def _labels(texts: Sequence[str]) -> tuple[Counter[str], Counter[str]]:
    """Count the texts in which each label stands at the beginning of a line, and inside of one."""
    at_lines: Counter[str] = Counter()
    inside: Counter[str] = Counter()
    for text in texts:
        seen = {f"{hit[1]}:" for hit in LABEL.finditer(text)}
        headings = (hit[1] for hit in _HEADING.finditer(text))
        seen |= {f"{heading}:" for heading in headings if side_of(heading)}
        at_lines.update(seen)
        others = set()
        for hit in _INSIDE.finditer(text):
            # Of "the AI answer:" the last word or two are the label.
            for name in (hit[1], hit[1].rpartition(" ")[2]):
                if side_of(name):
                    others.add(f"{name}:")
                    break
        inside.update(others - seen)
    least = max(_COMMON * len(texts), 1)
    return (
        Counter({label: count for label, count in at_lines.items() if count >= least}),
        Counter({label: count for label, count in inside.items() if count >= least}),
    )


def _following(texts: Sequence[str], asked: str, answered: str, at_lines: Counter[str]) -> str:
    """Return the label that ends an exchange, as where each row was a table's with columns.

    It has to follow the exchange in nearly all texts: a "Note:" in some belongs to the answer.
    """
    following: Counter[str] = Counter()
    seen = 0
    for text in texts:
        labels = [f"{hit[1]}:" for hit in LABEL.finditer(text)]
        both = [number for number, label in enumerate(labels) if label in (asked, answered)]
        if len(both) < 2:
            continue
        seen += 1
        later = [label for label in labels[both[1] + 1 :] if label in at_lines]
        following.update(later[:1])
    label, count = following.most_common(1)[0] if following else ("", 0)
    known = label in (asked, answered) or not label
    return "" if known or seen < 5 or count < 0.9 * seen else label


def _unknown_labels(rows: Sequence[Row], at_lines: Counter[str]) -> Iterator[tuple[Mapping, float]]:
    """Suggest labels in a language that is not known, where one's texts are questions."""
    common = [label for label, count in at_lines.most_common(6) if count >= 0.7 * len(rows)]
    for asked in common:
        if side_of(asked[:-1]):
            continue
        for answered in common:
            if answered == asked or side_of(answered[:-1]):
                continue
            mapping = _after(asked, answered)
            if _asked_by(mapping, rows) >= 0.7:
                yield mapping, 0.85


def _asked_by(mapping: Mapping, rows: Sequence[Row]) -> float:
    """Return the share of a mapping's questions that end with a question mark."""
    marked = total = 0
    for row in rows:
        try:
            found = mapping.exchanges(row)
        except Refused:
            continue
        for exchange in found.exchanges:
            total += 1
            marked += exchange.turns[0].content.rstrip("\"'”’»)*_").endswith(("?", "？", "؟"))
    return marked / total if total else 0.0
