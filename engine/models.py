"""The values that stages hand to one another: frozen, slotted, without behaviour of a stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from functools import lru_cache
from json.encoder import encode_basestring
from types import MappingProxyType
from typing import Literal

from engine.frozen import frozen

Role = Literal["system", "user", "assistant", "tool"]
ROLES: tuple[Role, ...] = ("system", "user", "assistant", "tool")

State = Literal["undecided", "approved", "rejected", "skipped"]
STATES: tuple[State, ...] = ("undecided", "approved", "rejected", "skipped")

Action = Literal["approve", "reject", "skip", "edit", "undo", "redo"]

Origin = Literal["", "changed", "gone"]
ORIGINS: tuple[Origin, ...] = ("changed", "gone")

FlagKind = Literal[
    "language", "length", "app-text", "quality", "safety", "secret", "personal", "duplicate"
]
FLAG_KINDS: tuple[FlagKind, ...] = (
    "secret",
    "personal",
    "safety",
    "duplicate",
    "quality",
    "app-text",
    "length",
    "language",
)
"""Kinds of flags, in the order in which they matter."""

NO_METADATA: Mapping[str, str] = MappingProxyType({})
NO_MEASURES: Mapping[str, float | str] = MappingProxyType({})


FLASHCARD = "a flashcard"
"""With what the reason of an example begins that was a flashcard."""


@frozen
class Turn:
    """One message of a conversation."""

    role: Role
    content: str


@frozen
class Alternative:
    """Another text for the turn at an index, such as an answer that was asked for again."""

    turn: int
    content: str


@frozen
class Provenance:
    """Where an example comes from.

    ``path`` is relative to the source's root; lines count from 1 and are 0
    where the format has no lines; ``content_hash`` is that of the document. ``record``
    is that of the document, too.
    """

    source_id: str
    path: str
    start_line: int = 0
    end_line: int = 0
    heading: str = ""
    title: str = ""
    tags: tuple[str, ...] = ()
    date: str = ""
    content_hash: str = ""
    record: str = ""


@frozen
class Document:
    """One readable unit of a source: a note, a conversation, a record.

    Text sources (notes) fill ``text``; sources that hold conversations fill
    ``turns``, and ``alternatives`` with other texts of some of them. ``kind`` is
    that of its examples where the source knows it. ``record`` tells documents of one
    file apart: the id or the number of the record that it was made of, which several
    documents may share (branches of one conversation); empty where it is the whole file.
    """

    source_id: str
    path: str
    title: str
    content_hash: str
    text: str = ""
    turns: tuple[Turn, ...] = ()
    tags: tuple[str, ...] = ()
    date: str = ""
    start_line: int = 1
    metadata: Mapping[str, str] = field(default_factory=lambda: NO_METADATA)
    kind: str = ""
    alternatives: tuple[Alternative, ...] = ()
    record: str = ""


HOLLOW = "speaks of content elsewhere"
"""In a document's metadata: the turns that speak of a canvas, an artifact or a file, and say
little else; the export does not hold what they speak of."""


ON_REQUEST = "on-request"
"""The code of a section that would be an example if sections were asked for."""

LEFT_OUT = frozenset({"short", "not-own", "clipped", "no-sign", ON_REQUEST, "duplicate"})
"""The codes of what was read, and gave no example: sections of notes, and exact duplicates."""


def apart(codes: Mapping[str, int]) -> tuple[dict[str, int], dict[str, int]]:
    """Return the counts of what was not read, and of what was read and gave no example.

    Sections on request are in neither: they have a line of their own, which says how they are
    asked for.
    """
    unread = {code: number for code, number in codes.items() if code not in LEFT_OUT}
    told = LEFT_OUT - {ON_REQUEST}
    return unread, {code: number for code, number in codes.items() if code in told}


@frozen
class Skipped:
    """Something that was not read, or gave no example, and why.

    ``code`` is stable ("not-utf8", "broken-yaml", "malformed-json", "empty",
    "binary", "template", "no-answer", …); ``line`` is 0 where the whole file is meant.
    """

    source_id: str
    path: str
    line: int
    code: str
    reason: str


@frozen
class Example:
    """A training example: a conversation and where it comes from.

    ``kind`` is "reflection", "decision", "learning", "qa", "section", "conversation",
    "instruction", "memory" or "synthetic"; ``score`` from 0 to 1 and ``reason`` say why
    it was taken. ``follows`` is the id of the example that it takes the place of, where
    its source changed.
    """

    id: str
    kind: str
    turns: tuple[Turn, ...]
    provenance: Provenance
    score: float = 1.0
    reason: str = ""
    metadata: Mapping[str, str] = field(default_factory=lambda: NO_METADATA)
    alternatives: tuple[Alternative, ...] = ()
    follows: str = ""


@frozen
class Source:
    """A place that examples are read from.

    ``root`` is an absolute path or a URL; ``options`` is what was set about it.
    """

    id: str
    kind: str
    root: str
    added_at: float
    scanned_at: float = 0.0
    documents: int = 0
    examples: int = 0
    skipped: int = 0
    options: Mapping[str, str] = field(default_factory=lambda: NO_METADATA)


@frozen
class Flag:
    """Something that a check found in an example; it decides nothing.

    Args:
        kind: What sort of thing it is.
        code: Which, in a stable word: "mixed", "cut-off", "refusal", "email", "near", ….
        score: How sure or how strong, from 0 to 1.
        reason: Why, in a phrase for a person; it never quotes a secret.
        turn: The turn that it is in, from 0; -1 means the whole example.
        start: Where in the turn's content it begins, in characters.
        end: Where it ends, exclusive; ``start == end`` means the whole turn.
        place: The field that it is in where that is not the conversation: "title", "path",
            "column author"; then ``turn`` is -1, and start and end are places in that text.
    """

    kind: FlagKind
    code: str
    score: float
    reason: str
    turn: int = -1
    start: int = 0
    end: int = 0
    place: str = ""


@frozen
class Found:
    """What one check found in one example, as it is kept.

    Args:
        position: The example's place in the queue.
        text_id: The id of the text that was looked at, by which a later edit is seen.
        version: The check's version.
        flags: What a person should look at.
        measures: What is known of it besides; see :class:`engine.quality.base.Finding`.
    """

    position: int
    text_id: str
    version: str
    flags: tuple[Flag, ...] = ()
    measures: Mapping[str, float | str] = field(default_factory=lambda: NO_MEASURES)


LinkWhat = Literal["both", "prompt", "answer"]


@frozen
class Link:
    """How near two examples are: an edge of a maximum spanning forest.

    Args:
        what: What is alike: the prompts, the answers, or both (then the lesser of the two).
        a: An example's place in the queue.
        b: Another's; ``a < b``.
        similarity: The cosine of their embeddings, 1 for equal text.
    """

    what: LinkWhat
    a: int
    b: int
    similarity: float


@frozen
class Missed:
    """A journal entry of another session that a decision was made without having seen.

    ``changed_text`` is whether it changed the example's text: an edit, or the undo or redo
    of one.
    """

    seq: int
    action: Action
    session: str
    at: float
    changed_text: bool


@frozen
class Conflict:
    """A decision whose person had not seen what other sessions did to the example.

    ``seq``, ``action``, ``session`` and ``at`` are the decision's. ``missed`` are the
    entries that were not seen, oldest first. ``agrees`` is whether they say the same as the
    decision, so that nothing was overridden. ``withdrawn`` is whether an approval does not
    count because the text was changed meanwhile, so that the example is undecided.
    """

    seq: int
    action: Action
    session: str
    at: float
    missed: tuple[Missed, ...]
    agrees: bool = False
    withdrawn: bool = False


@frozen
class Card:
    """An example as a curator sees it: with its present state and text.

    ``turns`` are those after edits; ``example.turns`` are as extracted.
    ``position`` is the queue's stable order. ``origin`` is "changed" or "gone" where the
    source does not hold the example any more as it was decided on. ``question_by`` is the
    model that wrote the question, if one did. ``flags`` and ``measures`` are what checks
    found in it; ``checked`` is False where none has looked at the text as it is now.
    ``seen`` is the number of the example's last journal entry, 0 where there is none: what a
    decision made on this card gives as what its person saw. ``conflict`` is a decision made
    unseen that nobody has resolved yet; on the card that a decision returns, also what that
    very decision did not see.
    """

    example: Example
    turns: tuple[Turn, ...]
    state: State
    edited: bool
    position: int
    decided_at: float = 0.0
    origin: Origin = ""
    question_by: str = ""
    flags: tuple[Flag, ...] = ()
    measures: Mapping[str, float | str] = field(default_factory=lambda: NO_MEASURES)
    checked: bool = False
    seen: int = 0
    conflict: Conflict | None = None


@frozen
class QueueRow:
    """A line of the queue: what is drawn, nothing more."""

    position: int
    example_id: str
    state: State
    edited: bool
    label: str
    kind: str
    origin: Origin = ""
    flagged: bool = False
    conflict: bool = False


@frozen
class Brief:
    """What is known of an example without its text.

    ``quality`` is None where it was never scored, ``language`` empty where it is not known.
    """

    position: int
    example_id: str
    source_id: str
    state: State
    quality: float | None
    language: str = ""


@frozen
class Counts:
    """How many examples are in each state, are edited, and are in conflict."""

    total: int
    undecided: int
    approved: int
    rejected: int
    skipped: int
    edited: int
    conflicts: int = 0


@frozen
class JournalEntry:
    """One line of the decision journal.

    ``target`` is the sequence number that an undo or redo refers to, else 0.
    ``turns`` is the text after an edit, else empty. ``operation`` is shared by all that one
    key or verb did, and unique everywhere; entries of before schema 5 have none. ``seen`` is
    the example's last entry that the person had seen; None where it was not told.
    """

    seq: int
    example_id: str
    action: Action
    at: float
    session: str
    target: int = 0
    turns: tuple[Turn, ...] = ()
    operation: str = ""
    seen: int | None = None


@frozen
class Reverted:
    """What an undo or a redo did: one operation, whole.

    ``entries`` are those that were written, in the order of the journal, and ``targets`` the
    decisions that they take back or do again. ``foreign`` is whether another session made
    those decisions. The properties are about the last example.
    """

    action: Action
    entries: tuple[JournalEntry, ...]
    targets: tuple[JournalEntry, ...]
    foreign: bool

    @property
    def example_id(self) -> str:
        """The example that was decided on last."""
        return self.entries[-1].example_id

    @property
    def target(self) -> int:
        """The number of the decision that was made last."""
        return self.entries[-1].target

    @property
    def session(self) -> str:
        """The session that undid or redid."""
        return self.entries[-1].session

    @property
    def seq(self) -> int:
        """The number of the last entry that was written."""
        return self.entries[-1].seq

    @property
    def examples(self) -> int:
        """How many examples it is about."""
        return len({entry.example_id for entry in self.entries})


@frozen
class BulkDecided:
    """What one decision on many examples did; ``operation`` is empty where nothing changed.

    ``decided`` are the ids that have an entry now, ``unchanged`` how many were so already,
    ``gone`` the ids that the workspace does not have, ``conflicts`` those decided without
    having seen what others did.
    """

    operation: str
    decided: tuple[str, ...]
    unchanged: int = 0
    gone: tuple[str, ...] = ()
    conflicts: tuple[tuple[str, Conflict], ...] = ()


@frozen
class Elsewhere:
    """What other sessions wrote into the journal after a number.

    ``ids`` are the examples, the latest first, a few hundred at most; ``examples`` counts all
    of them. ``last`` is the journal's last number, of whatever session: what to ask with next.
    """

    examples: int
    ids: tuple[str, ...]
    last: int


@frozen
class Filter:
    """Which part of the queue is shown. Empty fields don't restrict.

    ``flags`` are kinds or ``kind:code``; an example with any of them is shown. Qualities
    are from 0 to 1; an example that was never scored is in no range of quality. ``conflict``
    is whether a decision was made on it unseen that nobody has resolved.
    """

    states: tuple[State, ...] = ()
    kinds: tuple[str, ...] = ()
    source_id: str = ""
    tag: str = ""
    text: str = ""
    edited: bool | None = None
    origins: tuple[Origin, ...] = ()
    flags: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    min_quality: float | None = None
    max_quality: float | None = None
    conflict: bool | None = None


@frozen
class Vote:
    """A blind judgement: which side was better, and what the sides were.

    ``choice`` is "base", "tuned", "tie" or "both-bad", already unsealed;
    ``left`` is what stood on the left ("base" or "tuned").
    """

    id: int
    run_id: str
    quant: str
    prompt: str
    base_text: str
    tuned_text: str
    left: Literal["base", "tuned"]
    choice: Literal["base", "tuned", "tie", "both-bad"]
    blind: bool
    at: float
    metadata: Mapping[str, str] = field(default_factory=lambda: NO_METADATA)


def canonical_json(turns: Sequence[Turn]) -> str:
    """Return the turns as the JSON that ids are computed from."""
    # A row of a table is asked for it three times in a row: by its hash, its id and its storing.
    return _canonical(turns if isinstance(turns, tuple) else tuple(turns))


@lru_cache(maxsize=2)
def _canonical(turns: tuple[Turn, ...]) -> str:
    # What json.dumps gives without spaces and escapes, in a fraction of the time.
    pairs = [f"[{encode_basestring(t.role)},{encode_basestring(t.content)}]" for t in turns]
    return f"[{','.join(pairs)}]"


def example_id(turns: Sequence[Turn]) -> str:
    """Return the content id of a conversation: ``b2-`` and 32 hex digits of BLAKE2b.

    A lone surrogate in the text is hashed by its escape, so that any Python
    string has an id.
    """
    data = canonical_json(turns).encode("utf-8", "backslashreplace")
    return _hash(data)


def content_hash(data: bytes) -> str:
    """Return the hash of a file's bytes: ``b2-`` and 32 hex digits of BLAKE2b."""
    return _hash(data)


@lru_cache(maxsize=2)
def _hash(data: bytes) -> str:
    from hashlib import blake2b  # loads OpenSSL, which what only shows examples does without

    return "b2-" + blake2b(data, digest_size=16).hexdigest()


def short_id(identifier: str) -> str:
    """Return the six digits by which a person recognises an id."""
    return identifier.partition("-")[2][:6] or identifier[:6]
