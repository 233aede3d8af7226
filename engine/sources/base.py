"""What every kind of source gives: a way to recognise itself, and a way to be read.

To add a kind, write one module with a class that has the members of
:class:`Reader`, and name an instance of it in ``engine.sources.detection.KINDS``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Protocol, runtime_checkable

from engine.models import Document, Skipped
from engine.sources.items import Item

Progress = Callable[[int, int], None]
OnSkip = Callable[[Skipped], None]

NOTHING: Mapping[str, str] = MappingProxyType({})
NO_CHOICES: Mapping[str, tuple[str, ...]] = MappingProxyType({})


def no_progress(done: int, total: int) -> None:
    """Report progress to nobody."""


def ignore_skip(skipped: Skipped) -> None:
    """Let a skipped thing go by."""


def ignore_bytes(done: int) -> None:
    """Let the bytes go by."""


@dataclass(frozen=True, slots=True)
class Option:
    """Something that a person can set about a source.

    Attributes:
        name: What it is called on the command line and in the store.
        help: What it does, in a sentence.
        default: What holds where it is not set; empty where that is detected.
        choices: The values that it can have; empty where any text can be given.
        kept: Whether what was found for it when the source was added holds from then on.
        told: What a person is told at once of a value, such as whose words are learnt.
    """

    name: str
    help: str
    default: str = ""
    choices: tuple[str, ...] = ()
    kept: bool = False
    told: Mapping[str, str] = field(default_factory=lambda: NOTHING)


@dataclass(frozen=True, slots=True)
class Detection:
    """What a path holds.

    Attributes:
        kind: The kind's name.
        confidence: 0 to 1.
        why: A phrase for a person, such as "frontmatter in 61 of 78 notes, daily notes".
        options: What was found for the kind's options, such as a table's columns.
        choices: What an option can be here, such as the names of all columns.
    """

    kind: str
    confidence: float
    why: str
    options: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: NO_CHOICES)


@dataclass(frozen=True, slots=True)
class Survey:
    """A look at a path before a kind is chosen.

    Attributes:
        path: The file or folder.
        is_file: Whether it is one file; an archive counts as a folder of its members.
        items: The files that can be read, the path itself where it is a file; hidden
            folders are left out, and so is what exceeds the survey's limit.
        hidden: The names of hidden folders seen at the top.
    """

    path: Path
    is_file: bool
    items: tuple[Item, ...]
    hidden: frozenset[str]

    def with_suffix(self, *suffixes: str) -> list[Item]:
        """Return the files whose names end so, upper or lower case."""
        return [item for item in self.items if item.suffix in suffixes]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader is handed besides the item.

    Attributes:
        source_id: The id that documents and skipped things carry.
        options: What the person set; what is absent is detected or has its default.
        on_skip: Called with each thing that is not read.
        on_bytes: Called with the number of the item's bytes that are behind. It may
            raise to stop the reading.
    """

    source_id: str = ""
    options: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    on_skip: OnSkip = ignore_skip
    on_bytes: Callable[[int], None] = ignore_bytes

    def skip(self, name: str, line: int, code: str, reason: str) -> None:
        """Report something that is not read.

        Args:
            name: The file's path below the root.
            line: The line, or 0 for the whole file.
            code: The stable code, such as "not-utf8".
            reason: Why, for a person.
        """
        self.on_skip(Skipped(self.source_id, name, line, code, reason))


class Reader(Protocol):
    """A kind of source."""

    @property
    def kind(self) -> str:
        """The kind's name on the command line and in the store."""

    @property
    def label(self) -> str:
        """What the kind is, in a few words."""

    @property
    def version(self) -> int:
        """Raised when the same file gives other documents than before."""

    @property
    def options(self) -> tuple[Option, ...]:
        """What a person can set about a source of this kind."""

    def detect(self, survey: Survey) -> Detection | None:
        """Say how surely the surveyed path is of this kind; None where it is not."""

    def items(self, root: str, reading: Reading) -> Iterator[Item]:
        """Yield all that the source consists of, in a stable order; report what is left out.

        Args:
            root: The source's root: an absolute path that exists, or a URL.
            reading: Where what is left out goes, and the options.
        """

    def read(self, item: Item, reading: Reading) -> Iterator[Document]:
        """Yield the documents of one item, which depend on it and the options alone.

        Raises:
            Refused: The item as a whole can't be read.
        """


@runtime_checkable
class AddressReader(Protocol):
    """A kind whose sources may lie elsewhere than in a file, such as behind a URL."""

    @property
    def schemes(self) -> tuple[str, ...]:
        """What its addresses begin with before the colon, in lower case."""

    def detect_address(self, address: str) -> Detection:
        """Say what an address is, without asking anybody."""


@runtime_checkable
class CheckedReader(Protocol):
    """A kind with options of which not every text is a value."""

    def check(self, options: Mapping[str, str]) -> None:
        """See that the options can be used, before anything is read.

        Raises:
            UsageError: One has a value that it can't have.
        """


@runtime_checkable
class AdjustableReader(Protocol):
    """A kind of which some options depend on what is set for others."""

    def detect_with(self, survey: Survey, options: Mapping[str, str]) -> Detection | None:
        """Say what a path is, where some options are set already."""
