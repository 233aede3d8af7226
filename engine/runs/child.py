"""The child's side of a job: what every recipe runs inside.

::

    def main(directory: Path) -> int:
        with Job(directory) as job:
            job.phase("load")
            ...
            job.check_stop()
            job.finish({"loss": 2.4})
        return job.exit_status

    if __name__ == "__main__":
        sys.exit(run_job(main, Path(sys.argv[1])))
"""

from __future__ import annotations

import contextlib
import errno
import faulthandler
import os
import shutil
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, TypeVar

from engine.errors import DiskFull, FinetuiError, LimitReached
from engine.plain import open_own
from engine.runs.control import CONTROL_DIR, KILL_FILE, kill_requested, stop_requested
from engine.runs.events import EventLog
from engine.runs.folder import RESERVE_FILE, check_folder
from engine.runs.hold import Held, take
from engine.runs.life import check_free, elsewhere, look
from engine.runs.locks import gpu_lock, lock_file, owner_words
from engine.runs.notify import notify
from engine.runs.oom import oom_kills
from engine.runs.process import identify, read_process, same_identity, write_process
from engine.runs.tickets import drop_ticket
from engine.telemetry import GpuNews, Sampler, process_snapshot

HEARTBEAT_S = 2.0
_RESERVE_BYTES = 32 * 1024
_NO_ROOM_BYTES = 1 << 20
_RAISED_LINES = 5


T = TypeVar("T")


def run_job(main: Callable[[T], int], argument: T) -> int:
    """Run a recipe and return its exit status; a named failure before its job began is printed."""
    try:
        return main(argument)
    except FinetuiError as error:
        with contextlib.suppress(OSError):
            print(f"{error.message} [{error.code}]", file=sys.stderr, flush=True)
            if error.hint:
                print(f"  hint: {error.hint}", file=sys.stderr, flush=True)
        return 1


class JobStopped(Exception):
    """The job was asked to stop; raised by :meth:`Job.check_stop`."""


class Job:
    """A job's child process, from ``run_started`` to ``run_finished``.

    Entering it writes ``run_started`` and begins to beat; leaving it writes
    ``run_finished``, whatever happened inside: a named failure with its code,
    any other exception with its traceback in the output, a full disk as
    ``disk-full``, and a stop request, by file or SIGTERM, as ``stopped``.

    Before it writes anything it holds the lock of its folder, and holds it to its end:
    a second process can't enter (:class:`RunElsewhere`, :class:`RunActive`).

    Args:
        directory: The job directory.
        resumed_step: The step of the checkpoint that a resumed job goes on from.
        resumed_from: That checkpoint's name.
        disk_reserve: Whether to keep a little room back, so that on a full disk the
            last event can still be written.
        notify: Whether its end is what the person's ``training.notify_command`` is for.
        figures: Whether it logs what the machine does with each sign of life. A job without an
            end of its own does not: its log would grow for ever.
    """

    def __init__(
        self,
        directory: Path,
        *,
        resumed_step: int | None = None,
        resumed_from: str = "",
        disk_reserve: bool = True,
        notify: bool = False,
        figures: bool = True,
    ) -> None:
        self.directory = directory
        self.exit_status = 0
        self._notify = notify
        self._figures = figures
        self._resumed_step = resumed_step
        self._resumed_from = resumed_from
        self._saved = bool(resumed_step)
        self._reserve = directory / RESERVE_FILE if disk_reserve else None
        self._signalled = threading.Event()
        self._ended = threading.Event()
        self._word: tuple[str, Mapping[str, object]] = ("finished", {})
        self._former: dict[signal.Signals, Any] = {}
        self._looks: list[Callable[[], None]] = []
        self._readers: list[Callable[[str, Mapping[str, object]], None]] = []

    def __enter__(self) -> Job:
        self._take_hold()
        self._listen()
        # A crash in C says where it was, in stdout.log.
        with contextlib.suppress(OSError, ValueError, AttributeError):
            faulthandler.enable(all_threads=False)
        self._log = EventLog(self.directory)
        me = self._me
        self._set_reserve()
        started: dict[str, object] = {"pid": os.getpid()}
        if me is not None:
            started["pid_start"] = me.start_time
        if self._resumed_step is not None:
            started["resumed_step"] = self._resumed_step
        if self._resumed_from:
            started["checkpoint"] = self._resumed_from
        self._log.write("run_started", **started)
        drop_ticket(self.directory)  # it has had its turn
        self._beat = threading.Thread(target=self._beating, name="heartbeat", daemon=True)
        self._beat.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        self._ended.set()
        self._beat.join(timeout=10)
        # On a full disk what is printed needs room too.
        if self._reserve is not None:
            with contextlib.suppress(OSError):
                self._reserve.unlink(missing_ok=True)
        word = self._last_word(error)
        try:
            self._log.write("run_finished", **word)
            if self._notify and (failure := notify(self.directory, word)):
                self.warn(failure, code="notify-failed", hint="see training.notify_command")
            self._log.close()
        except OSError as full:
            with contextlib.suppress(OSError):
                print(f"the last event could not be written: {full}", file=sys.stderr)
            self.exit_status = 1
        self._hold.close()
        for number, handler in self._former.items():
            signal.signal(number, handler)
        return True

    @property
    def should_stop(self) -> bool:
        """Whether the job was asked to stop."""
        return self._signalled.is_set() or stop_requested(self.directory)

    def check_stop(self) -> None:
        """Raise :class:`JobStopped` where the job was asked to stop."""
        if self.should_stop:
            raise JobStopped

    def write(self, type: str, **fields: object) -> None:
        """Write an event."""
        self._log.write(type, **fields)
        self._saved = self._saved or type == "checkpoint"
        for reader in self._readers:
            reader(type, fields)

    def phase(self, phase: str, **fields: object) -> None:
        """Say in a word or two what the job does now; ``step`` and ``total_steps`` may follow."""
        self._log.write("phase", phase=phase, **fields)

    def warn(self, message: str, *, code: str = "", hint: str = "") -> None:
        """Say something that a person should know, and that does not end the job."""
        more = {name: value for name, value in (("code", code), ("hint", hint)) if value}
        self._log.write("warning", message=message, **more)

    def finish(self, result: Mapping[str, object]) -> None:
        """Set the result that ``run_finished`` will carry."""
        self._word = ("finished", result)

    def stopped(self, result: Mapping[str, object]) -> None:
        """Set that the job stopped because it was asked to, and what it leaves."""
        self._word = ("stopped", result)

    def on_write(self, read: Callable[[str, Mapping[str, object]], None]) -> None:
        """Have each event that is written read by something else too, after it was written."""
        self._readers.append(read)

    def on_beat(self, look: Callable[[], None]) -> None:
        """Have something looked at with each sign of life, in the thread that gives them."""
        self._looks.append(look)

    @contextlib.contextmanager
    def gpu(self, card: str) -> Iterator[None]:
        """Hold a card, waiting for another run to let go of it; a stop request ends the wait.

        Args:
            card: The card's uuid or number.
        """
        said: list[str] = []

        def wait(holder: str) -> None:
            if holder not in said:
                said.append(holder)
                self.phase("waiting for the GPU", holder=holder)
            self.check_stop()
            self._signalled.wait(0.5)

        try:
            lock_file(card).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            self.warn(
                f"nothing keeps other runs off the GPU, since its lock can't be made: {error}",
                code="gpu-lock-missing",
                hint="finetui doctor",
            )
            yield
            return
        with gpu_lock(card, owner_words(self.directory), wait=wait):
            yield

    def _take_hold(self) -> None:
        """Hold the folder, and write down who does."""
        self.directory.mkdir(parents=True, exist_ok=True)
        check_folder(self.directory)
        try:
            self._hold = take(self.directory)
        except Held as error:
            name = f"the job {self.directory.name}"
            check_free(self.directory, what=name, hint="stop it first")
            raise elsewhere(name, look(self.directory), "stop it first") from error
        me = identify(os.getpid())
        self._me = None if me is None else replace(me, lock=self._hold.kind)
        written = read_process(self.directory)
        if self._me is None:
            return
        if written is None or not same_identity(written, self._me):  # it was started by hand
            (self.directory / CONTROL_DIR / KILL_FILE).unlink(missing_ok=True)
            write_process(self.directory, self._me)

    def _heed(self) -> None:
        """Give a sign of life, and do what another host asks for through the folder."""
        try:
            self._hold.touch()
            owner = read_process(self.directory)
            mine = self._me is None or owner is None or same_identity(owner, self._me)
        except Held:
            mine = False
        if not mine:
            # Somebody took the folder over by force, where no lock reaches. Two processes must
            # not write one log, so this one ends without another word in it.
            print("another process has taken over this folder", file=sys.stderr, flush=True)
            os._exit(1)
        if kill_requested(self.directory):
            with contextlib.suppress(OSError):
                self._log.write("run_finished", status="killed", message="killed on request")
            _end_at_once()

    def _listen(self) -> None:
        def on_stop(number: int, frame: FrameType | None) -> None:
            self._signalled.set()

        self._former[signal.SIGTERM] = signal.signal(signal.SIGTERM, on_stop)
        # A new session has no terminal to hang up; a job that was started by hand has.
        self._former[signal.SIGHUP] = signal.signal(signal.SIGHUP, signal.SIG_IGN)

    def _set_reserve(self) -> None:
        if self._reserve is None:
            return
        with contextlib.suppress(OSError):  # on a full disk the work itself will say so
            with contextlib.suppress(FileExistsError):
                self._reserve.parent.mkdir()
            self._reserve.unlink(missing_ok=True)
            handle = open_own(self.directory, RESERVE_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
            with os.fdopen(handle, "wb") as file:
                # Random bytes, so that a compressing file system really keeps the room.
                file.write(os.urandom(_RESERVE_BYTES))

    def _beating(self) -> None:
        sampler, watched = Sampler(self.directory), GpuNews()
        while not self._ended.wait(HEARTBEAT_S):
            self._heed()
            for look_at in self._looks:
                with contextlib.suppress(OSError):  # as below
                    look_at()
            if not self._figures:
                continue
            now = sampler.sample()
            own = process_snapshot(os.getpid())
            with contextlib.suppress(OSError):  # a beat that finds no room on the disk is no loss
                self._log.write(
                    "gpu",
                    cpu_percent=now.cpu_percent,
                    ram_used=now.ram_used,
                    ram_total=now.ram_total,
                    disk_free=now.disk_free,
                    process_cpu_percent=None if own is None else own.cpu_percent,
                    process_rss=None if own is None else own.rss,
                    gpus=[asdict(gpu) for gpu in now.gpus],
                    oom_kills=oom_kills(),
                )
                for message, code, hint in watched.news(now.gpus):
                    self.warn(message, code=code, hint=hint)
        sampler.close()

    def _last_word(self, error: BaseException | None) -> dict[str, object]:
        status, result = self._word
        if error is None:
            return {"status": status, "result": result}
        if isinstance(error, JobStopped):
            return {"status": "stopped", "result": result}
        self.exit_status = 1
        named = error if isinstance(error, FinetuiError) else None
        if named is None and is_disk_full(error, self.directory):
            named = DiskFull(
                "the disk became full",
                hint="free some space, then resume the run from its last checkpoint"
                if self._saved
                else "free some space, then start it again",
            )
        if named is None and is_too_large(error):
            named = LimitReached(
                f"a file reached the limit of file size: {error}",
                hint="raise it with: ulimit -f unlimited, then go on from the last checkpoint"
                if self._saved
                else "raise it with: ulimit -f unlimited, then start it again",
            )
        if not isinstance(error, FinetuiError):
            with contextlib.suppress(OSError):
                traceback.print_exception(error)
        if named is not None:
            # What was found before it failed, where it said so.
            found = {"result": result} if result else {}
            return {"status": "failed", **named.as_dict(), **found}
        resume = f"resume it with: finetui runs resume {self.directory.name}"
        return {
            "status": "failed",
            "code": "unexpected",
            "message": f"{type(error).__name__}: {error}" if str(error) else type(error).__name__,
            "hint": f"stdout.log has the whole story; {resume}"
            if self._saved
            else "stdout.log has the whole story",
            "lines": _raised_at(error),
        }


def _raised_at(error: BaseException) -> list[str]:
    """Return where an exception was raised, and what it says, as a traceback ends."""
    frames = traceback.extract_tb(error.__traceback__)
    where = [f'File "{last.filename}", line {last.lineno}, in {last.name}' for last in frames[-1:]]
    words = "".join(traceback.format_exception_only(error)).strip().splitlines()
    return [*where, *words[:_RAISED_LINES]]


def _end_at_once() -> None:
    """End this process and its children."""
    if os.getpgid(0) == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


def is_too_large(error: BaseException) -> bool:
    """Say whether an exception means that a file reached the limit that ``ulimit -f`` sets."""
    return isinstance(error, OSError) and error.errno == errno.EFBIG


def is_disk_full(error: BaseException, directory: Path) -> bool:
    """Say whether an exception, or one that it came from, means a full disk or quota.

    Libraries that write in C++ or Rust say so in words, or don't say it: a step that
    failed on a disk without room is taken to have failed for that.
    """
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        if isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        if "No space left on device" in str(cause):
            return True
        cause = cause.__cause__ or cause.__context__
    try:
        return shutil.disk_usage(directory).free < _NO_ROOM_BYTES
    except OSError:
        return False
