"""Which rows belong together, so that they may not be on two sides.

Joined are, whatever stands between them (single linkage):

- rows of one document: a note, a conversation, a record; and parts of a conversation whose
  ids differ by a running number (``x_0``, ``x_1``), as those of ShareGPT do;
- near-duplicates: rows whose questions and whose answers are both near each other;
- rows whose long answers are near each other, or equal but for spelling;
- rows that ask the same, but for spelling; a question that very many rows ask is a
  form of words and joins nothing, which is reported.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median

from engine.dataset.candidates import Candidate
from engine.models import Turn
from engine.similarity import normal_form, parts
from engine.similarity.texts import key_of

SAME_ANSWER_CHARS = 80
"""Shorter answers ("Yes, thank you.") are equal by chance."""

TEMPLATE_SHARE = 0.05
TEMPLATE_ROWS = 3
"""A question of more rows than either is a form of words: its group could hardly be held out."""


MAX_PARTS = 20
"""The most parts that a conversation may usually have been cut into."""


@dataclass(frozen=True, slots=True)
class Template:
    """A question that so many rows ask that it joins none of them."""

    question: str
    rows: int


@dataclass(frozen=True, slots=True)
class Grouping:
    """Rows in groups that stay whole.

    Args:
        groups: The places of each group's rows, ascending, and the groups by their first.
        joined: How many groups fewer there are for each rule, in the rules' order:
            "document", "duplicate", "answer", "question".
        templates: Questions of very many rows, the commonest first.
        same_question: False where rows of one question are apart, since all rows would
            have been one group.
    """

    groups: tuple[tuple[int, ...], ...]
    joined: dict[str, int] = field(default_factory=dict)
    templates: tuple[Template, ...] = ()
    same_question: bool = True

    @property
    def largest(self) -> int:
        """How many rows the largest group has."""
        return max(map(len, self.groups), default=0)


@dataclass(frozen=True, slots=True)
class NearClusters:
    """Near-duplicates by place in the queue: of whole examples, and of answers."""

    both: tuple[tuple[int, ...], ...] = ()
    answers: tuple[tuple[int, ...], ...] = ()


class _Union:
    """Disjoint sets of numbers."""

    def __init__(self, size: int) -> None:
        self._parent = list(range(size))
        self.count = size

    def root(self, node: int) -> int:
        parent = self._parent
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    def join(self, nodes: Iterable[int]) -> None:
        first = -1
        for node in nodes:
            if first < 0:
                first = self.root(node)
                continue
            other = self.root(node)
            if other != first:
                low, first = sorted((first, other))
                self._parent[first] = low
                first = low
                self.count -= 1


def group(
    rows: Sequence[Candidate],
    near: NearClusters = NearClusters(),
    *,
    same_question: bool = True,
    near_text: bool = True,
) -> Grouping:
    """Put rows that belong together into groups.

    Args:
        rows: The rows.
        near: Near-duplicates among all examples of the workspace, whether rows or not:
            two rows may be near each other by one that is none.
        same_question: Whether rows that ask the same stay together.
        near_text: Whether rows with equal text stay together; for tests.
    """
    union = _Union(len(rows))
    joined: dict[str, int] = {}

    def by(rule: str, classes: Iterable[Iterable[int]]) -> None:
        before = union.count
        for one in classes:
            union.join(one)
        joined[rule] = before - union.count

    by("document", _classes(rows, lambda one: [one.row.group]))
    by("series", _series(rows))
    joined["document"] += joined.pop("series")
    forms = [_Forms.of(one) for one in rows]
    place = {one.position: index for index, one in enumerate(rows) if one.position >= 0}
    by("duplicate", ([place[at] for at in cluster if at in place] for cluster in near.both))
    if near_text:
        by("duplicate-text", _places(forms, lambda one: [_whole(one)]))
        joined["duplicate"] += joined.pop("duplicate-text")
    # Links of short answers count on the way from one long answer to another: dropping
    # them first could part two that are near each other by a chain of the forest.
    by(
        "answer",
        (
            [place[at] for at in cluster if at in place and forms[place[at]].long]
            for cluster in near.answers
        ),
    )
    if near_text:
        by("answer-text", _places(forms, lambda one: one.answers))
        joined["answer"] += joined.pop("answer-text")
    if not same_question:
        return Grouping(_sets(union, len(rows)), joined)
    without = _sets(union, len(rows))
    asked = _places(forms, lambda one: [one.prompt])
    most = max(TEMPLATE_ROWS, TEMPLATE_SHARE * len(rows))
    templates = [one for one in asked if len(one) > most]
    by("question", (one for one in asked if len(one) <= most))
    if union.count < 2 <= len(without):
        return Grouping(without, joined | {"question": 0}, (), same_question=False)
    return Grouping(_sets(union, len(rows)), joined, _described(templates, rows))


@dataclass(frozen=True, slots=True)
class _Forms:
    """What is compared of a row: keys of normal forms; those of long answers one by one."""

    prompt: bytes
    answer: bytes
    answers: tuple[bytes, ...]
    long: bool

    @classmethod
    def of(cls, one: Candidate) -> _Forms:
        turns = one.row.turns
        pair = parts(turns)
        answers = [turn for turn in turns if turn.role == "assistant"]
        whole = key_of(normal_form(pair.answer))
        if len(answers) == 1:
            separate: tuple[bytes, ...] = (whole,) if _is_long(answers[0]) else ()
        else:
            separate = tuple(
                key_of(normal_form(turn.content)) for turn in answers if _is_long(turn)
            )
        return cls(
            key_of(normal_form(pair.prompt)),
            whole,
            tuple(key for key in separate if key),
            is_long(pair.answer),
        )


def _is_long(turn: Turn) -> bool:
    return is_long(turn.content)


def is_long(answer: str) -> bool:
    """Say whether an answer is so long that another like it is no chance."""
    return len(answer.strip()) >= SAME_ANSWER_CHARS


def _classes(
    rows: Sequence[Candidate], names: Callable[[Candidate], Iterable[str]]
) -> list[list[int]]:
    found: defaultdict[str, list[int]] = defaultdict(list)
    for index, one in enumerate(rows):
        for name in names(one):
            found[name].append(index)
    return [places for places in found.values() if len(places) > 1]


def _series(rows: Sequence[Candidate]) -> list[list[int]]:
    """Return the rows of each series, file by file, where a series is one conversation.

    Where all ids of a file share one stem, or most stems have very many numbers, the number
    tells tasks or rows apart (``train_0``, ``train_1``) and not parts.
    """
    files: defaultdict[str, dict[str, list[int]]] = defaultdict(dict)
    for index, one in enumerate(rows):
        file, stem = one.row.series
        if stem:
            files[file].setdefault(stem, []).append(index)
    return [
        places
        for found in files.values()
        if len(found) > 1 and median(map(len, found.values())) <= MAX_PARTS
        for places in found.values()
    ]


def _places(forms: Sequence[_Forms], keys: Callable[[_Forms], Iterable[bytes]]) -> list[list[int]]:
    found: defaultdict[bytes, list[int]] = defaultdict(list)
    for index, one in enumerate(forms):
        for key in keys(one):
            if key:
                found[key].append(index)
    return [places for places in found.values() if len(places) > 1]


def _whole(one: _Forms) -> bytes:
    return one.prompt + b"|" + one.answer


def _sets(union: _Union, size: int) -> tuple[tuple[int, ...], ...]:
    found: defaultdict[int, list[int]] = defaultdict(list)
    for index in range(size):
        found[union.root(index)].append(index)
    return tuple(tuple(one) for _, one in sorted(found.items()))


def _described(templates: list[list[int]], rows: Sequence[Candidate]) -> tuple[Template, ...]:
    found = []
    for places in templates:
        wordings = Counter(" ".join(parts(rows[at].row.turns).prompt.split()) for at in places)
        question = min(wordings.items(), key=lambda pair: (-pair[1], pair[0]))[0]
        found.append(Template(question, len(places)))
    return tuple(sorted(found, key=lambda one: (-one.rows, one.question)))
