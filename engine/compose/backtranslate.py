"""Questions for notes, written by a model from the answers.

Instruction backtranslation (Li et al. 2023, https://arxiv.org/abs/2308.06259): a person's
text is taken as the answer, and a model writes the instruction that it answers. The
answer stays the person's, word for word; only the question is the model's.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass

from engine.compose.cleaning import Declined, one_question
from engine.compose.language import guess
from engine.compose.marks import writing_as
from engine.compose.prompts import QUESTIONS
from engine.compose.writer import Writer
from engine.curate.questions import decided
from engine.errors import ExampleMissing, PromptTooLong, UsageError
from engine.models import Card, Filter, Source, Turn
from engine.paths import shorten
from engine.store import Store

NOTES = "vault"
OWN_KINDS = frozenset({"qa"})
"""Kinds of example whose question the note's author wrote."""

TEMPERATURE = 0.7
TRIES = 3
_QUESTION_TOKENS = 96
_PAGE = 500


@dataclass(frozen=True, slots=True)
class Proposal:
    """A question that a model wrote for an example.

    Attributes:
        card: The example as it was.
        question: What the model asks.
        language: The language of the answer; empty where it is not known.
        model: The model's name.
    """

    card: Card
    question: str
    language: str
    model: str

    @property
    def before(self) -> str:
        """The question that the example has."""
        return self.card.turns[0].content

    @property
    def answer(self) -> str:
        """The answer, which stays as it is."""
        return self.card.turns[1].content


@dataclass(frozen=True, slots=True)
class Unwritten:
    """An example that keeps its own question, and why."""

    card: Card
    code: str
    reason: str
    output: str = ""


def note_sources(store: Store, source_id: str = "") -> list[Source]:
    """Return the sources whose questions can be written: the notes.

    Args:
        store: The store.
        source_id: One source, or a prefix of its id; empty takes all.

    Raises:
        SourceMissing: There is no such source.
        UsageError: It is not one of notes.
    """
    if not source_id:
        return [source for source in store.sources() if source.kind == NOTES]
    source = store.source(source_id)
    if source.kind != NOTES:
        raise UsageError(
            f"{shorten(source.root)} holds {source.kind}, whose questions people asked",
            hint="questions are written for notes alone",
        )
    return [source]


def waiting(store: Store, sources: Iterable[Source]) -> list[str]:
    """Return the ids of examples that nobody, person or model, ever decided or edited."""
    touched = {entry.example_id for entry in store.journal()}
    found: list[str] = []
    for source in sources:
        which = Filter(states=("undecided",), source_id=source.id, edited=False)
        after = -1
        while rows := store.queue_page(which, after=after, limit=_PAGE):
            after = rows[-1].position
            found += [
                row.example_id
                for row in rows
                if row.kind not in OWN_KINDS and row.example_id not in touched
            ]
    return list(dict.fromkeys(found))


def propose(
    store: Store, writer: Writer, example_ids: Iterable[str], *, seed: int = 0, tries: int = TRIES
) -> Generator[Proposal | Unwritten]:
    """Ask a model for the questions of examples, one after the other. Nothing is stored.

    Args:
        store: The store.
        writer: The model.
        example_ids: The examples.
        seed: Another seed gives other questions.
        tries: How often it is asked before the example keeps its own question.

    Raises:
        ComposeError: The model can't be asked.
        ServeError: The embedded model ended.
    """
    for example_id in example_ids:
        try:
            card = store.card(example_id)
        except ExampleMissing:
            continue  # A scan took it out meanwhile.
        if [turn.role for turn in card.turns] == ["user", "assistant"]:
            yield _proposed(writer, card, seed, tries)


def _proposed(writer: Writer, card: Card, seed: int, tries: int) -> Proposal | Unwritten:
    answer = card.turns[1].content
    language = guess(answer)
    messages = prompt(card, language, writer.longest_prompt)
    how = QUESTIONS[language or "en"]
    known = [shot[2] for shot in how.shots]
    titles = " ".join(_titles(card))
    last = Declined("no-text", "it was not asked")
    for attempt in range(tries):
        try:
            output = writer.write(
                messages,
                max_tokens=_QUESTION_TOKENS + writer.spare_tokens,
                temperature=TEMPERATURE,
                seed=_seed(seed, card.example.id, attempt),
            )
            question = one_question(output, answer, language, titles, known, how.topics)
        except PromptTooLong as error:
            return Unwritten(card, error.code, error.message)
        except Declined as declined:
            last = declined
            continue
        return Proposal(card, question, language, writer.name)
    return Unwritten(card, last.code, last.reason, last.output)


def prompt(card: Card, language: str, longest: int) -> list[Turn]:
    """Return the conversation in which a model is asked for an example's question.

    Args:
        card: The example.
        language: That of its answer; English is taken where it is not known.
        longest: How many characters of the answer are sent.
    """
    how = QUESTIONS[language or "en"]
    turns = [Turn("system", how.task)]
    for title, text, question in how.shots:
        turns.append(Turn("user", f"{how.about.format(title=title)}\n\n{text}"))
        turns.append(Turn("assistant", question))
    titles = _titles(card)
    answer = _shortened(card.turns[1].content, longest)
    # Put in by replacement: a title may hold braces.
    about = how.about.replace("{title}", ", ".join(titles)) + "\n\n" if titles else ""
    turns.append(Turn("user", f"{about}{answer}"))
    return turns


def _titles(card: Card) -> list[str]:
    """Return what is known of an example's place: its note, its heading, its day."""
    where = card.example.provenance
    return list(dict.fromkeys(part for part in (where.title, where.heading, where.date) if part))


def _shortened(text: str, longest: int) -> str:
    """Return a text up to the end of a paragraph or sentence within a limit."""
    if len(text) <= longest:
        return text
    head = text[:longest]
    cut = max(head.rfind("\n\n"), head.rfind(". "), head.rfind("\n"))
    return (head[: cut + 1] if cut > longest // 2 else head).rstrip() + " …"


def _seed(seed: int, example_id: str, attempt: int) -> int:
    data = f"{seed}/{example_id}/{attempt}".encode()
    return int.from_bytes(hashlib.blake2b(data, digest_size=4).digest(), "big") >> 1


def record(store: Store, proposals: Sequence[Proposal]) -> int:
    """Give examples the questions that a model wrote for them.

    Each is on the disk before the next. One that somebody decided, edited or took out
    meanwhile stays as it is.

    Args:
        store: The store.
        proposals: Of one model.

    Returns:
        How many were recorded.
    """
    if not proposals:
        return 0
    recorded = 0
    with writing_as(store, proposals[0].model) as own:
        for proposal in proposals:
            example = proposal.card.example
            if decided(own, example.id):
                continue
            turns = (Turn("user", proposal.question), *proposal.card.turns[1:])
            try:
                own.edit(example.id, turns, seen=proposal.card.seen, at=time.time())
            except ExampleMissing:
                continue
            recorded += 1
    return recorded
