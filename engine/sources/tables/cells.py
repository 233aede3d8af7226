"""Columns of Parquet and Arrow files as plain values: which are read, and what becomes of them."""

from __future__ import annotations

import datetime
import decimal
import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from engine.sources.files import Refused
from engine.sources.records import OnProblem, Record

ROWS_AT_ONCE = 64
MAX_ROW = 10_000_000
"""The most bytes of a row."""

_MEDIA = frozenset(("image", "images", "audio", "audios", "video", "videos"))


def wanted_columns(schema: Any) -> list[str]:
    """Return the columns of a schema that can hold words, in order.

    Embeddings and other arrays of numbers are left where they are.

    Args:
        schema: A ``pyarrow.Schema``.

    Raises:
        Refused: Pictures, sound or video belong to the rows, or there is no text at all.
    """
    import pyarrow.types as types

    kept: list[str] = []
    spoken = False
    for field in schema:
        kind = field.type
        if _is_media(field.name, kind):
            raise Refused("not-text", f"its column {field.name} holds pictures, sound or video")
        if _is_numbers(kind):
            continue
        kept.append(field.name)
        spoken = spoken or not types.is_primitive(kind)
    if not spoken:
        named = ", ".join(schema.names[:8]) or "none"
        raise Refused("no-text", f"none of its columns holds text; its columns: {named}")
    return kept


def _is_media(name: str, kind: Any) -> bool:
    import pyarrow.types as types

    if types.is_list(kind) or types.is_large_list(kind):
        return _is_media(name, kind.value_type)
    if types.is_struct(kind):
        parts = {kind.field(at).name for at in range(kind.num_fields)}
        return parts == {"bytes", "path"}
    return name.lower() in _MEDIA and (types.is_binary(kind) or types.is_large_binary(kind))


def _is_numbers(kind: Any) -> bool:
    """Say whether a type is an array of numbers, such as an embedding or token numbers."""
    import pyarrow.types as types

    if isinstance(kind, types.lib.BaseExtensionType):
        kind = kind.storage_type
    if not (types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)):
        return False
    inner = kind.value_type
    return bool(types.is_primitive(inner)) or _is_numbers(inner)


def class_names(schema: Any) -> dict[str, list[str]]:
    """Return the names of the classes that columns hold by number, as ``datasets`` notes them."""
    written = (schema.metadata or {}).get(b"huggingface", b"")
    try:
        features = json.loads(written)["info"]["features"]
        return {
            str(name): [str(label) for label in feature["names"]]
            for name, feature in features.items()
            if isinstance(feature, dict) and isinstance(feature.get("names"), list)
        }
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}


def batch_records(
    batch: Any, first: int, classes: Mapping[str, list[str]], on_problem: OnProblem
) -> Iterator[Record]:
    """Yield the rows of a ``pyarrow.RecordBatch``; a row's number is its line.

    Args:
        batch: The rows.
        first: The number of the first of them, from 1.
        classes: The names of the classes in columns of numbers.
        on_problem: Called with number, code and reason of each row that can't be read.
    """
    for start in range(0, batch.num_rows, ROWS_AT_ONCE):
        part = batch.slice(start, ROWS_AT_ONCE)
        rows = _values(part)
        for at in range(part.num_rows):
            number = first + start + at
            one = part.slice(at, 1)
            code, why = _damage(one) if rows is None else ("", "")
            if code:
                on_problem(number, code, f"row {number} {why}")
                continue
            if rows is None and one.nbytes > MAX_ROW:
                limit = MAX_ROW // 1_000_000
                on_problem(number, "too-long", f"row {number} is larger than {limit} MB")
                continue
            try:
                fields = plain_row(rows[at] if rows is not None else one.to_pylist()[0])
                for name, names in classes.items():
                    value = fields.get(name)
                    if isinstance(value, int) and 0 <= value < len(names):
                        fields[name] = names[value]
            except UnicodeDecodeError as error:
                byte = error.object[error.start]
                on_problem(number, "not-utf8", f"row {number} is not UTF-8: byte {byte:#04x}")
            except (ValueError, OverflowError) as error:
                on_problem(number, "damaged", f"row {number} can't be read: {error}")
            else:
                yield Record(fields, number, number)


def _values(part: Any) -> list[dict[str, Any]] | None:
    """Return some rows at once; None where one of them is large or damaged."""
    import pyarrow as pa

    try:
        # Values of arrays whose offsets lead elsewhere would be whatever stands there.
        part.validate(full=True)
        if part.nbytes > MAX_ROW:
            return None
        found: list[dict[str, Any]] = part.to_pylist()
    except (pa.ArrowException, UnicodeDecodeError, ValueError, OverflowError):
        return None
    return found


def _damage(row: Any) -> tuple[str, str]:
    """Return code and reason why the values of a row can't be taken; empty where they can."""
    import pyarrow as pa

    for column in row.columns:
        try:
            column.validate(full=True)
        except pa.ArrowException as error:
            said = str(error).strip().partition("\n")[0][:160]
            if "UTF8" not in said:
                return "damaged", f"can't be read: {said}"
            if not _sound_bytes(column):
                return "not-utf8", "is not UTF-8"
    return "", ""


def _sound_bytes(column: Any) -> bool:
    """Say whether an array of text is sound but for its encoding, so that its decoder can be asked.

    Of text inside other arrays nobody says what else is wrong with it.
    """
    import pyarrow as pa

    large = pa.types.is_large_string(column.type)
    if not (large or pa.types.is_string(column.type)):
        return False
    try:
        column.cast(pa.large_binary() if large else pa.binary()).validate(full=True)
    except pa.ArrowException:
        return False
    return True


def plain_row(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row in JSON's types; what is missing is left out."""
    return {name: plain(value) for name, value in row.items() if value is not None}


def plain(value: Any) -> Any:
    """Return a value in JSON's types: times as ISO 8601, bytes as the UTF-8 that they are.

    Raises:
        UnicodeDecodeError: Bytes are no UTF-8.
    """
    if isinstance(value, str | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, bytes):
        return value.decode("utf-8")
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, decimal.Decimal | datetime.timedelta):
        return str(value)
    return value if value is None else str(value)
