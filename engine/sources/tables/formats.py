"""How a file is written: told by its first bytes, and by its name where they leave it open."""

from __future__ import annotations

import codecs
import os
from typing import Literal

from engine.sources.files import HEAD_BYTES, Item, Refused, is_lfs_pointer
from engine.sources.items import pointer_refusal
from engine.sources.marked import style_of
from engine.sources.records import JSON_SUFFIXES

Format = Literal["json", "delimited", "parquet", "arrow", "arrow-stream", "marked"]

FORMATS: dict[Format, str] = {
    "json": "JSON",
    "delimited": "CSV",
    "parquet": "Parquet",
    "arrow": "Arrow",
    "arrow-stream": "Arrow",
    "marked": "text",
}
"""The formats and what people call them."""

DELIMITED_SUFFIXES = (".csv", ".tsv", ".tab", ".psv")
ARROW_SUFFIXES = (".arrow", ".feather", ".ipc")
TEXT_SUFFIXES = (".txt", ".text")
PACKED_SUFFIXES = (".gz", ".bz2")
TABLE_SUFFIXES = (*JSON_SUFFIXES, *DELIMITED_SUFFIXES, ".parquet", ".pq", *ARROW_SUFFIXES)

_PICKLE = "a pickle, which can run code as it is read; save it as Parquet"
_MAGIC: tuple[tuple[bytes, str, str], ...] = (
    (b"PARE", "encrypted", "an encrypted Parquet file"),
    (b"\x28\xb5\x2f\xfd", "compressed", "compressed with Zstandard; unpack it with: unzstd"),
    (b"\xfd7zXZ\x00", "compressed", "compressed with xz; unpack it with: unxz"),
    (b"\x04\x22\x4d\x18", "compressed", "compressed with LZ4; unpack it with: unlz4"),
    (b"7z\xbc\xaf\x27\x1c", "compressed", "a 7-Zip archive; unpack it first"),
    (b"Rar!", "compressed", "a RAR archive; unpack it first"),
    (b"PK\x03\x04", "compressed", "a zip archive or an office file; unpack it, or save it as CSV"),
    (b"SQLite format 3\x00", "database", "an SQLite database; export its table as CSV"),
    (b"ORC", "unknown-format", "an ORC file; save it as Parquet"),
    (b"Obj\x01", "unknown-format", "an Avro file; save it as Parquet"),
    (b"\x93NUMPY", "unknown-format", "a NumPy array"),
    (b"\x89HDF", "unknown-format", "an HDF5 file; save it as Parquet"),
    *((bytes((0x80, version)), "unsafe-format", _PICKLE) for version in (2, 3, 4, 5)),
)  # fmt: skip


def name_inside(name: str) -> str:
    """Return the name that a packed file has inside: ``rows.jsonl`` for ``rows.jsonl.gz``."""
    stem, suffix = os.path.splitext(name)
    return stem if suffix.lower() in PACKED_SUFFIXES else name


def suffix_inside(name: str) -> str:
    """Return the end of a file's name, that of what is packed where it is packed."""
    return os.path.splitext(name_inside(name))[1].lower()


def format_of(item: Item) -> Format:
    """Return how a file is written.

    Raises:
        Refused: It can't be opened, is empty, or is of no format that is read.
    """
    head = item.head()
    if not head:
        raise Refused("empty", "the file is empty")
    if is_lfs_pointer(head):
        raise pointer_refusal()
    for magic, code, what in _MAGIC:
        if head.startswith(magic):
            raise Refused(code, f"it is {what}")
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"ARROW1"):
        return "arrow"
    # A stream of Arrow messages: a continuation mark and the length of the schema.
    if head.startswith(b"\xff\xff\xff\xff") and len(head) > 8:
        return "arrow-stream"
    if item.suffix in (".parquet", ".pq", *ARROW_SUFFIXES):
        raise Refused("damaged", f"it is no {item.suffix} file, whatever its name says")
    return _of_text(item, head)


def _of_text(item: Item, head: bytes) -> Format:
    encoding = encoding_of(head)
    text = head.decode(encoding, "replace").lstrip("\ufeff \t\r\n")
    if not text:
        if len(head) < HEAD_BYTES:
            raise Refused("empty", "the file is empty")
        raise Refused("unknown-format", "it begins with nothing but blanks")
    nothing = text.count("\x00")
    if nothing * 5 > len(text):
        raise Refused("binary", "it is no text, or UTF-16 without a byte order mark")
    if item.suffix in JSON_SUFFIXES and text[0] in "{[":
        return "json"
    if item.suffix in DELIMITED_SUFFIXES and not _is_json(text):
        return "delimited"
    if _is_json(text):
        return "json"
    if style_of(text) is not None and item.suffix not in JSON_SUFFIXES:
        return "marked"
    if nothing:
        raise Refused("binary", "it holds binary data")
    if _is_table(text):
        return "delimited"
    if item.suffix in JSON_SUFFIXES:
        return "json"  # Its reader says what is wrong with it.
    raise Refused("unknown-format", "it is text without rows, columns or turns")


def encoding_of(head: bytes) -> str:
    """Return a text's encoding by its byte order mark; UTF-8 where it has none."""
    for mark, name in (
        (codecs.BOM_UTF32_LE, "utf-32"),
        (codecs.BOM_UTF32_BE, "utf-32"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if head.startswith(mark):
            return name
    return "utf-8-sig"


def _is_json(text: str) -> bool:
    """Say whether a text begins like JSON and not like a row whose first cell has a bracket."""
    following = text[1:50].lstrip()[:1]
    if text[0] == "{":
        return following in ('"', "}", "")
    return text[0] == "[" and following in ("{", "[", '"', "]", "")


def _is_table(text: str) -> bool:
    """Say whether a text of any name is a table whose columns are known to hold turns."""
    from engine.sources.columns import known
    from engine.sources.tables.dialect import sniffed

    table = sniffed(text, cut=True)
    if table is None or len(table.header) < 2 or table.consistency < 1:
        return False
    columns = known(dict.fromkeys(table.header, ""))
    return columns is not None and columns.whole
