"""Which kind of source a path is, and the table of kinds."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path

from engine.errors import (
    SourceAmbiguous,
    SourceBetweenPeople,
    SourceEmpty,
    SourceMissing,
    SourceTooLong,
    SourceUnknown,
    SourceUnreadable,
    UsageError,
)
from engine.models import Document
from engine.paths import shell_path, shorten
from engine.sources import people
from engine.sources.archives import is_archive, members
from engine.sources.base import (
    NOTHING,
    AddressReader,
    AdjustableReader,
    CheckedReader,
    Detection,
    OnSkip,
    Reader,
    Reading,
    Survey,
    ignore_skip,
)
from engine.sources.cache import CacheReader
from engine.sources.conversations import ConversationsReader
from engine.sources.files import Item, Refused, decode, is_lfs_pointer, visible
from engine.sources.instructions import InstructionsReader
from engine.sources.items import pointer_refusal
from engine.sources.jsonfiles import json_files
from engine.sources.memory import MemoryReader
from engine.sources.records import MAX_RECORD, records
from engine.sources.synthetic import SyntheticReader
from engine.sources.synthetic.shipped import is_shipped, shipped
from engine.sources.tables import rows
from engine.sources.vault import VaultReader

_READERS: tuple[Reader, ...] = (
    VaultReader(),
    ConversationsReader(),
    CacheReader(),
    InstructionsReader(),
    MemoryReader(),
    SyntheticReader(),
)
KINDS: dict[str, Reader] = {reader.kind: reader for reader in _READERS}
"""The kinds of source by name."""

_LOOK_AT = 20_000
_SURE_ENOUGH = 0.15
_TOO_CLOSE = 0.1
_SURE_OF_OTHERS = 0.5
_LONG_LOOK_AT = 3
_POINTERS_LOOK_AT = 1000
_IN_ARCHIVES = {"conversations", "instructions", "memory"}
_BINARY_TABLES = (b"ARROW1", b"PAR1", b"\xff\xff\xff\xff")
_NAME_ONE = "name a folder of notes, a file of conversations or instructions, or a database"


def candidates(place: str | Path) -> tuple[Detection, ...]:
    """Return every kind that a place may be, the likeliest first.

    Args:
        place: A file, a folder or an address; ``~`` is understood.

    Raises:
        SourceMissing: Nothing is there.
        SourceUnreadable: There is no permission, or the file can't be understood.
        SourceEmpty: The file or folder has nothing in it.
        SourceBetweenPeople: It is an export of messages between people.
        SourceTooLong: All that could be recognised in it is longer than a record may be.
        SourceUnknown: No kind recognises it.
    """
    address = is_address(place)
    if address:
        found = _of_address(address)
    else:
        survey = _survey(Path(locate(place)))
        able = [reader for reader in _READERS if _can_read(reader, survey)]
        found = [seen for reader in able if (seen := reader.detect(survey)) is not None]
        found = [seen for seen in found if seen.confidence >= _SURE_ENOUGH]
        _require_own_words(survey, found)
        if not found:
            _require_length(survey)
            raise _unknown(survey)
        if survey.is_file and all(seen.kind == "vault" for seen in found):
            _require_text(survey)
    return tuple(sorted(found, key=lambda seen: -seen.confidence))


def detect(place: str | Path) -> Detection:
    """Say what kind of source a place is.

    Raises:
        SourceAmbiguous: Two kinds are about as likely; the person has to say which.
        SourceError: As :func:`candidates` raises it.
    """
    return certain(place, candidates(place))


def _can_read(reader: Reader, survey: Survey) -> bool:
    return not survey.path.is_file() or survey.is_file or reader.kind in _IN_ARCHIVES


def certain(place: str | Path, found: Sequence[Detection]) -> Detection:
    """Return the likeliest of the kinds that a place may be.

    Raises:
        SourceAmbiguous: Another is about as likely.
    """
    best, *others = found
    close = [seen for seen in others if best.confidence - seen.confidence < _TOO_CLOSE]
    if close:
        named = " or ".join(
            f"{seen.kind} ({seen.confidence:.2f}: {seen.why})" for seen in (best, *close)
        )
        raise SourceAmbiguous(
            f"{shorten(place)} may be {named}",
            hint=f"name the kind, as in: finetui sources add {best.kind} {shell_path(place)}",
        )
    return best


def detect_as(kind: str, place: str | Path, options: Mapping[str, str] = NOTHING) -> Detection:
    """Say what a place holds that a person says is of a kind.

    Args:
        kind: The kind.
        place: A file, a folder or an address.
        options: What is set about it, on which what else is found may depend.

    Raises:
        UsageError: There is no such kind.
        SourceError: Nothing is there, or it can't be read.
    """
    reader = reader_of(kind)
    address = is_address(place)
    if address:
        found = [seen for seen in _of_address(address) if seen.kind == kind]
        return found[0] if found else Detection(kind, 1.0, "named by you")
    survey = _survey(Path(locate(place)))
    if options and isinstance(reader, AdjustableReader):
        seen = reader.detect_with(survey, options)
    else:
        seen = reader.detect(survey)
    return seen or Detection(kind, 0.0, "named by you; nothing in it looks like it")


def read(
    kind: str,
    place: str | Path,
    source_id: str = "",
    *,
    options: Mapping[str, str] = NOTHING,
    on_skip: OnSkip = ignore_skip,
) -> Iterator[Document]:
    """Read the documents of a source, one file after the other.

    Args:
        kind: One of :data:`KINDS`.
        place: The source's file, folder or address.
        source_id: The id that documents and skipped things carry.
        options: What is set about it.
        on_skip: Called with each thing that is not read, and why.

    Raises:
        UsageError: There is no such kind.
        SourceError: It can't be opened, or has nothing in it.
    """
    return _read(reader_of(kind), locate(place), Reading(source_id, options, on_skip))


def _read(reader: Reader, root: str, reading: Reading) -> Iterator[Document]:
    for item in reader.items(root, reading):
        try:
            yield from reader.read(item, reading)
        except Refused as refused:
            reading.skip(item.name, 0, refused.code, refused.reason)
        item.forget()


def reader_of(kind: str) -> Reader:
    """Return the reader of a kind.

    Raises:
        UsageError: There is no kind of that name.
    """
    if kind not in KINDS:
        raise UsageError(
            f"there is no kind of source named {kind}", hint=f"the kinds are: {', '.join(KINDS)}"
        )
    return KINDS[kind]


def settled(detection: Detection, options: Mapping[str, str]) -> dict[str, str]:
    """Return what is kept with a source that is added: what was set, and what shall not change.

    Raises:
        UsageError: What was set can't be used.
    """
    check_options(detection.kind, options)
    kept = {
        option.name: detection.options[option.name]
        for option in reader_of(detection.kind).options
        if option.kept and detection.options.get(option.name)
    }
    return {**kept, **options}


def is_address(place: str | Path) -> str:
    """Return an address that is no path, such as ``https://…`` or ``hub:owner/name``; else ""."""
    text = str(place).strip() if isinstance(place, str) else ""
    scheme, colon, rest = text.partition(":")
    known = {scheme for reader in KINDS.values() for scheme in _schemes(reader)}
    return text if colon and rest and scheme.lower() in known else ""


def _schemes(reader: Reader) -> tuple[str, ...]:
    return reader.schemes if isinstance(reader, AddressReader) else ()


def _of_address(address: str) -> list[Detection]:
    scheme = address.partition(":")[0].lower()
    return [
        reader.detect_address(address)
        for reader in _READERS
        if isinstance(reader, AddressReader) and scheme in reader.schemes
    ]


def told_of(kind: str, options: Mapping[str, str]) -> tuple[str, ...]:
    """Return what a person is told at once of how a source of a kind is read.

    Args:
        kind: The source's kind.
        options: What is set about it.
    """
    said = (
        option.told.get(options.get(option.name, "") or option.default)
        for option in reader_of(kind).options
    )
    return tuple(filter(None, said))


def check_options(kind: str, options: Mapping[str, str]) -> None:
    """See that a kind has the options that were set, with values that they can have.

    Raises:
        UsageError: It has not.
    """
    known = {option.name: option for option in reader_of(kind).options}
    for name, value in options.items():
        if name not in known:
            names = ", ".join(known) or "none"
            raise UsageError(
                f"a source of kind {kind} has no option named {name}",
                hint=f"its options are: {names}",
            )
        choices = known[name].choices
        if choices and value not in choices:
            raise UsageError(
                f"the option {name} can't be {value or 'empty'}",
                hint=f"it can be: {', '.join(choices)}",
            )
    if isinstance(reader := reader_of(kind), CheckedReader):
        reader.check(options)


def locate(place: str | Path) -> str:
    """Return a source's root: an address as it is, or an absolute path with links resolved.

    The name of templates that come with finetui means their file, where there is no
    other of that name.

    Raises:
        SourceMissing: Nothing is there.
        SourceUnreadable: It can't be opened, or is neither a file nor a folder.
        SourceEmpty: It has nothing in it.
    """
    address = is_address(place)
    if address:
        return address
    if not str(place).strip():
        # Path("") is the present folder, which nobody has named.
        raise SourceMissing("a source without a place can't be read", hint=_NAME_ONE)
    path = Path(place)
    if is_shipped(str(place)):
        path = shipped(str(place))
    try:
        found = path.expanduser().resolve(strict=True)
        if found.is_dir():
            with os.scandir(found) as entries:
                empty = next(entries, None) is None
        elif found.is_file():
            with found.open("rb") as handle:
                empty = not handle.read(1)
        else:
            raise SourceUnreadable(
                f"{shorten(path)} is neither a file nor a folder", hint=_NAME_ONE
            )
    except (FileNotFoundError, NotADirectoryError) as error:
        raise SourceMissing(
            f"there is nothing at {shorten(path)}",
            hint="check the path, or mount the drive it is on",
        ) from error
    except PermissionError as error:
        raise SourceUnreadable(
            f"no permission to read {shorten(path)}", hint="change its permissions, or name another"
        ) from error
    except (OSError, RuntimeError, ValueError) as error:
        # RuntimeError: links in a circle, or ~name of nobody. ValueError: a NUL in the path.
        raise SourceMissing(
            f"{shorten(path)} can't be opened: {error}", hint="check the path"
        ) from error
    if visible(str(found)) != str(found):
        raise SourceUnreadable(
            f"the name of {shorten(visible(str(found)))} is not UTF-8", hint="rename it"
        )
    if empty:
        raise SourceEmpty(f"{shorten(found)} is empty", hint=_NAME_ONE)
    return str(found)


def _survey(path: Path) -> Survey:
    if path.is_file():
        item = Item.of(path, visible(path.name))
        if is_archive(item):
            return Survey(path, False, tuple(_members(item, "")), frozenset())
        return Survey(path, True, (item,), frozenset())
    hidden: set[str] = set()
    items = list(_listed(path, hidden))
    if not items:
        raise SourceEmpty(f"no file lies in {shorten(path)}", hint=_NAME_ONE)
    return Survey(path, False, tuple(items), frozenset(hidden))


def _listed(path: Path, hidden: set[str]) -> Iterator[Item]:
    count = 0
    for folder, names, entries in os.walk(path):
        here = Path(folder)
        if here == path:
            hidden.update(name for name in names if name.startswith("."))
        names[:] = sorted(name for name in names if not name.startswith("."))
        prefix = "" if here == path else visible(here.relative_to(path).as_posix()) + "/"
        for entry in sorted(entries):
            if entry.startswith("."):
                continue
            try:
                item = Item.of(here / entry, prefix + visible(entry))
                found = _members(item, f"{item.name}/") if is_archive(item) else [item]
            except (Refused, SourceUnreadable):
                continue
            yield from found
            count += len(found)
            if count >= _LOOK_AT:
                return


def _members(archive: Item, prefix: str) -> list[Item]:
    """Return an archive's files.

    Raises:
        SourceUnreadable: It is damaged, encrypted, or made to fill memory or disk.
    """
    try:
        return list(islice(members(archive, Reading(), prefix=prefix), _LOOK_AT))
    except Refused as refused:
        raise SourceUnreadable(
            f"{shorten(archive.name)} can't be read: {refused.reason}",
            hint="fetch it again, or unpack it and name the folder",
        ) from refused


def _is_pointer(item: Item) -> bool:
    try:
        return item.size < 1000 and is_lfs_pointer(item.head())
    except Refused:
        return False


def _require_text(survey: Survey) -> None:
    refused = _refused(survey.items[0])
    if refused is not None:
        raise SourceUnreadable(
            f"{shorten(survey.path)} can't be read: {refused.reason}", hint=_NAME_ONE
        )


def _require_rows(survey: Survey) -> None:
    """See that what is an Arrow or Parquet file has a row that can be read."""
    problems: list[str] = []
    try:
        _, found = rows(survey.items[0], lambda line, code, reason: problems.append(reason))
        if next(iter(found), None) is not None:
            return
    except Refused as refused:
        problems = [refused.reason]
    if problems:
        raise SourceUnreadable(
            f"{shorten(survey.path)} is damaged: {problems[0]}",
            hint="write it anew with the program that it came from",
        )


def _require_own_words(survey: Survey, found: Sequence[Detection]) -> None:
    """See that a place is no export of messages between people.

    A folder that is surely something else may hold some beside it.
    """
    sure = [seen.kind for seen in found if seen.confidence >= _SURE_OF_OTHERS]
    if sure == ["vault"] and not survey.is_file:
        app = people.all_of_people(survey.with_suffix(*people.NOTES))
    elif sure and not survey.is_file:
        return
    else:
        app = people.recognised(survey)
    if app:
        raise SourceBetweenPeople(
            f"{shorten(survey.path)} is {people.described(app)}", hint=people.HINT
        )


def _require_length(survey: Survey) -> None:
    """See that nothing is unknown only because each of its records is too long to be read."""
    large = [item for item in json_files(survey) if item.size > MAX_RECORD]
    for item in large[:_LONG_LOOK_AT]:
        found: list[tuple[int, str]] = []

        def note(line: int, code: str, reason: str, found: list[tuple[int, str]] = found) -> None:
            if code == "too-long":
                found.append((line, reason))

        with suppress(Refused):
            if next(records(item, note), None) is None and found:
                line, reason = found[0]
                raise SourceTooLong(
                    f"{shorten(item.name)}, line {line}: {reason}, the most that one "
                    "conversation or record may have",
                    hint="delete what is not needed of it in the app, or divide it into several "
                    "files, and export again",
                )


def _unknown(survey: Survey) -> SourceUnknown:
    kinds = "; ".join(f"{reader.kind}: {reader.label}" for reader in _READERS)
    if survey.is_file:
        if survey.items[0].head().startswith(_BINARY_TABLES):
            _require_rows(survey)
        _require_text(survey)
        what = f"{shorten(survey.path)} is neither a note nor a file with messages or instructions"
    else:
        suffixes = sorted({item.suffix or "no ending" for item in survey.items})
        what = f"nothing in {shorten(survey.path)} is a note, a conversation or an instruction set"
        what += f" (found: {', '.join(suffixes[:6])})"
    pointers = sum(_is_pointer(item) for item in survey.items[:_POINTERS_LOOK_AT])
    if pointers:
        return SourceUnknown(
            f"{what}; {pointers} of the files are Git LFS pointers without their content",
            hint="fetch the content with: git lfs pull",
        )
    return SourceUnknown(what, hint=f"what can be read: {kinds}")


def _refused(item: Item) -> Refused | None:
    """Return why a file is no text, or None."""
    try:
        head = item.head()
        if is_lfs_pointer(head):
            return pointer_refusal()
        cut = head.rfind(b"\n") + 1
        # A character may be cut in two at the end of what was looked at.
        decode(head[:cut] if cut and len(head) < item.size else head)
    except Refused as refused:
        return refused
    return None
