"""A generator run in a copy of this process, so that what kills it kills nothing else.

Native code that reads foreign bytes can end its process: by a signal, or because the system
takes back its memory. A copy made by ``fork`` starts in milliseconds, has what the caller has,
and its death is one named error.
"""

from __future__ import annotations

import faulthandler
import os
import pickle
import signal
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, BinaryIO, Literal, TypeVar

T = TypeVar("T")

MEMORY = 1_500_000_000
"""How many bytes a copy may take beyond what it has when it begins."""

_LENGTH = struct.Struct("<Q")
_BATCH = 64


class Died(Exception):
    """The copy ended before it was done; ``reason`` says how, in a phrase for a person."""

    def __init__(self, reason: str, *, by_itself: bool = True) -> None:
        super().__init__(reason)
        self.reason = reason
        self.by_itself = by_itself
        """Whether it would end so again: not when somebody else killed it."""


def can_copy() -> bool:
    """Return whether this process can be copied: on Linux, where libraries survive it."""
    return sys.platform == "linux"


def limit_memory(extra: int = MEMORY) -> None:
    """Let this process take so many more bytes, and no more, where the system can say so.

    What it asks for beyond that raises MemoryError, which costs what it was reading.
    """
    if sys.platform != "linux":
        return
    import resource

    # Private writable memory; RLIMIT_AS would count what is only reserved or mapped, too.
    with suppress(OSError, ValueError):
        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        wanted = _data_bytes() + extra
        if hard != resource.RLIM_INFINITY:
            wanted = min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (wanted, hard))


def _data_bytes() -> int:
    with open("/proc/self/status", encoding="ascii", errors="replace") as status:
        found = next(line for line in status if line.startswith("VmData:"))
    return int(found.split()[1]) * 1024


def apart(
    make: Callable[[], Iterator[T]], *, memory: int = MEMORY, batch: int = _BATCH
) -> Iterator[T]:
    """Yield what ``make()`` yields, computed by a copy of this process.

    Where processes can't be copied, it is computed here. An exception that the generator
    raises is raised here; leaving the loop early ends the copy.

    Args:
        make: Makes the generator, in the copy. Whatever it changes stays there.
        memory: How many bytes the copy may take beyond what it begins with.
        batch: How many values are handed over at a time.

    Raises:
        Died: The copy ended without a word, by a signal or for want of memory.
    """
    if not can_copy():
        yield from make()
        return
    reading, writing = os.pipe()
    # What is waiting to be written would be written twice.
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if not child:
        os.close(reading)
        _compute(make, writing, memory, batch)
    os.close(writing)
    status: int | None = None
    try:
        with open(reading, "rb") as stream:
            while True:
                message = _received(stream)
                if message is None:
                    status = _ended(child)
                    raise Died(_how(status), by_itself=_by_itself(status))
                what, value = message
                if what == "values":
                    yield from value
                elif what == "raised":
                    raise value
                else:
                    return
    finally:
        if status is None:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
            _ended(child)


def _received(stream: BinaryIO) -> tuple[Literal["values", "raised", "done"], Any] | None:
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    body = stream.read(length)
    if len(body) < length:
        return None
    found: tuple[Literal["values", "raised", "done"], Any] = pickle.loads(body)
    return found


def _ended(child: int) -> int:
    try:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    except ChildProcessError:
        return 0  # Somebody else has collected it.


def _how(status: int) -> str:
    if status >= 0:
        return "its reader ended without a word"
    try:
        name = f" ({signal.Signals(-status).name})"
    except ValueError:
        name = ""
    return f"its reader ended by signal {-status}{name}"


def _by_itself(status: int) -> bool:
    return status not in (-signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT, -signal.SIGHUP, 0)


def _compute(make: Callable[[], Iterator[Any]], writing: int, memory: int, batch: int) -> None:
    """Run the generator in the copy, hand its values over, and end the copy."""
    code = 1
    try:
        _begin()
        limit_memory(memory)
        with open(writing, "wb", buffering=0) as stream:
            code = _hand_over(make, stream, batch)
    except BaseException:  # noqa: S110 - nothing of the caller's may run in the copy
        pass
    finally:
        # Neither handlers nor buffers that the copy has of its caller are run or written.
        os._exit(code)


def _begin() -> None:
    faulthandler.disable()
    for number in (signal.SIGTERM, signal.SIGALRM):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    nothing = os.open(os.devnull, os.O_RDWR)
    # What a library says as it aborts belongs to nobody's screen.
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)


def _hand_over(make: Callable[[], Iterator[Any]], stream: Any, batch: int) -> int:
    values: list[Any] = []
    try:
        for value in make():
            values.append(value)
            if len(values) >= batch:
                _send(stream, ("values", values))
                values = []
        _send(stream, ("values", values))
        _send(stream, ("done", None))
    except BrokenPipeError:
        return 0
    except Exception as error:
        error.__traceback__ = error.__context__ = error.__cause__ = None
        _send(stream, ("values", values))
        _send(stream, ("raised", error if _travels(error) else RuntimeError(repr(error)[:500])))
    return 0


def _travels(error: Exception) -> bool:
    """Say whether an exception comes out of a pickle as it went in; not all of them do."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return False
    return True


def _send(stream: Any, message: tuple[str, Any]) -> None:
    body = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    whole = memoryview(_LENGTH.pack(len(body)) + body)
    while whole:
        whole = whole[stream.write(whole) :]
