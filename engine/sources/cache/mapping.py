"""Rows as exchanges: what is asked and what is answered, by the two places where they stand."""

from __future__ import annotations

from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field

from engine.appmarks import taken
from engine.invisible import is_blank
from engine.models import NO_METADATA, Alternative, Turn
from engine.sources.cache.places import (
    Mark,
    Place,
    as_text,
    condition,
    json_at,
    marks,
    spans,
    text_at,
    tidied,
    unlabelled,
)
from engine.sources.cache.rows import Row
from engine.sources.cache.several import below, beside
from engine.sources.cache.words import Side, names_speaker
from engine.sources.items import Refused
from engine.sources.turns import Dialogue, dialogues, has_instruction, tidy

_SEVERAL = {
    ("first line", "other lines"): below,
    ("first question", "after first question"): beside,
}


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question with its answer, or several that follow each other.

    ``extra`` is what else was found in the same text, by its label; ``alternatives`` are
    other texts for some of the turns.
    """

    turns: tuple[Turn, ...]
    extra: MappingOf[str, str] = field(default_factory=lambda: NO_METADATA)
    alternatives: tuple[Alternative, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """The exchanges of a row, and code and reason of each part that gave none."""

    exchanges: tuple[Exchange, ...]
    dropped: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Mapping:
    """Where rows hold questions and answers.

    ``answers_first`` says that in texts with labels each answer stands before its question.
    """

    question: Place
    answer: Place
    answers_first: bool = False

    def __str__(self) -> str:
        return f"question={self.question}  answer={self.answer}"

    @property
    def keys(self) -> frozenset[str]:
        """The metadata keys that become turns."""
        both = (self.question, self.answer)
        return frozenset(
            [place.key for place in both if place.field == "metadata"]
            + [condition(place)[0] for place in both if place.part == "where"]
        )

    @property
    def labelled(self) -> bool:
        """Whether questions and answers stand in one text, each after its label."""
        parts = {self.question.part, self.answer.part}
        return "after" in parts <= {"after", "turns"} and self.question.whole == self.answer.whole

    def marks(self, row: Row) -> list[Mark]:
        """Return where the labels stand in a row, and those that end an exchange."""
        ends = dict.fromkeys(place.until for place in (self.question, self.answer) if place.until)
        labels: list[tuple[Side, str]] = [
            ("question", self.question.label),
            ("answer", self.answer.label),
        ]
        return marks(self.question.text(row), [*labels, *(("", label) for label in ends)])

    @property
    def by_rows(self) -> bool:
        """Whether each row is one turn, and metadata says whose."""
        return self.question.part == self.answer.part == "where"

    def side(self, row: Row) -> Side:
        """Return whose turn a row is, where each row is one."""
        for side, place in (("question", self.question), ("answer", self.answer)):
            key, value = condition(place)
            if as_text(row.metadata.get(key)).strip().casefold() == value.casefold():
                return "question" if side == "question" else "answer"
        return ""

    @property
    def uses_document(self) -> bool:
        """Whether a turn stands in the rows' texts."""
        return "document" in (self.question.field, self.answer.field)

    def exchanges(self, row: Row) -> Found:
        """Return what a row holds.

        Raises:
            Refused: It holds no exchange; the code and reason say what is missing.
        """
        if row.problem:
            raise Refused(*row.problem)
        if self.by_rows:
            raise Refused("no-answer", "each row is one turn")
        same = self.question.whole == self.answer.whole
        parts = (self.question.part, self.answer.part)
        if same and parts == ("turns", "turns"):
            return self._conversation(row)
        if self.labelled:
            return self._pairs(row)
        if same and parts == ("json", "json") and self.question.label == self.answer.label:
            return _from_json(self.question, row)
        if same and (found := _SEVERAL.get(parts)):
            pairs = found(self.question.text(row))
            if len(pairs) > 1:
                said = [(tidied(asked), tidied(answered)) for asked, answered in pairs]
                held = [{"question": asked, "answer": answered} for asked, answered in said]
                return _of_pairs(held, {})
        question = unlabelled(text_at(self.question, row), "question")
        answer = unlabelled(text_at(self.answer, row), "answer")
        if not self.answer.part and question and answer.startswith(question):
            # Some programs embed the question and the answer as one text.
            answer = answer[len(question) :].lstrip(" \t\n:-–—") or answer
        return Found((Exchange(_turns(question, answer)),))

    def _conversation(self, row: Row) -> Found:
        text = self.question.text(row)
        found = self.marks(row)
        turns = [
            Turn("user" if mark.side == "question" else "assistant", said)
            for mark, said in spans(text, found)
        ]
        if not turns:
            labels = f"neither {self.question.label} nor {self.answer.label}"
            raise Refused("no-question", f"{labels} stands in it")
        dialogue = tidy(turns, "turns")
        return Found((Exchange(dialogue.turns, _lead(text[: found[0].start])),), dialogue.dropped)

    def _pairs(self, row: Row) -> Found:
        """Take apart a text of one or more questions, each with its answer after or before it."""
        text, found = self.question.text(row), self.marks(row)
        first = "answer" if self.answers_first else "question"
        pairs: list[dict[str, str]] = []
        for mark, said in spans(text, found):
            if mark.side and (not pairs or (mark.side == first and set(pairs[-1]) - {first})):
                pairs.append({})
            if not pairs:
                continue
            name = mark.side or mark.label.rstrip(":： ")
            held = pairs[-1].get(name)
            pairs[-1][name] = f"{held}\n\n{said}".strip() if held else said
        return _of_pairs(pairs, _lead(text[: found[0].start]) if found else {})


def _of_pairs(pairs: list[dict[str, str]], lead: dict[str, str]) -> Found:
    exchanges: list[Exchange] = []
    dropped: list[tuple[str, str]] = []
    for number, pair in enumerate(pairs, 1):
        question, answer = pair.pop("question", ""), pair.pop("answer", "")
        try:
            exchanges.append(Exchange(_turns(question, answer), lead | pair))
        except Refused as refused:
            dropped.append((refused.code, f"exchange {number}: {refused.reason}"))
        lead = {}
    if not exchanges:
        if len(dropped) == 1:
            code, reason = dropped[0]
            raise Refused(code, reason.removeprefix("exchange 1: "))
        raise Refused("no-question", "neither a question nor an answer is marked in it")
    return Found(tuple(exchanges), tuple(dropped))


def _lead(text: str) -> dict[str, str]:
    """Return what stands before the first label, such as a title."""
    stripped = text.strip(" \t\n*#>-_=")
    return {"lead": stripped} if stripped else {}


def _turns(question: str, answer: str) -> tuple[Turn, ...]:
    asked = taken(question, "user")
    question = asked.text.strip()
    answer = taken(answer, "assistant", asked.spoken).text.strip()
    if not question:
        both = "" if answer else ", and no answer"
        raise Refused("no-question", f"it has no question{both}")
    if is_blank(answer):
        raise Refused("no-answer", "it has no answer")
    if question == answer:
        raise Refused("no-answer", "its answer is the same text as its question")
    return (Turn("user", question), Turn("assistant", answer))


def _from_json(place: Place, row: Row) -> Found:
    value = json_at(place, row)
    refused: list[tuple[str, str]] = []
    found: list[Dialogue] = []
    if isinstance(value, list) and value and all(map(_is_pair, value)):
        # Questions with answers that have nothing to do with each other.
        for number, pair in enumerate(value, 1):
            try:
                found += dialogues(pair)
            except Refused as error:
                refused.append((error.code, f"exchange {number}: {error.reason}"))
        if not found:
            raise Refused(*refused[0])
    else:
        if isinstance(value, list):
            value = {"messages": value}
        if not isinstance(value, dict):
            raise Refused("no-question", "it holds no JSON with messages or a prompt")
        found = dialogues(value)
    dropped = [*refused, *(said for dialogue in found for said in dialogue.dropped)]
    exchanges = [Exchange(one.turns, alternatives=one.alternatives) for one in found]
    return Found(tuple(exchanges), tuple(dropped))


def _is_pair(value: object) -> bool:
    """Say whether a value is a question with its answer, rather than a turn of a talk."""
    return (
        isinstance(value, dict)
        and has_instruction(value)
        and not any(names_speaker(str(key)) for key in value)
    )
