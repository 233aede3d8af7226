r"""The event log of a job: one writer appends lines, any number of readers follow by offset.

A line is one JSON object, ``{"v":1,"seq":n,"t":seconds,"type":"step",…}``. Each is
written with a single ``write`` to a file opened with ``O_APPEND``, so a reader
sees whole lines and at most one torn line at the end.
"""

from __future__ import annotations

import json
import math
import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from engine.plain import open_own, open_plain

EVENTS_FILE = "events.jsonl"
LOG_FILE = "stdout.log"
VERSION = 1

_ENVELOPE = frozenset({"v", "seq", "t", "type"})


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the log. ``t`` is seconds since the epoch; ``data`` is the rest of the line."""

    seq: int
    t: float
    type: str
    data: Mapping[str, object]


class EventLog:
    """The writing end of a job's log. One process holds it; its threads may share it.

    Opening it on a log that exists goes on numbering where that log ended, and
    closes a torn last line, so that a resumed job appends cleanly.
    """

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        events, offset = read_events(directory)
        self._seq = events[-1].seq if events else 0
        self._lock = threading.Lock()
        self._handle = open_own(directory, EVENTS_FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self._torn = os.fstat(self._handle).st_size > offset

    def write(self, type: str, **fields: object) -> Event:
        """Append an event and return it.

        Numbers that JSON has no word for become the text ``nan``, ``inf`` or ``-inf``.

        Raises:
            OSError: The line could not be written whole; ``errno`` 28 is a full disk.
        """
        data = {name: _plain(value) for name, value in fields.items() if name not in _ENVELOPE}
        with self._lock:
            event = Event(seq=self._seq + 1, t=round(time.time(), 3), type=type, data=data)
            envelope = {"v": VERSION, "seq": event.seq, "t": event.t, "type": type}
            line = json.dumps({**envelope, **data}, separators=(",", ":")).encode() + b"\n"
            if self._torn:
                line = b"\n" + line
            written = os.write(self._handle, line)
            self._torn = written < len(line)
            if self._torn:
                # Only a full disk cuts a write short; the rest of the line says so itself.
                os.write(self._handle, line[written:])
                self._torn = False
            self._seq = event.seq
        return event

    def close(self) -> None:
        """Make the log durable and close it; closing again does nothing."""
        with self._lock:
            if self._handle < 0:
                return
            handle, self._handle = self._handle, -1
            try:
                os.fsync(handle)
            finally:
                os.close(handle)

    def __enter__(self) -> EventLog:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _plain(value: object) -> object:
    """Return what JSON can say of a value."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    return str(value)


def parse_event(line: bytes) -> Event | None:
    """Return the event that a line holds, or None where it holds none."""
    try:
        value = json.loads(line)
        if not isinstance(value, dict):
            return None
        return Event(
            seq=int(value["seq"]),
            t=float(value["t"]),
            type=str(value["type"]),
            data={name: item for name, item in value.items() if name not in _ENVELOPE},
        )
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None


def read_events(directory: Path, offset: int = 0) -> tuple[list[Event], int]:
    """Read the whole events that follow a byte offset.

    A line that is no event is passed over. A last line without its end is left
    for the next reading.

    Args:
        directory: The job directory; it need not have a log yet.
        offset: Where the last reading ended.

    Returns:
        The events, and the offset to go on from.
    """
    data, offset = _whole_lines(directory / EVENTS_FILE, offset)
    events = (parse_event(line) for line in data.split(b"\n") if line.strip())
    return [event for event in events if event is not None], offset


class Tail:
    """Follows a job's log by byte offset."""

    def __init__(self, directory: Path, offset: int = 0) -> None:
        self._directory = directory
        self.offset = offset

    def poll(self) -> list[Event]:
        """Return the events since the last poll; empty where there are none."""
        events, self.offset = read_events(self._directory, self.offset)
        return events


def tail_log(directory: Path, offset: int = 0) -> tuple[list[str], int]:
    """Read the whole lines of a job's output that follow a byte offset.

    Of a line that rewrote itself with carriage returns, as progress bars do,
    the last state is given. The text is foreign: make it inert before showing it.

    Returns:
        The lines, and the offset to go on from.
    """
    data, offset = _whole_lines(directory / LOG_FILE, offset)
    return _log_lines(data), offset


def last_log_lines(directory: Path, count: int = 20) -> list[str]:
    """Return the last lines of a job's output, a line without its end included."""
    try:
        with open_plain(directory / LOG_FILE) as handle:
            size = handle.seek(0, os.SEEK_END)
            start = max(0, size - 64 * 1024)
            handle.seek(start)
            data = handle.read()
    except OSError:
        return []
    if start:
        data = data.partition(b"\n")[2]
    return [line for line in _log_lines(data) if line.strip()][-count:]


def _log_lines(data: bytes) -> list[str]:
    lines = data.decode("utf-8", "replace").split("\n")
    if lines and not lines[-1]:
        lines.pop()
    return [line.rstrip("\r").rpartition("\r")[2] for line in lines]


def _whole_lines(path: Path, offset: int) -> tuple[bytes, int]:
    """Return what follows ``offset`` up to the last line end, and the offset of that end."""
    try:
        with open_plain(path) as handle:
            if handle.seek(0, os.SEEK_END) < offset:
                offset = 0  # the file was replaced by a shorter one: begin again
            handle.seek(offset)
            data = handle.read()
    except OSError:
        return b"", offset
    end = data.rfind(b"\n") + 1
    return data[:end], offset + end
