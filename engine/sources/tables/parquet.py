"""Parquet, a part of a row group at a time: memory holds some rows, however large the file."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from engine.sources.files import Item, Refused, refusal
from engine.sources.records import OnProblem, Record
from engine.sources.tables.cells import ROWS_AT_ONCE, batch_records, class_names, wanted_columns

MAX_HELD = 500_000_000
"""The largest file that is held in memory, where what it lies in can't be read by place."""

_BUFFER = 1 << 20
_AT_ONCE = 32_000_000
_MAX_THRIFT = 200_000_000


def parquet(item: Item, on_problem: OnProblem, on_bytes: Callable[[int], None]) -> Iterator[Record]:
    """Yield the rows of a Parquet file. Lines are row numbers.

    A damaged row group costs itself; the rows of the others are read.

    Args:
        item: The file.
        on_problem: Called with row number, code and reason of what can't be read.
        on_bytes: Called with about the number of bytes read so far.

    Raises:
        Refused: It is damaged, or holds no text.
    """
    import pyarrow as pa  # about 0.1 s, and only where there is such a file
    import pyarrow.parquet as pq

    try:
        with seekable(item) as stream:
            try:
                file = pq.ParquetFile(
                    stream,
                    buffer_size=_BUFFER,
                    pre_buffer=False,
                    thrift_string_size_limit=_MAX_THRIFT,
                    thrift_container_size_limit=_MAX_THRIFT,
                )
            except (pa.ArrowException, ValueError, OSError) as error:
                raise Refused(
                    "damaged", f"it is no complete Parquet file: {said(error)}"
                ) from error
            with file:
                yield from _Groups(file, item.size, on_problem, on_bytes).records()
    except OSError as error:
        raise refusal(error) from error


class _Groups:
    """The row groups of a file."""

    def __init__(
        self, file: Any, size: int, on_problem: OnProblem, on_bytes: Callable[[int], None]
    ) -> None:
        self._file = file
        self._size = size
        self._on_problem = on_problem
        self._on_bytes = on_bytes
        self._columns = wanted_columns(file.schema_arrow)
        self._classes = class_names(file.schema_arrow)

    def records(self) -> Iterator[Record]:
        metadata = self._file.metadata
        total = max(metadata.num_rows, 1)
        first = 1
        for group in range(metadata.num_row_groups):
            count = metadata.row_group(group).num_rows
            yield from self._group(group, first, count, total)
            first += count

    def _group(self, group: int, first: int, count: int, total: int) -> Iterator[Record]:
        import pyarrow as pa

        done = 0
        size = self._file.metadata.row_group(group).total_byte_size
        at_once = max(1, min(ROWS_AT_ONCE, _AT_ONCE * count // max(size, 1)))
        try:
            for batch in self._file.iter_batches(
                at_once, row_groups=[group], columns=self._columns, use_threads=False
            ):
                yield from batch_records(batch, first + done, self._classes, self._on_problem)
                done += batch.num_rows
                self._on_bytes(min(self._size * (first + done) // total, self._size))
        except (pa.ArrowException, OSError) as error:
            last = first + count - 1
            where = f"rows {first + done:,} to {last:,} can't be read"
            self._on_problem(first + done, "damaged", f"{where}: {said(error)}")


def seekable(item: Item) -> BinaryIO:
    """Return a stream that can be read by place; a member of an archive is held in memory.

    Raises:
        Refused: It can't be opened, or is too large to be held.
    """
    stream = item.open()
    if item.path is not None or getattr(stream, "by_place", False):
        return stream
    stream.close()
    if item.size > MAX_HELD:
        limit = MAX_HELD // 1_000_000
        raise Refused("too-large", f"it is larger than {limit:,} MB; unpack it and name the file")
    return io.BytesIO(item.data(MAX_HELD))


def said(error: Exception) -> str:
    """Return the first line of a library's error, short enough for a person."""
    return str(error).strip().partition("\n")[0][:160] or type(error).__name__
