"""What every kind of source gives: a way to recognise itself, and a way to be read.

To add a kind, write one module with a class that has the members of
:class:`Reader`, and name an instance of it in ``engine.sources.detection.KINDS``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from engine.models import Document, Skipped

Progress = Callable[[int, int], None]
OnSkip = Callable[[Skipped], None]


def no_progress(done: int, total: int) -> None:
    """Report progress to nobody."""


def ignore_skip(skipped: Skipped) -> None:
    """Let a skipped thing go by."""


@dataclass(frozen=True, slots=True)
class Detection:
    """What a path holds.

    ``confidence`` runs from 0 to 1; ``why`` is a phrase for a person, such as
    "frontmatter in 61 of 78 notes, daily notes".
    """

    kind: str
    confidence: float
    why: str


@dataclass(frozen=True, slots=True)
class Survey:
    """A look at a path before a kind is chosen.

    Attributes:
        path: The file or folder.
        is_file: Whether it is a file.
        files: The regular files that can be read, the path itself where it is a
            file; hidden folders are left out, and so is what exceeds the survey's limit.
        hidden: The names of hidden folders seen at the top.
    """

    path: Path
    is_file: bool
    files: tuple[Path, ...]
    hidden: frozenset[str]

    def with_suffix(self, *suffixes: str) -> list[Path]:
        """Return the files whose names end so, upper or lower case."""
        return [file for file in self.files if file.suffix.lower() in suffixes]


class Reader(Protocol):
    """A kind of source."""

    @property
    def kind(self) -> str:
        """The kind's name on the command line and in the store."""

    @property
    def label(self) -> str:
        """What the kind is, in a few words."""

    def detect(self, survey: Survey) -> Detection | None:
        """Say how surely the surveyed path is of this kind; None where it is not."""

    def read(
        self, root: Path, source_id: str, *, progress: Progress, on_skip: OnSkip
    ) -> Iterator[Document]:
        """Read every document under a root. Files are opened for reading only.

        Args:
            root: The source's file or folder, which exists.
            source_id: The id that documents and skipped things carry.
            progress: Called with the units done and the units there are.
            on_skip: Called with each thing that is not read, and why.
        """
