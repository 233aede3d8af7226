"""Rows of a collection as documents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import groupby
from types import MappingProxyType

from engine.models import Document, Turn, canonical_json, content_hash
from engine.sources.base import Reading
from engine.sources.cache.mapping import Exchange, Mapping
from engine.sources.cache.places import Place, as_text
from engine.sources.cache.rows import Collection, Row, Store
from engine.sources.columns import fold
from engine.sources.facts import MAX_COLUMNS, MAX_METADATA, clean, date_of
from engine.sources.items import Item, Refused
from engine.sources.turns import tidy

_MAX_ID = 200
_MAX_TURNS = 200
_TELL_EVERY = 200
_WHEN = frozenset({"date", "datetime", "time", "timestamp", "ts"}).union(
    ("created", "updated", "added", "asked", "cached", "saved", "stored")
)
_TAG_KEYS = frozenset({"tag", "tags"})


class Documents:
    """The documents of a collection.

    Args:
        item: The database, for progress.
        collection: The collection.
        mapping: Where its rows hold questions and answers.
        conversation: Where each row is one turn, the metadata key that tells which rows
            belong together; empty where a question and the answer after it do.
        reading: Where what is not read is reported.
    """

    def __init__(
        self,
        item: Item,
        collection: Collection,
        mapping: Mapping,
        conversation: str,
        reading: Reading,
    ) -> None:
        folder = item.name.rpartition("/")[0]
        self._item = item
        self._collection = collection
        self._prefix = f"{folder}/{collection.name}/" if folder else f"{collection.name}/"
        self._mapping = mapping
        self._conversation = conversation
        self._reading = reading
        self._behind = 0

    def of(self, store: Store) -> Iterator[Document]:
        """Yield the documents; report rows that give none.

        A database that turns out to be damaged ends the reading, and that is reported.
        """
        try:
            if self._mapping.by_rows:
                yield from self._by_rows(store)
            else:
                for row in self._counted(store.rows(self._collection)):
                    yield from self._of_row(row)
        except Refused as refused:
            self._reading.skip(
                self._item.name,
                0,
                refused.code,
                f"{refused.reason}; {self._behind:,} of {self._collection.count:,} rows of "
                f"{self._collection.name} were read",
            )

    def _counted(self, rows: Iterator[Row]) -> Iterator[Row]:
        for row in rows:
            yield row
            self._behind += 1
            if self._behind % _TELL_EVERY == 0:
                share = min(self._behind / max(self._collection.count, 1), 1.0)
                self._reading.on_bytes(int(self._item.size * share))

    def _of_row(self, row: Row) -> Iterator[Document]:
        path = self._path(row.id)
        try:
            found = self._mapping.exchanges(row)
        except Refused as refused:
            self._reading.skip(path, 0, refused.code, refused.reason)
            return
        for code, reason in found.dropped:
            self._reading.skip(path, 0, code, f"{reason}; the rest was read")
        for number, exchange in enumerate(found.exchanges, 1):
            name = path if len(found.exchanges) == 1 else f"{path}#{number}"
            yield replace(self._document(name, exchange, row), record=path)

    def _by_rows(self, store: Store) -> Iterator[Document]:
        key = self._conversation
        rows = self._counted(store.rows(self._collection, key))
        for name, talk in groupby(rows, lambda row: as_text(row.metadata.get(key)) if key else ""):
            yield from self._of_talk(name, talk)

    def _of_talk(self, name: str, rows: Iterator[Row]) -> Iterator[Document]:
        """Yield a conversation; what is known to be one goes on in parts where it is very long."""
        turns: list[Turn] = []
        first: Row | None = None
        part = 1
        limit = _MAX_TURNS if name else 1
        for row in rows:
            side = self._mapping.side(row)
            text = self._mapping.question.whole.text(row).strip()
            if not side or not text or row.problem:
                self._reading.skip(self._path(row.id), 0, *_no_turn(row, text))
                continue
            if side == "question" and len(turns) > limit and turns[-1].role == "assistant":
                yield from self._talk(name, part, turns, first or row)
                turns, first, part = [], None, part + 1
            first = first or row
            turns.append(Turn("user" if side == "question" else "assistant", text))
        if first is not None:
            yield from self._talk(name, part, turns, first)

    def _talk(self, name: str, part: int, turns: Sequence[Turn], first: Row) -> Iterator[Document]:
        path = self._path(name or first.id) + (f"#{part}" if name and part > 1 else "")
        try:
            dialogue = tidy(turns, "rows")
        except Refused as refused:
            self._reading.skip(path, 0, refused.code, refused.reason)
            return
        for code, reason in dialogue.dropped:
            self._reading.skip(path, 0, code, f"{reason}; the rest was read")
        whole = self._path(name or first.id)
        yield replace(self._document(path, Exchange(dialogue.turns), first), record=whole)

    def _path(self, name: str) -> str:
        name = " ".join(clean(name).split())
        if len(name) > _MAX_ID:
            digest = content_hash(name.encode("utf-8", "replace"))
            name = f"{name[:_MAX_ID]}…{digest[3:11]}"
        return self._prefix + name

    def _document(self, path: str, exchange: Exchange, row: Row) -> Document:
        asked = sum(turn.role == "user" for turn in exchange.turns)
        written = canonical_json(exchange.turns).encode("utf-8", "backslashreplace")
        return Document(
            source_id=self._reading.source_id,
            path=path,
            title="",
            content_hash=content_hash(written),
            turns=exchange.turns,
            tags=_tags(row),
            date=_date(row),
            start_line=0,
            metadata=MappingProxyType(self._metadata(exchange, row)),
            kind="qa" if asked == 1 else "conversation",
            alternatives=exchange.alternatives,
        )

    def _metadata(self, exchange: Exchange, row: Row) -> dict[str, str]:
        """Return what else is known of a row, as text of bounded length."""
        said = {turn.content for turn in exchange.turns}
        kept: dict[str, str] = {}
        values = {key: as_text(value) for key, value in row.metadata.items()}
        if not self._mapping.uses_document:
            values.setdefault("document", Place("document").text(row))
        for key, value in [*exchange.extra.items(), *values.items()]:
            text = clean(value).strip()
            if key in self._mapping.keys or not text or text in said or len(kept) >= MAX_COLUMNS:
                continue
            kept[clean(key)[:MAX_METADATA]] = text[:MAX_METADATA]
        return {**kept, "layout": "cache"}


def _no_turn(row: Row, text: str) -> tuple[str, str]:
    if row.problem:
        return row.problem
    if not text:
        return "empty", "it has no text"
    return "unknown-role", "its metadata says neither that it asks nor that it answers"


def _date(row: Row) -> str:
    """Return when a row was made: by its metadata, else by when the database took it."""
    for key, value in row.metadata.items():
        if _WHEN & _words(key) and (found := date_of({"timestamp": _number(value)})):
            return found
    return date_of({"timestamp": row.created})


@lru_cache(maxsize=1024)
def _words(key: str) -> frozenset[str]:
    return frozenset(fold(key).split("_"))


def _number(value: object) -> object:
    """Return a number that was written as text as a number."""
    if isinstance(value, str) and value.replace(".", "", 1).isdecimal() and len(value) < 20:
        return float(value) if len(value.partition(".")[0]) >= 9 else value
    return value


def _tags(row: Row) -> tuple[str, ...]:
    """Return a row's tags: a list, or words with commas between them."""
    found: list[str] = []
    for key, value in row.metadata.items():
        if _words(key) <= _TAG_KEYS:
            texts = [as_text(one) for one in value] if isinstance(value, list) else [as_text(value)]
            found += [tag for text in texts for part in text.split(",") if (tag := part.strip())]
    return tuple(dict.fromkeys(clean(tag.removeprefix("#"))[:100] for tag in found[:50]))
