"""The class through which all of finetui uses a workspace's database."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from engine.models import (
    NO_METADATA,
    Brief,
    Card,
    Counts,
    Example,
    Filter,
    QueueRow,
    Skipped,
    Source,
    Vote,
)
from engine.store import queue as queue_rows
from engine.store import sources as source_rows
from engine.store import tally
from engine.store import votes as vote_rows
from engine.store.checked import CheckedStore
from engine.store.connection import BUSY_SECONDS, Connection, Patience
from engine.store.decisions import KEPT_AT_MOST, JournalStore
from engine.store.opening import Opened, open_database

if TYPE_CHECKING:
    from engine.store.staging import ScannedItem, Stage
    from engine.store.takeover import ScanTally

ALL = Filter()
MANY = 20_000
"""Examples through which a search takes longer than others may wait for."""


class Store(CheckedStore, JournalStore):
    """A workspace's database.

    Any thread may use a store, and several processes may have the same file open:
    each write is one transaction that reads what it depends on. Errors of the disk and
    the file arrive as DiskFull, WorkspaceLocked, WorkspaceDamaged or WorkspaceError.
    ``set_aside`` is the name under which the opening put another database's log aside.
    """

    def __init__(self, path: Path, opened: Opened, busy_seconds: float, session: str = "") -> None:
        self.path = path
        self.session = session or os.urandom(8).hex()
        self._db = opened.connection
        self._kept = deque(maxlen=KEPT_AT_MOST)
        self._copy = opened.copy
        self.set_aside = opened.aside
        self._busy_seconds = busy_seconds

    @classmethod
    def open(cls, path: Path, *, busy_seconds: float = BUSY_SECONDS, session: str = "") -> Store:
        """Open a database, which is made or brought up to date if need be.

        Args:
            path: The file.
            busy_seconds: How long a write waits for another process.
            session: Who decides through it; empty for somebody new. A process that opens the
                same file twice for one person gives both the same.

        Raises:
            WorkspaceNewer: A newer finetui wrote it; it is left untouched.
            WorkspaceDamaged: It is no sound database of finetui.
            WorkspaceLocked: Another process holds it.
            DiskFull: There is no room to make a new one.
            WorkspaceError: It can't be opened.

        What can be read and not written, by rights, a read-only disk or a full one, is opened
        to be looked at: see :attr:`read_only`.
        """
        return cls(path, open_database(path, busy_seconds), busy_seconds, session)

    def again(self, *, busy_seconds: float | None = None, session: str = "") -> Store:
        """Open the same database once more, with a connection of its own.

        Args:
            busy_seconds: How long a write waits for another process; None takes this store's.
            session: Who decides through it; empty for this store's session.

        Raises:
            WorkspaceReplaced: The path names another file by now, or none.
            WorkspaceReadOnly: It can only be looked at.
        """
        seconds = self._busy_seconds if busy_seconds is None else busy_seconds
        opened = open_database(self.path, seconds, like=self._db)
        return Store(self.path, opened, seconds, session or self.session)

    @property
    def read_only(self) -> str:
        """Why the workspace can only be looked at; empty where it can be changed."""
        return self._db.read_only.message if self._db.read_only is not None else ""

    def require_in_place(self) -> None:
        """Raise where a write would be refused; costs a look at the files' names.

        Raises:
            WorkspaceReplaced: The database was removed or replaced.
            WorkspaceReadOnly: It can only be looked at; DiskFull, if that is the reason.
        """
        self._db.require_in_place()

    def close(self) -> None:
        """Close the database. Nothing waits to be saved."""
        self._db.close()
        if self._copy is not None:
            self._copy.cleanup()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Other processes

    @contextmanager
    def waiting(self, told: Callable[[float], None]) -> Iterator[None]:
        """Tell of waits for another process in this thread while a block runs.

        Args:
            told: Called between two tries with the seconds waited so far. What it raises ends
                the wait; nothing was changed then.
        """
        with self._db.patience(Patience(self._busy_seconds, told)):
            yield

    def wait_at_most(self, seconds: float) -> None:
        """Wait no longer for another process, in the calling thread from now on."""
        self._db.wait_at_most(seconds)

    # Sources

    def add_source(self, kind: str, root: str, options: Mapping[str, str] | None = None) -> Source:
        """Record a source and return it; its id depends on kind and root alone.

        Args:
            kind: The kind's name.
            root: An absolute path or an address.
            options: What is set about it; None leaves a known source's as they are.
        """
        return source_rows.add(self._db, kind, str(root), time.time(), options)

    def sources(self) -> list[Source]:
        """Return the sources in the order in which they were added."""
        return source_rows.sources(self._db)

    def source(self, id_or_prefix: str) -> Source:
        """Return the source that an id, a prefix of one, or a root means.

        Raises:
            SourceMissing: There is none.
            UsageError: The prefix fits several.
        """
        return source_rows.find(self._db, id_or_prefix)

    def remove_source(self, source_id: str) -> int:
        """Remove a source and those of its examples that nobody ever decided or edited.

        An example that another source holds too goes over to that one.

        Returns:
            How many examples left the queue.

        Raises:
            SourceMissing: There is no such source.
        """
        return source_rows.remove(self._db, source_rows.find(self._db, source_id).id)

    def scanned_items(self, source_id: str) -> dict[str, ScannedItem]:
        """Return the files of a source as its last scan saw them, by name."""
        return source_rows.scanned_items(self._db, source_id)

    def source_kinds(self, source_id: str) -> dict[str, int]:
        """Return how many examples of each kind a source has, the commonest first."""
        return source_rows.kinds(self._db, source_id)

    def source_sections(self, source_id: str) -> int:
        """Return how many sections of a source would be examples too, if asked for."""
        return source_rows.sections(self._db, source_id)

    def fingerprint(self, source_id: str) -> str:
        """Return what the last scan of a source depended on besides its files."""
        return source_rows.fingerprint(self._db, source_id)

    @contextmanager
    def stage(self) -> Iterator[Stage]:
        """Give what a scan gathers in; nothing of it reaches the workspace by itself."""
        from engine.store.staging import Stage  # what scans need, the app's start does not

        self._db.require_in_place()
        stage = Stage(self.path, self._busy_seconds)
        try:
            yield stage
        finally:
            stage.close()

    def take_over(self, stage: Stage, source_id: str, *, fingerprint: str, at: float) -> ScanTally:
        """Bring the queue in step with what a stage holds.

        New examples are added at the queue's end, by small transactions. Then one
        transaction brings the provenance of known ones up to date, gives those that
        changed their new version, and drops those that vanished, except what a person has
        ever decided or edited, which is marked.

        Args:
            stage: What the scan gathered; files that it does not name are as they were.
            source_id: The source.
            fingerprint: What the reading depended on besides the files.
            at: When, in seconds since the epoch.

        Raises:
            SourceMissing: There is no such source.
        """
        from engine.store.takeover import Takeover

        stage.finish()
        self._db.require_in_place()
        tally = Takeover(stage, source_id).run(fingerprint, at)
        self._db.require_in_place()
        return tally

    def record_scan(
        self,
        source_id: str,
        examples: Iterable[Example],
        skipped: Iterable[Skipped],
        documents: int,
        *,
        at: float,
    ) -> ScanTally:
        """Bring the queue in step with examples that are all that a source has.

        ``examples`` is read to its end before the workspace is touched, so it may be a
        generator; if it raises, nothing is changed. ``skipped`` is read after it, and may
        be a list that the generator fills.

        Args:
            source_id: The source.
            examples: What was found; of two with the same id the first counts.
            skipped: What was not read.
            documents: How many documents were read.
            at: When, in seconds since the epoch.

        Raises:
            SourceMissing: There is no such source.
        """
        from engine.store.staging import ReadItem, ScannedItem, staged

        source = source_rows.find(self._db, source_id)
        by_path: dict[str, list[Example]] = {}
        for example in examples:
            by_path.setdefault(example.provenance.path, []).append(example)
        known = self.scanned_items(source.id)
        with self.stage() as stage:
            for number, (path, found) in enumerate(by_path.items()):
                item = ScannedItem(path, documents=0 if number else documents)
                stage.take(ReadItem(item, [staged(example) for example in found]))
            if documents and not by_path:
                stage.take(ReadItem(ScannedItem("", documents=documents), []))
            stage.lose(known.keys() - by_path.keys())
            stage.leave_out(skipped)
            return self.take_over(stage, source.id, fingerprint="", at=at)

    def skips(self, source_id: str) -> list[Skipped]:
        """Return what the last scan of a source did not read."""
        return source_rows.skips(self._db, source_rows.find(self._db, source_id).id)

    def skip_codes(self, source_id: str) -> dict[str, int]:
        """Return how many things the last scan of a source skipped by code, most first."""
        return source_rows.skip_codes(self._db, source_rows.find(self._db, source_id).id)

    def skip_numbers(self, source_id: str, code: str = "") -> list[int]:
        """Return the numbers of what was skipped, by path and line, for :meth:`skips_at`."""
        whole = source_rows.find(self._db, source_id).id
        return source_rows.skip_numbers(self._db, whole, code)

    def skips_at(self, numbers: Sequence[int]) -> list[Skipped]:
        """Return what has these numbers. Costs what is asked for, however long the list is."""
        return source_rows.skips_at(self._db, numbers)

    # Examples and the queue

    def card(self, id_or_prefix: str) -> Card:
        """Return an example with its present state and text.

        Raises:
            ExampleMissing: No example's id begins so.
            ExampleAmbiguous: Several do.
        """
        return queue_rows.card(self._db, id_or_prefix)

    def newer_version(self, example_id: str) -> str:
        """Return the id of the latest example that follows another one, or nothing."""
        return queue_rows.newer_version(self._db, example_id)

    def cards(self, filter: Filter = ALL, limit: int | None = None) -> Iterator[Card]:
        """Yield cards in queue order; between two of them the database is not locked."""
        return queue_rows.cards(self._db, filter, limit)

    def positions(self, filter: Filter = ALL) -> list[int]:
        """Return the places of a filter's examples, in queue order."""
        return queue_rows.positions(self._db, filter)

    def briefs(self) -> list[Brief]:
        """Return what is known of every example without its text, in queue order."""
        return queue_rows.briefs(self._db)

    def cards_at(self, positions: Sequence[int]) -> list[Card]:
        """Return the cards at some places, a few hundred at most; what is gone is left out."""
        return queue_rows.cards_at(self._db, positions)

    def queue_page(
        self, filter: Filter = ALL, *, after: int = -1, limit: int = 200
    ) -> list[QueueRow]:
        """Return the rows after a position. Costs the page, wherever it is."""
        return queue_rows.page(self._db, filter, after, limit)

    def queue_rows(self, ids: Sequence[str]) -> list[QueueRow]:
        """Return the rows of some examples, in the order of the ids; what is gone is left out."""
        return queue_rows.rows_of(self._db, ids)

    def queue_before(
        self, filter: Filter = ALL, *, before: int, limit: int = 200
    ) -> list[QueueRow]:
        """Return the rows before a position, in ascending order. Costs the page."""
        return queue_rows.page_before(self._db, filter, before, limit)

    def queue_size(self, filter: Filter = ALL) -> int:
        """Return how many rows a filter lets through. Linear in that number."""
        if self.is_counted(filter):
            return queue_rows.size(self._db, filter)
        with self._for_search() as db:
            return queue_rows.size(db, filter)

    def queue_rank(self, filter: Filter, position: int) -> int:
        """Return how many rows of a filter come before a position. Linear in that number."""
        return queue_rows.rank(self._db, filter, position)

    def queue_window(self, filter: Filter, start_rank: int, limit: int) -> list[QueueRow]:
        """Return rows from a rank on. Linear in the rank, in entries of an index."""
        return queue_rows.window(self._db, filter, start_rank, limit)

    def next_undecided(self, filter: Filter = ALL, after: int = -1) -> QueueRow | None:
        """Return the first undecided row of a filter after a position, without wrapping around."""
        return queue_rows.next_undecided(self._db, filter, after)

    def is_counted(self, filter: Filter) -> bool:
        """Return whether sizes and ranks of a filter are read from counts, at once."""
        return tally.tallied(filter)

    def queue_listing(self, filter: Filter) -> list[tuple[int, bool]]:
        """Return position and whether undecided of a filter's rows, in order. Linear."""
        with self._for_search() as db:
            return queue_rows.listing(db, filter)

    def _for_search(self) -> AbstractContextManager[Connection]:
        """Return a connection for what looks at all of a filter's rows."""
        many = queue_rows.size(self._db, ALL) > MANY
        return self._db.long_read() if many else nullcontext(self._db)

    def rows_at(self, positions: Sequence[int]) -> list[QueueRow]:
        """Return the rows at some positions, a few hundred at most, in order."""
        return queue_rows.rows_at(self._db, positions)

    def in_filter(self, filter: Filter, position: int) -> bool:
        """Return whether a filter lets the row at a position through."""
        return queue_rows.lets_through(self._db, filter, position)

    def counts(self, filter: Filter = ALL) -> Counts:
        """Return how many examples are in each state."""
        return queue_rows.counts(self._db, filter)

    def tags(self) -> list[tuple[str, int]]:
        """Return every tag and its number of examples, the commonest first."""
        return queue_rows.tags(self._db)

    def kinds(self) -> list[tuple[str, int]]:
        """Return every kind and its number of examples, the commonest first."""
        return queue_rows.kinds(self._db)

    # Votes and single values

    def add_vote(
        self,
        *,
        run_id: str,
        quant: str,
        prompt: str,
        base_text: str,
        tuned_text: str,
        left: Literal["base", "tuned"],
        choice: Literal["base", "tuned", "tie", "both-bad"],
        blind: bool,
        at: float,
        metadata: Mapping[str, str] = NO_METADATA,
    ) -> Vote:
        """Record a judgement, durably, and return it with its number."""
        return vote_rows.add(
            self._db,
            run_id=run_id,
            quant=quant,
            prompt=prompt,
            base_text=base_text,
            tuned_text=tuned_text,
            left=left,
            choice=choice,
            blind=blind,
            at=at,
            metadata=metadata,
        )

    def votes(self, run_id: str = "") -> list[Vote]:
        """Return the votes that were not taken back, of one run or of all, oldest first."""
        return vote_rows.votes(self._db, run_id)

    def take_back_vote(self, run_id: str = "", *, at: float) -> Vote | None:
        """Take back the last vote, of one run or of all; again, the one before it.

        Returns:
            The vote, or None where none is left.
        """
        return vote_rows.take_back(self._db, run_id, at)

    def get_meta(self, key: str) -> str | None:
        """Return a value that the workspace remembers, or None."""
        return vote_rows.get_meta(self._db, key)

    def set_meta(self, key: str, value: str) -> None:
        """Remember a value."""
        vote_rows.set_meta(self._db, key, value)

    def update_meta(self, key: str, change: Callable[[str | None], str]) -> str:
        """Replace a remembered value by what follows from it, and return it.

        No other process writes between the reading and the writing.
        """
        return vote_rows.update_meta(self._db, key, change)
