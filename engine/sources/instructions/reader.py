"""The kind of source for instruction sets: rows of any layout, from files or from the hub."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Literal, get_args

from engine.models import Document, canonical_json, content_hash
from engine.sources.answers import ListsAre
from engine.sources.base import Detection, Option, Reading, Survey
from engine.sources.columns import Columns, known, value_at
from engine.sources.empties import EMPTY_CELL, EmptyCells, is_no_value
from engine.sources.facts import date_of, metadata_of, title_of
from engine.sources.files import Item, Refused
from engine.sources.flags import UNREAD, Unread, thought_columns
from engine.sources.instructions.exact import conversations, told_by
from engine.sources.instructions.layout import list_rows, split_of
from engine.sources.instructions.look import detected
from engine.sources.instructions.origin import origin_of
from engine.sources.instructions.plan import Plan, looked_ahead, made
from engine.sources.messages import CONTENT_KEYS, ROLE_KEYS
from engine.sources.records import Record, record_key
from engine.sources.refusals import check
from engine.sources.tables import FORMATS, rows
from engine.sources.turns import Dialogue, made_of

_COLUMN = "The column that {}; a dotted path reaches into objects. Detected where empty."
LISTS = Option(
    "lists",
    "What a list in the place of an answer is: the lines of one text, or other answers to the "
    "same question. Told by the column's name where empty.",
    choices=("lines", "answers"),
)
_BESIDES = frozenset(("tools", "title", "text", "messages", "conversations"))


_LEFT_OUT = "left out of the question"
_KEPT = "kept as answers, since the format has an empty value of its own"
_TAKEN = {
    "lines": ("its items are read as lines of one text", "lists=answers reads them as answers"),
    "answers": (
        "its items are read as other answers to one question",
        "lists=lines reads them as lines of one text",
    ),
}


class InstructionsReader:
    r"""Reads one document a row.

    Read are JSON, JSONL, CSV, Parquet and Arrow, saved ``datasets`` directories, text files
    with markers between the turns, and data sets of the hub (``hub:owner/name``).

    The layouts of a row: a prompt and its answer under any of their usual names, with
    system, input and history; messages and ShareGPT; a text with ChatML, ``<|user|>``,
    ``[INST]`` or ``### Instruction`` markers. Columns of other names are told by words of
    many languages and by what they hold, unless a person names them.
    """

    kind = "instructions"
    label = "instructions in JSON, JSONL, CSV, Parquet, a datasets folder or hub:owner/name"
    version = 6
    options: tuple[Option, ...] = (
        Option("prompt", _COLUMN.format("asks")),
        Option("answer", _COLUMN.format("answers")),
        Option("system", _COLUMN.format("tells the assistant what to be")),
        Option("input", _COLUMN.format("says what the prompt is about, and follows it")),
        Option("messages", _COLUMN.format("holds a list of messages")),
        Option("text", _COLUMN.format("holds a text with markers between its turns")),
        LISTS,
    )
    schemes = ("hub",)

    def detect(self, survey: Survey) -> Detection | None:
        """Recognise rows that hold a prompt and an answer, or messages, or marked text."""
        return detected(self.kind, survey)

    def detect_address(self, address: str) -> Detection:
        """Say what a ``hub:`` address names; nobody is asked.

        Raises:
            UsageError: It is no such address.
        """
        from engine.sources.hub import HubAddress

        return Detection(self.kind, 1.0, HubAddress.of(address).said())

    def items(self, root: str, reading: Reading) -> Iterator[Item]:
        """Yield the files that hold rows; report the others.

        Raises:
            SourceError: A data set of the hub can't be reached.
        """
        if root.startswith("hub:"):
            from engine.sources.hub import list_hub

            yield from list_hub(root, reading)
            return
        yield from list_rows(root, reading)

    def read(self, item: Item, reading: Reading) -> Iterator[Document]:
        """Yield the rows of a file; what is none is reported with its line.

        Raises:
            Refused: The file can't be read, or a column that was named is not in it.
        """
        yield from _File(item, reading).documents()


class _File:
    """One file being read."""

    def __init__(self, item: Item, reading: Reading) -> None:
        self._item = item
        self._reading = reading
        self._skipped = False
        self._split = getattr(item, "split", "") or split_of(item.name)
        self._what = "row"
        self._of_cells = False
        self._unread = Unread(*ROLE_KEYS, *CONTENT_KEYS)
        self._lists: ListsAre | Literal[""] = _lists_of(reading.options)
        self._guessed: Counter[str] = Counter()
        self._left_out = EmptyCells()
        self._kept = EmptyCells()

    def _skip(self, line: int, code: str, reason: str) -> None:
        self._skipped = True
        self._reading.skip(self._item.name, line, code, reason)

    def documents(self) -> Iterator[Document]:
        found, stream = rows(self._item, self._skip, on_bytes=self._reading.on_bytes)
        self._what = "record" if found == "json" else "row"
        self._of_cells = found == "delimited"
        first, rest = looked_ahead(stream)
        if not first:
            if not self._skipped:
                self._skip(0, "empty", f"no row stands in this {FORMATS[found]} file")
            return
        plan = made([record.fields for record in first], found, self._reading.options)
        del first
        for record in rest:
            yield from self._of(record, plan)
        for line, reason in self._unread.reasons():
            self._skip(line, UNREAD, reason)
        for cells, become in ((self._left_out, _LEFT_OUT), (self._kept, _KEPT)):
            if reason := cells.reason(become):
                self._skip(0, EMPTY_CELL, reason)
        for guessed, number in self._guessed.items():
            taken, other = _TAKEN[guessed]
            many = f"{number:,} {self._what}{'' if number == 1 else 's'}"
            self._skip(0, "list-guessed", f"{many}: a list is the answer; {taken}; {other}")

    def _of(self, record: Record, plan: Plan) -> Iterator[Document]:
        told = told_by(record.fields)
        origin = origin_of(told) if told else None
        title = origin.title if origin else title_of(record.fields)
        what = f"{self._what} {record.number}" + (f" ({title[:60]})" if title else "")
        try:
            columns, found = _dialogues(record.fields, plan, self._lists)
        except Refused as refused:
            self._skip(record.line, refused.code, f"{what}: {refused.reason}")
            return
        self._look_beside(record, columns)
        metadata = self._metadata(record.fields, columns, plan)
        if origin is not None:
            metadata |= origin.metadata
        said = {turn.content for dialogue in found for turn in dialogue.turns}
        metadata = {name: value for name, value in metadata.items() if value not in said}
        date = origin.date if origin else date_of(record.fields)
        if (
            not origin
            and title
            and any(record.fields.get(name) == title for name in columns.used())
        ):
            title = ""
        for dialogue in found:
            if dialogue.guessed:
                self._guessed[dialogue.guessed] += 1
            for code, reason in dialogue.dropped:
                self._skip(record.line, code, f"{what}: {reason}; the rest was read")
            text = canonical_json(dialogue.turns).encode("utf-8", "backslashreplace")
            exchanges = sum(turn.role == "user" for turn in dialogue.turns)
            yield Document(
                source_id=self._reading.source_id,
                path=self._item.name,
                title=title,
                content_hash=content_hash(text),
                turns=dialogue.turns,
                tags=origin.tags if origin else (),
                date=date,
                start_line=record.line,
                record=record_key(record.fields, record.number),
                metadata=MappingProxyType({**metadata, "layout": dialogue.layout}),
                kind="instruction" if exchanges == 1 else "",
                alternatives=dialogue.alternatives,
            )

    def _look_beside(self, record: Record, columns: Columns) -> None:
        for name in (columns.messages, columns.prompt, columns.answer):
            value = value_at(record.fields, name) if name else None
            if isinstance(value, list):
                self._unread.look(value, record.line)
        counted = [(columns.input, self._left_out)]
        if not self._of_cells:
            counted.append((columns.answer, self._kept))
        for name, cells in counted:
            value = value_at(record.fields, name) if name else None
            if isinstance(value, str) and is_no_value(value):
                cells.add(name, value)

    def _metadata(self, fields: Mapping[str, Any], columns: Columns, plan: Plan) -> dict[str, str]:
        used = columns.used()
        if columns.answer:
            used |= thought_columns(fields, used).keys()
        beside = fields
        if told_by(fields):
            beside = {name: value for name, value in fields.items() if name != "metadata"}
        for box in {name.split(".")[0] for name in used if name not in fields}:
            inner = fields.get(box)
            if isinstance(inner, dict):
                used |= {name.partition(".")[2] for name in used}
                beside = {**inner, **beside}
        if plan.columns is not None:
            kept = metadata_of(beside, used | {"tools", "title"})
        else:
            kept = metadata_of(beside, used | _BESIDES)
        if self._split:
            kept.setdefault("split", self._split)
        return kept


def _dialogues(
    fields: Mapping[str, Any], plan: Plan, lists: ListsAre | Literal[""]
) -> tuple[Columns, list[Dialogue]]:
    if plan.columns is None:
        return known(fields) or Columns(), conversations(fields, lists=lists)
    if not plan.named:
        check(fields)
    return plan.columns, made_of(fields, plan.columns, lists=lists)


def _lists_of(options: Mapping[str, str]) -> ListsAre | Literal[""]:
    return next((known for known in get_args(ListsAre) if known == options.get(LISTS.name)), "")
