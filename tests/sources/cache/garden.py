"""Rows as programs store them, in English and Romanian, and what each layout holds."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tests.sources.cache.chroma import Entry

THINGS = (
    *("beds", "bees", "compost", "frost", "hedges", "mulch"),
    *("pruning", "rain", "seeds", "slugs", "soil", "weeds"),
)
LUCRURI = (
    *("straturile", "albinele", "compostul", "înghețul", "gardul viu", "mulciul"),
    *("tăierile", "ploaia", "semințele", "limacșii", "solul", "buruienile"),
)


@dataclass(frozen=True)
class Layout:
    """A way to keep questions and answers in rows.

    ``turns`` are those of the first document.
    """

    rows: Sequence[Entry]
    question: str
    answer: str
    turns: tuple[str, ...]
    documents: int = 12
    metadata: Mapping[str, str] = field(default_factory=dict)


def _rows(make: Callable[[str, int], Entry], things: Sequence[str] = THINGS) -> list[Entry]:
    return [make(thing, number) for number, thing in enumerate(things)]


def _text(text: str, things: Sequence[str] = THINGS) -> list[Entry]:
    return [Entry(text.replace("{}", thing)) for thing in things]


ASKED, SAID = "Why do you worry about the beds?", "Because of the beds: they dry out."
_ASK, _SAY = "Why do you worry about the {}?", "Because of the {}: they dry out."
INTREBAT, SPUS = "Când mă ocup de straturile?", "Primăvara, de două ori pe săptămână."
_INTREB, _SPUN = "Când mă ocup de {}?", SPUS

LAYOUTS: dict[str, Layout] = {
    "labels": Layout(
        _text(f"Question: {_ASK}\nAnswer: {_SAY}"),
        "document:after Question:",
        "document:after Answer:",
        (ASKED, SAID),
    ),
    "labels in one line": Layout(
        _text(f"Question: {_ASK} Answer: {_SAY}"),
        "document:after Question:",
        "document:after Answer:",
        (ASKED, SAID),
    ),
    "answers first": Layout(
        _text(f"Answers: {_SAY}\nQuestions: {_ASK}"),
        "document:after Questions:",
        "document:after Answers:",
        (ASKED, SAID),
    ),
    "answers first in one line": Layout(
        _text(f"Answers: {_SAY} Questions: {_ASK}"),
        "document:after Questions:",
        "document:after Answers:",
        (ASKED, SAID),
    ),
    "bold letters": Layout(
        _text(f"**Q: {_ASK}**\n\n**A:** {_SAY}"),
        "document:after Q:",
        "document:after A:",
        (ASKED, SAID),
    ),
    "headings": Layout(
        _text(f"### Question\n{_ASK}\n\n### Answer\n{_SAY}"),
        "document:after Question:",
        "document:after Answer:",
        (ASKED, SAID),
    ),
    "Romanian labels": Layout(
        _text(f"Întrebare: {_INTREB}\nRăspuns: {_SPUN}", LUCRURI),
        "document:after Întrebare:",
        "document:after Răspuns:",
        (INTREBAT, SPUS),
    ),
    "Romanian labels without accents": Layout(
        _text(f"Intrebare: {_INTREB}\nRaspuns: {_SPUN}", LUCRURI),
        "document:after Intrebare:",
        "document:after Raspuns:",
        (INTREBAT, SPUS),
    ),
    "Turkish labels with numbers": Layout(
        _text("Soru 1: {} ne zaman?\nCevap: Sabah.\n\nSoru 2: Neden {}?\nCevap: Kuru olur."),
        "document:after Soru:",
        "document:after Cevap:",
        ("beds ne zaman?", "Sabah."),
        documents=24,
    ),
    "German letters": Layout(
        _text("F: Was ist mit {}?\nA: Trocken, also gießen."),
        "document:after F:",
        "document:after A:",
        ("Was ist mit beds?", "Trocken, also gießen."),
    ),
    "a label before the answer alone": Layout(
        _text("What of {}?\nAnswer: Dry, so water them."),
        "document:before Answer:",
        "document:after Answer:",
        ("What of beds?", "Dry, so water them."),
    ),
    "a label before the question alone": Layout(
        _text("Question: What of {}?\nDry, so water them."),
        "document:first line",
        "document:other lines",
        ("What of beds?", "Dry, so water them."),
    ),
    "question in metadata and a labelled answer": Layout(
        _rows(lambda thing, _: Entry("**Answer:** Dry.", {"question": f"What of {thing}?"})),
        "metadata:question",
        "document",
        ("What of beds?", "Dry."),
    ),
    "labels of no known language": Layout(
        _text("Galdera: Noiz {}?\nErantzuna: Goizean."),
        "document:after Galdera:",
        "document:after Erantzuna:",
        ("Noiz beds?", "Goizean."),
    ),
    "a table's columns": Layout(
        _text(f"id: 7\nquestion: {_ASK}\nanswer: {_SAY}\ncategory: care"),
        "document:after question: until category:",
        "document:after answer: until category:",
        (ASKED, SAID),
        metadata={"lead": "id: 7", "category": "care"},
    ),
    "prompt and response": Layout(
        _text("prompt: tell me about {}\nresponse: They dry out."),
        "document:after prompt:",
        "document:after response:",
        ("tell me about beds", "They dry out."),
    ),
    "question in metadata": Layout(
        _rows(
            lambda thing, _: Entry(
                f"They dry out, the {thing}, so water them.",
                {"question": f"What about {thing}?", "topic": thing, "language": "en"},
            )
        ),
        "metadata:question",
        "document",
        ("What about beds?", "They dry out, the beds, so water them."),
        metadata={"topic": "beds", "language": "en"},
    ),
    "question in metadata and before the answer": Layout(
        _rows(lambda thing, _: Entry(f"What of {thing}?\nDry.", {"question": f"What of {thing}?"})),
        "metadata:question",
        "document",
        ("What of beds?", "Dry."),
    ),
    "semantic cache": Layout(
        _rows(
            lambda thing, number: Entry(
                f"What about {thing}?", {"response": f"They dry out: {thing}.", "hits": number}
            )
        ),
        "document",
        "metadata:response",
        ("What about beds?", "They dry out: beds."),
        metadata={"hits": "0"},
    ),
    "Romanian semantic cache": Layout(
        _rows(
            lambda thing, _: Entry(f"Ce fac cu {thing}?", {"raspuns": f"Le ud: {thing}."}), LUCRURI
        ),
        "document",
        "metadata:raspuns",
        ("Ce fac cu straturile?", "Le ud: straturile."),
    ),
    "semantic cache with both in metadata": Layout(
        _rows(
            lambda thing, _: Entry(
                f"what about {thing}",
                {
                    "query": f"What about {thing}?",
                    "llm_response": f"Dry: {thing}.",
                    "model": "small",
                    "response_time": 1.5,
                },
            )
        ),
        "metadata:query",
        "metadata:llm_response",
        ("What about beds?", "Dry: beds."),
        metadata={"document": "what about beds", "model": "small", "response_time": "1.5"},
    ),
    "answer in JSON in metadata": Layout(
        _rows(
            lambda thing, _: Entry(
                f"What about {thing}?", {"response": json.dumps({"answer": f"Dry: {thing}."})}
            )
        ),
        "document",
        "metadata:response:json answer",
        ("What about beds?", "Dry: beds."),
    ),
    "metadata alone": Layout(
        _rows(lambda thing, _: Entry(None, {"question": f"What of {thing}?", "answer": "Dry."})),
        "metadata:question",
        "metadata:answer",
        ("What of beds?", "Dry."),
    ),
    "memory of one exchange": Layout(
        _text(f"User: {_ASK}\nAI: {_SAY}"),
        "document:turns User:",
        "document:turns AI:",
        (ASKED, SAID),
    ),
    "memory of several exchanges": Layout(
        _text(f"User: {_ASK}\nAI: {_SAY}\nUser: Sure?\nAI: Yes:\n- I looked\n- twice"),
        "document:turns User:",
        "document:turns AI:",
        (ASKED, SAID, "Sure?", "Yes:\n- I looked\n- twice"),
    ),
    "memory with verbs": Layout(
        _text(f"User asked: {_ASK}\nAI replied: {_SAY}"),
        "document:turns User asked:",
        "document:turns AI replied:",
        (ASKED, SAID),
    ),
    "memory of a chain": Layout(
        _text(f"input: {_ASK}\noutput: {_SAY}"),
        "document:after input:",
        "document:after output:",
        (ASKED, SAID),
    ),
    "JSON": Layout(
        _rows(lambda thing, _: Entry(json.dumps({"question": f"{thing}?", "answer": "Dry."}))),
        "document:json",
        "document:json",
        ("beds?", "Dry."),
    ),
    "JSON of messages": Layout(
        _rows(
            lambda thing, _: Entry(
                json.dumps(
                    [
                        {"role": "user", "content": f"{thing}?"},
                        {"role": "assistant", "content": "Dry."},
                    ]
                )
            )
        ),
        "document:json",
        "document:json",
        ("beds?", "Dry."),
    ),
    "JSON of a question and a query": Layout(
        _rows(
            lambda thing, _: Entry(
                json.dumps({"question": f"How many {thing}?", "sql": f"SELECT 1 FROM {thing}"})
            )
        ),
        "document:json question",
        "document:json sql",
        ("How many beds?", "SELECT 1 FROM beds"),
    ),
    "question in the first line": Layout(
        _text("When are {} due?\nIn spring.\nThen again in autumn."),
        "document:first line",
        "document:other lines",
        ("When are beds due?", "In spring.\nThen again in autumn."),
    ),
    "question before the text": Layout(
        _text("When are {} due? In spring. Then again in autumn."),
        "document:first question",
        "document:after first question",
        ("When are beds due?", "In spring. Then again in autumn."),
    ),
    "question as title": Layout(
        _rows(lambda thing, _: Entry(f"In spring, {thing}.", {"title": f"When are {thing} due?"})),
        "metadata:title",
        "document",
        ("When are beds due?", "In spring, beds."),
    ),
    "question as id": Layout(
        _rows(lambda thing, _: Entry(f"In spring, {thing}.", id=f"When are {thing} due?")),
        "id",
        "document",
        ("When are beds due?", "In spring, beds."),
    ),
    "each row a turn": Layout(
        [
            Entry(text, {"role": role, "session_id": f"talk-{number % 3}"})
            for number, thing in enumerate(THINGS)
            for role, text in (("user", f"Why {thing}?"), ("assistant", f"Dry: {thing}."))
        ],
        "document:where role=user",
        "document:where role=assistant",
        tuple(
            text
            for thing in ("beds", "frost", "pruning", "slugs")
            for text in (f"Why {thing}?", f"Dry: {thing}.")
        ),
        documents=3,
        metadata={"session_id": "talk-0"},
    ),
    "each row a turn, of no conversation": Layout(
        [
            Entry(text, {"type": role})
            for thing in THINGS
            for role, text in (("human", f"Why {thing}?"), ("ai", f"Dry: {thing}."))
        ],
        "document:where type=human",
        "document:where type=ai",
        ("Why beds?", "Dry: beds."),
    ),
}

PASSAGES: dict[str, list[Entry]] = {
    "chunks": _rows(
        lambda thing, number: Entry(
            f"The {thing} in this garden need care. Note: they were planted by hand.",
            {"source": f"{thing}.txt", "page": number, "title": f"On {thing}"},
        )
    ),
    "code": _rows(
        lambda thing, _: Entry(
            f"def {thing}():\n    return 1", {"summary": f"returns {thing}", "answer_length": 3}
        )
    ),
    "somebody's notes": _rows(
        lambda thing, _: Entry(f"The {thing} grew well this year.", {"user": "ana", "text": "x"})
    ),
    "a few questions": _rows(
        lambda thing, number: Entry(
            f"Did you know? The {thing} are old." if number % 5 == 0 else f"The {thing} are old."
        )
    ),
}
