"""The kind ``memory``: an app's memory and personality."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from statistics import fmean

from engine.models import Document
from engine.sources.base import Detection, Option, Reading, Survey
from engine.sources.files import Item, Refused
from engine.sources.jsonfiles import json_files, list_json
from engine.sources.memory.address import SCHEMES, parse
from engine.sources.memory.choices import OPTIONS, choices_of
from engine.sources.memory.entries import Entry
from engine.sources.memory.file import read_file
from engine.sources.memory.recognise import counts, likeness
from engine.sources.memory.tree import Node, trees
from engine.sources.memory.walk import entries

_FILES = 20
_RECORDS = 200
_WHOLE_BYTES = 20_000_000


class MemoryReader:
    """Reads one document a memory, a training row, or a part of a personality.

    A source is a JSON or JSONL file, a folder or archive of them, or the address of an app
    that exports them.
    """

    kind = "memory"
    label = "an app's memory and personality in JSON, or its export's address"
    version = 3
    options: tuple[Option, ...] = OPTIONS
    schemes = SCHEMES

    def detect(self, survey: Survey) -> Detection | None:
        """Recognise facts with importance or category, and what somebody is like."""
        files = json_files(survey)
        scores: list[float] = []
        found: list[Entry] = []
        whole = True
        for item in files[:_FILES]:
            nodes, complete = _first(item)
            whole = whole and complete
            if nodes:
                scores.append(fmean(likeness(node) for node in nodes))
                found += [entry for node in nodes for entry in entries(node)]
        said = str(counts(found))
        if not said or not max(scores, default=0.0):
            return None
        # A folder in which memories are the exception is something else.
        share = len(files) / len(survey.items)
        where = "" if len(files) == 1 else f" in {len(files):,} files"
        why = said + where + ("" if whole else ", in the part that was looked at")
        return Detection(self.kind, round(fmean(scores) * share, 2), why)

    def detect_address(self, address: str) -> Detection:
        """Say what an http or https address is, without asking anybody.

        Raises:
            AddressRefused: It is none, or it holds a secret.
        """
        seen = parse(address)
        why = f"the address of an app's export: {seen.shown}"
        if seen.clear:
            why += "; the token would travel unencrypted, which insecure=yes allows"
        return Detection(self.kind, 0.9, why)

    def items(self, root: str, reading: Reading) -> Iterator[Item]:
        """Yield the JSON files, or what an app exports.

        Raises:
            SourceError: An app does not export what it should; each cause has a class of its own.
            UsageError: An option has a value that it can't have.
        """
        choices = choices_of(reading.options)
        if root.partition("://")[0].lower() in SCHEMES:
            from engine.sources.memory.export import exported

            yield exported(root, choices, lambda: reading.on_bytes(0))
        else:
            yield from list_json(root, reading)

    def read(self, item: Item, reading: Reading) -> Iterator[Document]:
        """Yield the documents of a file; what is none is reported with its line."""
        yield from read_file(item, reading)


def _first(item: Item) -> tuple[list[Node], bool]:
    """Return the first values of a file, and whether these are all."""
    if item.suffix == ".json" and item.size > _WHOLE_BYTES:
        return [], False
    try:
        nodes = list(islice(trees(item, lambda *_: None, lambda _: None), _RECORDS + 1))
    except Refused:
        return [], True
    finally:
        item.forget()
    return nodes[:_RECORDS], len(nodes) <= _RECORDS
