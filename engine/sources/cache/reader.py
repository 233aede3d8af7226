"""A Chroma database as a source: a semantic cache, or questions and answers stored for search."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from engine.errors import SourceEmpty, SourceError, SourceMissing, SourceUnknown, SourceUnreadable
from engine.models import Document, Skipped
from engine.paths import shorten
from engine.sources.base import NOTHING, Detection, Option, Reading, Survey
from engine.sources.cache.copying import StoreItem, store_at, stores
from engine.sources.cache.documents import Documents
from engine.sources.cache.look import Look, Said, listed, look, mapping_for, opened, passages
from engine.sources.files import walk
from engine.sources.items import Item, Refused

_FORMS = (
    "document, metadata:KEY or id, or a part of one such as document:after Answer:, "
    "document:turns User:, document:before Answer:, document:first line, document:other lines, "
    "document:first question, metadata:data:json answer, document:where role=user"
)
_PASSAGES = 0.2
_DEEP = 0.85
# Chroma's own files, which hold vectors and locks, not words.
_LOG_SUFFIXES = (".sqlite3-wal", ".sqlite3-shm", ".sqlite3-journal")
_INDEX_SUFFIXES = (".bin", ".pickle", ".pkl", *_LOG_SUFFIXES)
_HINTS = {
    "empty": "let the program that fills it write something first",
    "no-collections": "let the program that fills it write something first",
    "not-a-database": "name another file, or decrypt it first",
    "damaged": "restore a backup of it, or recover it with: sqlite3 chroma.sqlite3 .recover",
    "lfs-pointer": "fetch the content with: git lfs pull",
    "unknown-version": "update finetui, or export the collection to JSON",
    "locked": "close the program that uses it, or try again later",
    "changing": "try again when the program that writes it is idle",
    "incomplete": "copy the whole folder",
}


class CacheReader:
    """Reads one document an exchange of question and answer from a Chroma database.

    The source is the folder that a program persists Chroma in, a folder above it, or the
    ``chroma.sqlite3`` itself. It is copied, and only the copy is opened.
    """

    kind = "cache"
    label = "questions and answers in a Chroma database, such as a semantic cache"
    version = 3
    options: tuple[Option, ...] = (
        Option(
            "collection",
            "Which collection is read; the largest with questions if not set.",
            kept=True,
        ),
        Option("question", f"Where a row's question stands: {_FORMS}. Found out if not set."),
        Option("answer", "Where a row's answer stands, said as for question."),
        Option(
            "conversation",
            "Where each row is one turn: the metadata key that tells which rows belong together.",
        ),
    )

    def detect(self, survey: Survey, options: Mapping[str, str] = NOTHING) -> Detection | None:
        """Recognise a database of Chroma, and find out where its questions and answers stand.

        Args:
            survey: A look at the path.
            options: What a person already said about it; the rest is found out to fit.

        Raises:
            SourceError: It is a database and nothing else, and can't be read.
            UsageError: An option can't be understood.
        """
        if survey.is_file:
            found = [named for item in survey.items if (named := store_at(item)) is not None]
        else:
            found = stores(survey.items)
        if not found:
            return None
        said = Said.of(options)
        seen: list[Detection] = []
        for item in found:
            try:
                with opened(item) as store:
                    seen.append(_detection(item, look(store, said)))
            except Refused as refused:
                if survey.is_file or (len(found) == 1 and "/" not in item.name):
                    raise _named(refused, survey.path) from refused
                seen.append(Detection(self.kind, _PASSAGES, f"{item.name}: {refused.reason}"))
        best = max(seen, key=lambda one: one.confidence)
        if len(seen) == 1:
            return best
        return Detection(
            self.kind,
            best.confidence,
            f"{len(seen)} Chroma databases, each read by itself; of one of them: {best.why}",
            {},
            {
                "collection": tuple(
                    dict.fromkeys(
                        name for one in seen for name in one.choices.get("collection", ())
                    )
                )
            },
        )

    def detect_with(self, survey: Survey, options: Mapping[str, str]) -> Detection | None:
        """Recognise a database about which something is said already; see :meth:`detect`."""
        return self.detect(survey, options)

    def check(self, options: Mapping[str, str]) -> None:
        """See that the options can be used, before anything is read.

        Raises:
            UsageError: One can't be understood.
        """
        Said.of(options)

    def items(self, root: str, reading: Reading) -> Iterator[Item]:
        """Yield the databases below a folder, or the one file."""
        path = Path(root)
        if not path.is_dir():
            for item in walk(path, reading):
                store = store_at(item)
                if store is None:
                    reading.skip(item.name, 0, "not-chroma", "it is not a Chroma database")
                else:
                    yield store
            return

        def on_skip(skipped: Skipped) -> None:
            # A log that comes and goes beside its database is not something of its own.
            if not skipped.path.endswith(_LOG_SUFFIXES):
                reading.on_skip(skipped)

        items = list(walk(path, replace(reading, on_skip=on_skip)))
        found = stores(items)
        folders = tuple(store.name.rpartition("/")[0] for store in found)
        names = {store.name for store in found}
        for item in items:
            if item.name not in names and not _belongs(item, folders):
                reading.skip(item.name, 0, "not-chroma", "it is no part of a Chroma database")
        yield from found

    def read(self, item: Item, reading: Reading) -> Iterator[Document]:
        """Yield a database's exchanges, one a row or more; report rows that hold none."""
        said = Said.of(reading.options)
        store_item = item if isinstance(item, StoreItem) else store_at(item)
        if store_item is None:
            raise Refused("not-chroma", "it is not a Chroma database")
        with opened(store_item) as store:
            try:
                seen = look(store, said)
            except Refused as refused:
                if refused.code == "no-collection" and store_item.alone:
                    raise SourceMissing(
                        f"{item.name}: {refused.reason}",
                        hint="set the option collection to one of them",
                    ) from refused
                raise
            view = seen.chosen
            mapping = mapping_for(view, said)
            conversation = said.conversation or view.conversation
            documents = Documents(item, view.collection, mapping, conversation, reading)
            yield from documents.of(store)


def _belongs(item: Item, folders: Sequence[str]) -> bool:
    """Say whether a file is one of those that Chroma keeps beside its rows."""
    if not item.name.endswith(_INDEX_SUFFIXES) and not item.name.endswith(".parquet"):
        return False
    return any(not folder or item.name.startswith(f"{folder}/") for folder in folders)


def _detection(item: StoreItem, seen: Look) -> Detection:
    view = seen.chosen
    collections = tuple(one.name for one in seen.collections)
    choices: dict[str, tuple[str, ...]] = {"collection": collections}
    where = "" if "/" not in item.name else f" in {item.name.rpartition('/')[0]}"
    what = f"a Chroma database{where}; "
    if view.best is None:
        if fields := view.choices("question"):
            choices |= {"question": fields, "answer": fields}
        options = {"collection": view.collection.name}
        why = what + passages(view) + _others(seen)
        return Detection(CacheReader.kind, _PASSAGES, why, options, choices)
    best = view.best
    choices |= {"question": view.choices("question"), "answer": view.choices("answer")}
    options = {
        "collection": view.collection.name,
        "question": str(best.mapping.question),
        "answer": str(best.mapping.answer),
    }
    if view.conversation:
        options["conversation"] = view.conversation
    read = round(best.fit * len(view.sample))
    held = "turns" if best.mapping.by_rows else "questions with answers"
    why = (
        f"{what}{held} in {read:,} of {len(view.sample):,} rows looked at of "
        f"{view.collection.name} ({view.collection.count:,})"
    )
    if view.rivals:
        rivals = " or ".join(map(str, view.rivals[:2]))
        why += f"; it may also be {rivals}"
    confidence = round(min(best.score, 0.98) * (_DEEP if where else 1.0), 2)
    return Detection(CacheReader.kind, confidence, why + _others(seen), options, choices)


def _others(seen: Look) -> str:
    """Say which other collections there are, and which of them hold questions."""
    others = [view for view in seen.views if view is not seen.chosen]
    if not others:
        return ""
    asking = [view.collection for view in others if view.best]
    rest = [view.collection for view in others if not view.best]
    said = f"; questions also in {listed(asking)}" if asking else ""
    return said + (f"; other collections: {listed(rest)}" if rest else "")


def _named(refused: Refused, path: Path) -> SourceError:
    """Return the named error for a database that can't be read."""
    place = shorten(path, 60)
    hint = _HINTS.get(refused.code, "name a folder in which Chroma keeps its data")
    if refused.code in ("empty", "no-collections"):
        return SourceEmpty(f"{place}: {refused.reason}", hint=hint)
    if refused.code == "not-chroma":
        return SourceUnknown(f"{place}: {refused.reason}", hint=hint)
    return SourceUnreadable(f"{place}: {refused.reason}", hint=hint)
