"""The metadata of rows as it is written: the one way from an example's fields into files.

Everything that a freeze, an export, a run or a card says of where a row comes from is made
here. Secrets and personal data in titles, paths, headings, tags, dates and columns become
placeholders, the same ones as in the conversation; what was redacted in the conversation is
replaced in its fields too. A column whose name says that it holds a secret is never written.

Nobody reads a row's metadata on a card before it is approved, and it trains nothing: so that
it is redacted without being asked for, while a conversation is redacted by a person. The
workspace keeps what the source says. A secret that was let through by name
(``--allow-secret``) stays as it is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from engine.errors import DiskFull, WorkspaceError
from engine.models import Card, Flag, Turn
from engine.quality.base import Check
from engine.quality.fields import (
    Field,
    bare,
    column,
    flagged_fields,
    is_redacted,
    path_pieces,
)
from engine.quality.naming import TemporaryPlaceholders, WorkspacePlaceholders
from engine.quality.redact import REDACTED_KINDS, Placeholders, redact
from engine.quality.secrets.names import is_secret_name
from engine.store import Store

_ROUNDS = 4
_MOST_KNOWN = 20_000


@dataclass(slots=True)
class Tally:
    """What was replaced or left out: in how many rows, and which columns of how many."""

    rows: int = 0
    columns: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Told:
    """What is written of an example besides its conversation."""

    path: str = ""
    heading: str = ""
    title: str = ""
    tags: tuple[str, ...] = ()
    date: str = ""
    extra: Mapping[str, str] = field(default_factory=dict)


class Metadata:
    """Makes the metadata of rows.

    Args:
        checks: The checks for secrets and personal data.
        names: Gives the placeholders; the same ones as in conversations.
        allowed: Secrets that are let through, by their code or an example's id.
    """

    def __init__(
        self, checks: Sequence[Check], names: Placeholders, allowed: Collection[str] = ()
    ) -> None:
        self._checks = checks
        self._names = names
        self._allowed = tuple(allowed)
        self._known: dict[Field, tuple[Flag, ...]] = {}
        self.tally = Tally()

    def of(self, card: Card) -> Told:
        """Return what is written of an example: its fields without secrets and personal data."""
        where = card.example.provenance
        extra = {}
        for name, value in card.example.metadata.items():
            if is_secret_name(name):
                label = column(name, "").place
                self.tally.columns[label] = self.tally.columns.get(label, 0) + 1
            else:
                extra[name] = value
        pieces = path_pieces(where.path)
        fields = [Field("path", bare(piece)) for piece in pieces]
        fields += [Field("heading", where.heading), Field("title", where.title)]
        fields += [Field("tag", tag) for tag in where.tags] + [Field("date", where.date)]
        fields += [Field("a column's name", name) for name in extra]
        fields += [column(name, value) for name, value in extra.items()]
        texts = iter(self._clean(card, fields))
        path = "/".join(next(texts) + piece[len(bare(piece)) :] for piece in pieces)
        heading, title = next(texts), next(texts)
        tags = tuple(dict.fromkeys(next(texts) for _ in where.tags))
        date = next(texts)
        return Told(path, heading, title, tags, date, _paired(texts, len(extra)))

    def file_name(self, name: str) -> str:
        """Return the name of a file that is named in a dataset, such as a holdout file's."""
        found = self._flags("", [Field("path", bare(name))], [bare(name)])
        clean = redact([Turn("user", bare(name))], found, names=self._names).turns[0].content
        return clean + name[len(bare(name)) :]

    def _clean(self, card: Card, fields: Sequence[Field]) -> list[str]:
        """Return the texts of fields without what checks find in them or in the conversation."""
        texts = [field.text for field in fields]
        before = list(texts)
        if is_redacted(card):
            texts = list(self._by_conversation(card, texts))
        for _ in range(_ROUNDS):
            turns = [Turn("user", text) for text in texts]
            flags = self._flags(card.example.id, fields, texts)
            done = redact(turns, flags, names=self._names) if flags else None
            if done is None or not done.replaced:
                break
            texts = [turn.content for turn in done.turns]
        self.tally.rows += texts != before
        return texts

    def _by_conversation(self, card: Card, texts: Sequence[str]) -> Sequence[str]:
        """Replace what the redaction of the conversation replaced."""
        turns = card.example.turns
        flags = [flag for check in self._checks for flag in check.look(turns).flags]
        flags = [flag for flag in flags if flag.kind in REDACTED_KINDS]
        return redact(turns, flags, names=self._names, also=texts).also

    def _flags(self, example_id: str, fields: Sequence[Field], texts: Sequence[str]) -> list[Flag]:
        """Return what checks find in texts, as flags of turns that are these texts."""
        found = []
        for index, (of, text) in enumerate(zip(fields, texts, strict=True)):
            one = replace(of, text=text)
            if one not in self._known:
                if len(self._known) > _MOST_KNOWN:
                    self._known.clear()
                self._known[one] = tuple(
                    flag for check in self._checks for _, flag in flagged_fields(check, [one])
                )
            found += [
                Flag(flag.kind, flag.code, flag.score, "", index, flag.start, flag.end)
                for flag in self._known[one]
                if not self._is_allowed(example_id, flag)
            ]
        return found

    def _is_allowed(self, example_id: str, flag: Flag) -> bool:
        if flag.kind != "secret" or not self._allowed:
            return False
        from engine.dataset.gate import is_named

        by_name = any(is_named(example_id, name) for name in self._allowed)
        return by_name or flag.code in self._allowed


def _paired(texts: Iterator[str], size: int) -> dict[str, str]:
    """Return names and values, of which one came after all of the other, as a mapping."""
    names = [next(texts) for _ in range(size)]
    found: dict[str, str] = {}
    for name in names:
        # Two names that were told apart by what was replaced keep their values.
        key, number = name, 2
        while key in found:
            key, number = f"{name} {number}", number + 1
        found[key] = next(texts)
    return found


def metadata_of(store: Store, checks: Sequence[Check], allowed: Collection[str] = ()) -> Metadata:
    """Return what makes the metadata of a workspace's rows.

    Args:
        store: The workspace's store, which remembers placeholders.
        checks: The checks for secrets and personal data.
        allowed: Secrets that are let through, by their code or an example's id.
    """
    return Metadata(checks, _Names(store), allowed)


class _Names:
    """The workspace's placeholders; temporary ones where a workspace can only be looked at."""

    def __init__(self, store: Store) -> None:
        self._lasting = WorkspacePlaceholders(store)
        self._temporary: TemporaryPlaceholders | None = None

    def all_of(self, values: Sequence[tuple[str, str]], avoid: Collection[str] = ()) -> list[str]:
        """Return the placeholders of codes and values."""
        if self._temporary is None:
            try:
                return self._lasting.all_of(values, avoid)
            except (WorkspaceError, DiskFull):
                self._temporary = TemporaryPlaceholders()
        return self._temporary.all_of(values, avoid)

    def issued(self, mark: str) -> bool:
        """Return whether a placeholder may have been given out."""
        if self._temporary is not None and self._temporary.issued(mark):
            return True
        return self._lasting.issued(mark)


def texts_of(metadata: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the texts of a row's metadata, each with the place that it is in."""
    for name, value in metadata.items():
        if name == "extra" and isinstance(value, Mapping):
            for key, text in value.items():
                yield column(str(key), "").place, f"{key}: {text}"
        elif isinstance(value, str):
            yield name, value
        elif isinstance(value, list):
            yield from ((name.removesuffix("s"), text) for text in value if isinstance(text, str))
