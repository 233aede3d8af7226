"""Which collection of a database is read, and where its questions and answers stand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Mapping as MappingOf
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from engine.models import Turn
from engine.sources.cache.copying import StoreItem, private_copy
from engine.sources.cache.guess import Guess, conversation_key, fit_of, guesses, in_order, places
from engine.sources.cache.mapping import Mapping
from engine.sources.cache.parquet import ParquetStore
from engine.sources.cache.places import Place, parse
from engine.sources.cache.rows import Collection, Row, Store
from engine.sources.cache.sqlite import SqliteStore
from engine.sources.items import Refused

SAMPLE = 200
_LOOK_AT = 40
_CLOSE = 0.08


@contextmanager
def opened(item: StoreItem) -> Iterator[Store]:
    """Open a copy of a database.

    Raises:
        Refused: It can't be read, or is not one of Chroma.
        DiskFull: There is no room for a copy.
    """
    with private_copy(item) as copy:
        store = SqliteStore(copy) if item.is_sqlite else ParquetStore(copy)
        try:
            yield store
        finally:
            store.close()


@dataclass(frozen=True, slots=True)
class Said:
    """What a person said about a database; None or empty where that is to be found out."""

    collection: str = ""
    question: Place | None = None
    answer: Place | None = None
    conversation: str = ""

    @classmethod
    def of(cls, options: MappingOf[str, str]) -> Said:
        """Return what options say.

        Raises:
            UsageError: A place can't be understood.
        """
        question, answer = options.get("question", ""), options.get("answer", "")
        return cls(
            options.get("collection", ""),
            parse(question, "question") if question.strip() else None,
            parse(answer, "answer") if answer.strip() else None,
            options.get("conversation", ""),
        )


@dataclass(frozen=True, slots=True)
class View:
    """A collection with what a sample of it seems to hold, the likeliest mapping first."""

    collection: Collection
    sample: Sequence[Row]
    guesses: Sequence[Guess]

    @property
    def best(self) -> Guess | None:
        """The mapping that is taken where nothing else is said."""
        return self.guesses[0] if self.guesses else None

    @property
    def rivals(self) -> list[Mapping]:
        """Other mappings for which nearly as much speaks."""
        if self.best is None:
            return []
        least = self.best.score - _CLOSE
        taken = self._texts(self.best.mapping)
        rivals = [guess.mapping for guess in self.guesses[1:] if guess.score >= least]
        return [mapping for mapping in rivals if self._texts(mapping) != taken]

    def _texts(self, mapping: Mapping) -> list[tuple[Turn, ...]]:
        """Return what a mapping reads of the first rows."""
        found: list[tuple[Turn, ...]] = []
        for row in self.sample[:20]:
            with suppress(Refused):
                found += [exchange.turns for exchange in mapping.exchanges(row).exchanges]
        return found

    @property
    def conversation(self) -> str:
        """The metadata key that tells which rows belong to one conversation, or ""."""
        by_rows = self.best is not None and self.best.mapping.by_rows
        return conversation_key(self.sample) if by_rows else ""

    def choices(self, side: str) -> tuple[str, ...]:
        """Return the places where questions or answers may stand, the likeliest first."""
        found = [guess.mapping for guess in self.guesses]
        likely = [one.question if side == "question" else one.answer for one in found]
        return tuple(dict.fromkeys(map(str, (*likely, *places(self.sample)))))


@dataclass(frozen=True, slots=True)
class Look:
    """What a database holds: the collection that is read, and the others."""

    chosen: View
    views: Sequence[View]
    collections: Sequence[Collection]


def look(store: Store, said: Said) -> Look:
    """Look at samples of a database's collections.

    The collection is the one that is named; else the largest in which questions are found;
    else the largest.

    Raises:
        Refused: There is no collection, or none of the name.
    """
    collections = store.collections()
    if not collections:
        raise Refused("no-collections", "the database holds no collections")
    wanted = [one for one in collections if one.name == said.collection]
    if said.collection and not wanted:
        raise Refused(
            "no-collection",
            f"it has no collection {said.collection}; it has: {listed(collections)}",
        )
    looked_at = wanted or sorted(collections, key=lambda one: -one.count)[:_LOOK_AT]
    views = [_view(store, collection, said) for collection in looked_at]
    chosen = next((view for view in views if view.best), views[0])
    return Look(chosen, views, collections)


def _view(store: Store, collection: Collection, said: Said) -> View:
    sample = store.sample(collection, SAMPLE)
    return View(collection, sample, guesses(sample, said.question, said.answer))


def listed(collections: Sequence[Collection]) -> str:
    """Return collections as words, with their numbers of rows."""
    shown = [f"{one.name} ({one.count:,})" for one in collections[:12]]
    more = len(collections) - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more else "")


def mapping_for(view: View, said: Said) -> Mapping:
    """Return how a collection's rows are read.

    Raises:
        Refused: No questions are found, or none where they were said to be.
    """
    name, count = view.collection.name, view.collection.count
    if not count:
        raise Refused("empty", f"the collection {name} has no rows")
    if view.best is not None:
        return view.best.mapping
    if said.question or said.answer:
        return _as_said(view, said)
    raise Refused("no-questions", passages(view))


def _as_said(view: View, said: Said) -> Mapping:
    """Return the mapping that a person gave, though little of the sample reads so."""
    mapping = None
    if said.question and said.answer:
        mapping = in_order(Mapping(said.question, said.answer), view.sample)
    if mapping and fit_of(mapping, view.sample):
        return mapping
    others = guesses(view.sample)
    if mapping and not others and len(view.sample) < view.collection.count:
        return mapping
    sides = (("question", said.question), ("answer", said.answer))
    places_said = "  ".join(f"{side}={place}" for side, place in sides if place)
    fits = f"; what fits is {others[0].mapping}" if others else ""
    raise Refused(
        "no-questions", f"no row of {view.collection.name} looked at reads as {places_said}{fits}"
    )


def passages(view: View) -> str:
    """Say what a collection is in which no questions are found."""
    count, name = view.collection.count, view.collection.name
    if not any(row.document or places([row]) for row in view.sample):
        return f"{count:,} rows without text in {name}: only vectors are stored there"
    rows = f"{count:,} passage" + ("s" if count != 1 else "")
    return f"{rows} of text in {name}, no questions found; set question and answer to read it"
