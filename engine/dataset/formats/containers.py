"""Containers: the files that rows are written to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from engine.dataset.formats.convert import Shape
from engine.errors import DependencyMissing
from engine.setup import FIX

CONTAINERS: dict[str, str] = {
    "jsonl": "JSON, a row a line",
    "parquet": "Parquet",
    "hf": "a folder for datasets.load_from_disk",
}
"""The containers, and what they are."""

_AT_ONCE = 5000
_MOST_CHARACTERS = 64_000_000
_NEEDS = {"parquet": ("pyarrow",), "hf": ("pyarrow", "datasets")}
_NAMES = {"role/content": ("role", "content"), "from/value": ("from", "value")}
# Line ends of Unicode, which JSON allows in strings and many readers of lines divide at.
_LINE_ENDS = (("\x85", "\\u0085"), ("\u2028", "\\u2028"), ("\u2029", "\\u2029"))

Rows = Iterable[Mapping[str, Any]]


def require(container: str) -> None:
    """See that what writes a container is installed.

    Raises:
        DependencyMissing: It is not.
    """
    for package in _NEEDS.get(container, ()):
        if find_spec(package) is None:
            raise DependencyMissing(
                f"writing {CONTAINERS[container]} needs the package {package}",
                hint=f"install it with: {FIX}; or export JSON with --as jsonl",
            )


def write_jsonl(rows: Rows, path: Path) -> int:
    """Write rows as JSONL and return how many there were; equal rows give equal bytes."""
    count = 0
    with path.open("w", encoding="utf-8", newline="\n") as handle:
        for row in rows:
            line = json.dumps(row, ensure_ascii=False)
            if not line.isascii():
                for sign, escaped in _LINE_ENDS:
                    line = line.replace(sign, escaped)
            handle.write(line + "\n")
            count += 1
    return count


def write_parquet(rows: Rows, path: Path, schema: Any) -> int:
    """Write rows as Parquet and return how many there were.

    Equal rows give equal bytes with the same version of pyarrow, which writes its
    version into the file.
    """
    import pyarrow.parquet as pq  # 0.3 s with pyarrow

    count = 0
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for batch in _batches(rows, schema):
            writer.write_batch(batch, row_group_size=_AT_ONCE)
            count += batch.num_rows
    return count


def write_arrow(rows: Rows, path: Path, schema: Any) -> int:
    """Write rows as an Arrow stream and return how many there were."""
    import pyarrow as pa

    count = 0
    with pa.OSFile(str(path), "wb") as handle, pa.ipc.new_stream(handle, schema) as writer:
        for batch in _batches(rows, schema):
            writer.write_batch(batch)
            count += batch.num_rows
    return count


def save_to_disk(parts: Mapping[str, Path], folder: Path, *, single: bool) -> None:
    """Save Arrow streams as ``datasets`` does, so that ``load_from_disk`` opens them.

    The fingerprint is the hash of the rows instead of one that each process makes anew:
    so equal rows give equal bytes with the same versions of ``datasets`` and pyarrow.

    Args:
        parts: The streams by split.
        folder: Where to save.
        single: Whether it is one ``Dataset`` and not a ``DatasetDict`` of splits.
    """
    import datasets  # 0.6 to 1.7 s
    from datasets.table import MemoryMappedTable

    shown = datasets.are_progress_bars_disabled()
    datasets.disable_progress_bars()
    try:
        made = {
            name: datasets.Dataset(MemoryMappedTable.from_file(str(path)), fingerprint=_hash(path))
            for name, path in parts.items()
        }
        if single:
            (one,) = made.values()
            one.save_to_disk(str(folder))
        else:
            datasets.DatasetDict(made).save_to_disk(str(folder))
    finally:
        if not shown:
            datasets.enable_progress_bars()


def schema_of(shape: Shape) -> Any:
    """Return the ``pyarrow.Schema`` of the columns that the rows have."""
    import pyarrow as pa

    text = pa.string()
    kinds = {"text": text, "pairs": pa.list_(pa.list_(text))} | {
        kind: pa.list_(pa.struct([(name, text) for name in names]))
        for kind, names in _NAMES.items()
    }
    fields = [(name, kinds[kind]) for name, kind in shape.columns.items()]
    if shape.keys:
        told = [(key, pa.bool_() if kind == "flag" else text) for key, kind in shape.keys.items()]
        fields.append(("metadata", pa.struct(told)))
    return pa.schema(fields)


def _batches(rows: Rows, schema: Any) -> Iterator[Any]:
    """Yield record batches that are neither long nor large: a column holds up to 2 GB of them."""
    import pyarrow as pa

    some: list[Mapping[str, Any]] = []
    size = 0
    for row in rows:
        some.append(row)
        size += _characters(row)
        if len(some) >= _AT_ONCE or size >= _MOST_CHARACTERS:
            yield pa.RecordBatch.from_pylist(some, schema=schema)
            some, size = [], 0
    if some:
        yield pa.RecordBatch.from_pylist(some, schema=schema)


def _characters(value: Any) -> int:
    if isinstance(value, str | bool):
        return len(value) if isinstance(value, str) else 1
    held = value.values() if isinstance(value, Mapping) else value
    return sum(map(_characters, held))


def _hash(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()[:16]
