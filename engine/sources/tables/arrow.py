"""Arrow files and streams, such as those of a saved ``datasets`` directory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from engine.sources.files import Item, Refused, refusal
from engine.sources.records import OnProblem, Record
from engine.sources.tables.cells import batch_records, class_names, wanted_columns
from engine.sources.tables.parquet import said, seekable


def arrow(
    item: Item, on_problem: OnProblem, on_bytes: Callable[[int], None], *, framed: bool
) -> Iterator[Record]:
    """Yield the rows of an Arrow file or stream. Lines are row numbers.

    Args:
        item: The file.
        on_problem: Called with row number, code and reason of what can't be read.
        on_bytes: Called with the number of bytes read so far.
        framed: Whether it is a file with a footer (Feather) and not a stream.

    Raises:
        Refused: It is damaged, or holds no text.
    """
    import pyarrow as pa  # about 0.1 s, and only where there is such a file

    try:
        with seekable(item) if framed else item.open() as stream:
            try:
                schema = _opened(stream, framed, None).schema
                options = _only(schema)
                stream.seek(0)
                batches = _batches(_opened(stream, framed, options), framed)
            except (pa.ArrowException, ValueError, OSError, EOFError) as error:
                raise Refused("damaged", f"it is no complete Arrow file: {said(error)}") from error
            classes = class_names(schema)
            row = 1
            try:
                for batch in batches:
                    yield from batch_records(batch, row, classes, on_problem)
                    row += batch.num_rows
                    on_bytes(stream.tell())
            except (pa.ArrowException, OSError) as error:
                on_problem(row, "damaged", f"it can't be read from row {row:,} on: {said(error)}")
    except OSError as error:
        raise refusal(error) from error


def _opened(stream: Any, framed: bool, options: Any) -> Any:
    import pyarrow as pa

    # Neither owns the stream: closing it is left to whoever opened it.
    source = pa.PythonFile(stream, mode="r")
    if framed:
        return pa.ipc.open_file(source, options=options)
    return pa.ipc.open_stream(source, options=options)


def _only(schema: Any) -> Any:
    import pyarrow as pa

    wanted = set(wanted_columns(schema))
    places = [place for place, name in enumerate(schema.names) if name in wanted]
    return pa.ipc.IpcReadOptions(use_threads=False, included_fields=places)


def _batches(reader: Any, framed: bool) -> Iterator[Any]:
    if framed:
        return (reader.get_batch(at) for at in range(reader.num_record_batches))
    return iter(reader)
