"""A file of an app's memory as documents: each memory asked for and told, each training row.

The file is read twice: what it says about somebody stands in each example, and what is said
of importance is on a scale that only the whole file shows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from engine.appmarks import without_marks
from engine.models import Document, Turn, canonical_json, content_hash
from engine.sources.base import Reading
from engine.sources.files import Item, Refused
from engine.sources.memory.choices import Choices, choices_of
from engine.sources.memory.confidential import is_secret_name, secret_in
from engine.sources.memory.entries import Entry, Fact, Ignored, Left, Part, Row
from engine.sources.memory.names import plain
from engine.sources.memory.personality import Personality, exchanges, personality, system_prompt
from engine.sources.memory.questions import answer, ask, choice
from engine.sources.memory.tree import trees
from engine.sources.memory.walk import entries
from engine.sources.memory.wording import WORDINGS, Wording, language_of
from engine.sources.records import OnProblem
from engine.sources.turns import clean, date_of, dialogues, metadata_of

_SCALES = (1.0, 5.0, 10.0, 100.0)
_LOW = 0.3
_SHORTEST = 3
_NAMED_AT_MOST = 8
_COMMON = {name: wording.common for name, wording in WORDINGS.items()}


def read_file(item: Item, reading: Reading) -> Iterator[Document]:
    """Yield the documents of a file of memories; what is none is reported.

    Raises:
        Refused: The file as a whole can't be read.
        UsageError: An option has a value that it can't have.
    """
    choices = choices_of(reading.options)
    yield from _File(item, reading, choices, survey(item, reading)).documents()


@dataclass(frozen=True, slots=True)
class Overview:
    """What a file says as a whole.

    Attributes:
        who: The personality in it.
        importance: The end of the scale of importance.
        confidence: The end of the scale of confidence.
        language: The language that most of it is in.
        split: Whether it says what is for training and what for validation.
    """

    who: Personality
    importance: float
    confidence: float
    language: str
    split: bool


def survey(item: Item, reading: Reading) -> Overview:
    """Read a file for what it says as a whole.

    Raises:
        Refused: It can't be read.
    """
    languages: Counter[str] = Counter()
    split = False
    parts: list[Part] = []
    top = {"importance": 0.0, "confidence": 0.0}
    for entry in _entries(item, reading, None):
        if isinstance(entry, Fact):
            languages[language_of(entry.text, _COMMON)] += 1
            top["importance"] = max(top["importance"], entry.importance or 0.0)
            top["confidence"] = max(top["confidence"], entry.confidence or 0.0)
        elif isinstance(entry, Part) and not _secret_of(entry):
            parts.append(entry)
            for quality in entry.qualities:
                languages[language_of(quality.text, _COMMON)] += 1
        split = split or (isinstance(entry, Fact | Row) and bool(entry.split))
    del languages[""]
    return Overview(
        who=personality(parts),
        importance=_scale(top["importance"]),
        confidence=_scale(top["confidence"]),
        language=max(languages, key=lambda name: languages[name]) if languages else "en",
        split=split,
    )


def _entries(item: Item, reading: Reading, skip: OnProblem | None) -> Iterator[Entry]:
    """Yield what stands in a file; without ``skip``, for a first look that reports nothing."""

    def behind(count: int) -> None:
        # The first look is no progress, but it can be stopped as well.
        reading.on_bytes(count if skip is not None else 0)

    for node in trees(item, skip or (lambda *_: None), behind):
        yield from entries(node)


def _scale(highest: float) -> float:
    return next((scale for scale in _SCALES if highest <= scale), highest)


def _secret_of(part: Part) -> str:
    found = (secret_in(f"{part.label}: {quality.text}") for quality in part.qualities)
    return next((secret for secret in found if secret), "")


class _File:
    """One file being read for its documents."""

    def __init__(self, item: Item, reading: Reading, choices: Choices, overview: Overview) -> None:
        self._item = item
        self._reading = reading
        self._choices = choices
        self._overview = overview
        self._main = WORDINGS[overview.language]
        who = overview.who
        text = clean(system_prompt(who, self._main)).strip() if choices.include_system else ""
        self._system = (Turn("system", text),) if text else ()
        self._taken: set[str] = set()
        self._seen: dict[str, int] = {}
        self._facts = self._rows = self._left_out = 0

    def documents(self) -> Iterator[Document]:
        """Yield who somebody is, then the memories and training rows in the file's order."""
        found = 0
        for document in self._about_somebody():
            found += 1
            yield document
        ignored: list[Ignored] = []
        for entry in _entries(self._item, self._reading, self._skip):
            if isinstance(entry, Ignored):
                ignored.append(entry)
                continue
            for document in self._of(entry):
                found += 1
                yield document
        self._report(ignored)
        if not found and not self._left_out:
            self._skip(0, "empty", "no memory and no personality stands in it")

    def _of(self, entry: Entry) -> Iterator[Document]:
        if isinstance(entry, Fact):
            self._facts += 1
            document = self._of_fact(entry, f"memory {self._facts}")
            if document is not None:
                yield document
        elif isinstance(entry, Row):
            self._rows += 1
            yield from self._of_row(entry, f"row {self._rows}")
        elif isinstance(entry, Left):
            self._skip(entry.line, entry.code, entry.reason)
        elif isinstance(entry, Part) and (secret := _secret_of(entry)):
            self._skip(entry.line, "secret", f"{entry.label[:60]}: it holds {secret}")

    def _skip(self, line: int, code: str, reason: str) -> None:
        self._left_out += 1
        self._reading.skip(self._item.name, line, code, reason)

    def _report(self, ignored: Sequence[Ignored]) -> None:
        """Say once for the file which of its fields were empty, or hold no words."""
        for empty, code, what in (
            (True, "empty", "fields with nothing in them"),
            (False, "no-words", "fields about the file, or of numbers and settings"),
        ):
            names = Counter(entry.name for entry in ignored if entry.empty is empty)
            if names:
                said = [f"{name[:40]} ({count:,})" for name, count in names.most_common()]
                more = len(said) - _NAMED_AT_MOST
                rest = f" and {more:,} more" if more > 0 else ""
                line = next(entry.line for entry in ignored if entry.empty is empty)
                reason = f"{what}: {', '.join(said[:_NAMED_AT_MOST])}{rest}"
                self._skip(line, code, clean(reason))

    def _about_somebody(self) -> Iterator[Document]:
        for exchange in exchanges(self._overview.who, self._main, self._taken):
            asked = Turn("user", clean(exchange.question))
            answered = Turn("assistant", clean(exchange.answer))
            yield self._document(
                (asked, answered),
                exchange.line,
                clean(exchange.subject),
                {"layout": "personality"},
                record=f"personality {clean(exchange.subject)}",
            )

    def _of_fact(self, fact: Fact, what: str) -> Document | None:
        refused = self._refusal(fact, what)
        if refused is not None:
            self._skip(fact.line, *refused)
            return None
        wording = self._wording(fact)
        told = clean(answer(fact, wording)).strip()
        key = " ".join(f"{fact.subject if fact.keyed else ''} {told}".casefold().split())
        if self._is_repeated(key, fact.line, what):
            return None
        question = clean(ask(fact, wording, self._taken))
        return self._document(
            (Turn("user", question), Turn("assistant", told)),
            fact.line,
            clean(fact.subject),
            {**_extras(fact), "layout": "memory"},
            tags=tuple(clean(tag) for tag in fact.tags),
            date=fact.happened or fact.stored,
            split=fact.split,
            record=what,
        )

    def _refusal(self, fact: Fact, what: str) -> tuple[str, str] | None:
        """Return the code and reason with which a memory is not read; None where it is."""
        if fact.keyed and is_secret_name(plain(fact.subject)):
            return "secret", f"{what}: its name says that it is a secret"
        secret = secret_in(f"{fact.subject}: {fact.text}" if fact.subject else fact.text)
        if secret:
            return "secret", f"{what}: it holds {secret}"
        if not self._choices.quality_filter:
            return None
        overview = self._overview
        for name, value, scale in (
            ("importance", fact.importance, overview.importance),
            ("confidence", fact.confidence, overview.confidence),
        ):
            if value is not None and value / scale < _LOW:
                return f"low-{name}", (
                    f"{what}: its {name} is {value:g} of {scale:g}; "
                    "quality_filter=off has it read all the same"
                )
        letters = sum(character.isalnum() for character in fact.text)
        if not letters or (letters < _SHORTEST and not fact.keyed):
            return "too-short", f"{what}: {letters} letters say too little"
        return None

    def _wording(self, fact: Fact) -> Wording:
        return WORDINGS[language_of(fact.text, _COMMON) or self._overview.language]

    def _is_repeated(self, key: str, line: int, what: str) -> bool:
        if key not in self._seen or not self._choices.deduplicate:
            self._seen.setdefault(key, line)
            return False
        first = self._seen[key]
        self._skip(line, "duplicate", f"{what}: it says the same as the one in line {first}")
        return True

    def _of_row(self, row: Row, what: str) -> Iterator[Document]:
        try:
            found = dialogues(row.fields)
        except Refused as refused:
            self._skip(row.line, refused.code, f"{what}: {refused.reason}")
            return
        for dialogue in found:
            for code, reason in dialogue.dropped:
                self._skip(row.line, code, f"{what}: {reason}; the rest was read")
            spoken = tuple(turn for turn in dialogue.turns if turn.role != "system")
            secret = next((held for turn in spoken if (held := secret_in(turn.content))), "")
            if secret:
                self._skip(row.line, "secret", f"{what}: it holds {secret}")
                continue
            if self._is_repeated(canonical_json(spoken), row.line, what):
                continue
            own = tuple(turn for turn in dialogue.turns if turn.role == "system")
            document = self._document(
                spoken,
                row.line,
                "",
                {**metadata_of(row.fields), "layout": dialogue.layout},
                date=date_of(row.fields),
                split=row.split,
                own=own,
                record=what,
            )
            # Alternatives count turns, and the system turn may have come or gone.
            moved = len(document.turns) - len(dialogue.turns)
            yield replace(
                document,
                alternatives=tuple(
                    replace(other, turn=other.turn + moved, content=clean(other.content))
                    for other in dialogue.alternatives
                ),
            )

    def _document(
        self,
        turns: tuple[Turn, ...],
        line: int,
        title: str,
        metadata: Mapping[str, str],
        *,
        tags: tuple[str, ...] = (),
        date: str = "",
        split: str = "",
        own: tuple[Turn, ...] = (),
        record: str = "",
    ) -> Document:
        system = (own or self._system) if self._choices.include_system else ()
        bare = (without_marks(turn.content, turn.role).strip() for turn in turns)
        turns = tuple(
            Turn(turn.role, text or turn.content) for turn, text in zip(turns, bare, strict=True)
        )
        whole = (*system, *turns)
        digest = content_hash(canonical_json(whole).encode("utf-8", "backslashreplace"))
        kept = {name: value for name, value in metadata.items() if value}
        part = split or self._split(turns)
        if part:
            kept["split"] = part
        return Document(
            source_id=self._reading.source_id,
            path=self._item.name,
            title=title,
            content_hash=digest,
            turns=whole,
            tags=tags,
            date=date,
            start_line=line,
            metadata=MappingProxyType(kept),
            kind="memory",
            record=record,
        )

    def _split(self, turns: Sequence[Turn]) -> str:
        """Set the asked share apart, where the app did not do so itself."""
        share = self._choices.validation_split
        if not share or self._overview.split:
            return ""
        apart = choice(canonical_json(turns), 10_000) < share * 10_000
        return "validation" if apart else "train"


def _extras(fact: Fact) -> dict[str, str]:
    found = {clean(name): clean(value) for name, value in fact.extras.items()}
    found["category"] = clean(fact.category)
    for name, value in (("importance", fact.importance), ("confidence", fact.confidence)):
        if value is not None:
            found[name] = f"{value:g}"
    return found
