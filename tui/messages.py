"""Messages that more than one screen listens to. Named in the past tense; they hold no widget."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

from engine.models import Source

if TYPE_CHECKING:
    from engine.extract.scan import ScanReport
    from engine.quality.stage import CheckReport
    from engine.setup import Setup
    from engine.similarity import DedupReport


@dataclass(frozen=True, slots=True)
class Job:
    """The job that the title line shows.

    Attributes:
        name: What runs: "train run-3", "export q4_k_m".
        status: The status of the run protocol: "running", "stopping", "finished", …
        done: Units done, 0 where unknown.
        total: Units in all, 0 where unknown.
        eta_s: Seconds that are left, None where unknown.
        phase: What it does now, in the recipe's words.
    """

    name: str
    status: str
    done: int = 0
    total: int = 0
    eta_s: float | None = None
    phase: str = ""

    @property
    def active(self) -> bool:
        """Whether a process still works on it."""
        return self.status in {"queued", "created", "running", "stopping"}

    @property
    def progress(self) -> str:
        """How far it is: ``11/18`` steps of a run, a share of an export; empty where unknown."""
        if not self.total:
            return ""
        if self.name.startswith("export"):
            return f"{100 * self.done // self.total}%"
        return f"{self.done:,}/{self.total:,}"


@dataclass(frozen=True, slots=True)
class Scan:
    """The scan that the title line shows.

    Attributes:
        source: What is read.
        name: The source in a word or two.
        percent: How much of it is behind, None where that can't be told.
        waiting: How many sources are read after it.
    """

    source: Source
    name: str
    percent: int | None = None
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class Check:
    """The checks that the title line shows.

    Attributes:
        what: What is done: "checks" or "near-duplicates".
        percent: How much of it is behind, None where that can't be told.
    """

    what: str
    percent: int | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far curation has got, and how fast it goes: what the meter shows."""

    approved: int
    target: int
    rejected: int
    undecided: int
    per_hour: float = 0.0
    minutes_left: float | None = None


class JobChanged(Message):
    """The running job moved on, ended, or another one runs. Posted to the app.

    ``ended`` counts the jobs that were seen to run and to end since the watching began: unlike
    the messages, of which only the newest is of interest, it loses none.
    """

    def __init__(self, job: Job | None, ended: int = 0) -> None:
        super().__init__()
        self.job = job
        self.ended = ended

    def can_replace(self, message: Message) -> bool:
        """Only the newest state is of interest."""
        return isinstance(message, JobChanged)


@dataclass(frozen=True, slots=True)
class Server:
    """The workspace's server, as the title line shows it.

    Attributes:
        model: The name of the model that answers, or that is being loaded first.
        phase: What it does: "starting", "serving", "switching", "restarting", "idle", "lent".
        requests: How many requests are being answered or wait.
        url: Its address; empty until it listens.
        elsewhere: Whether it runs on another machine.
    """

    model: str
    phase: str
    requests: int = 0
    url: str = ""
    elsewhere: bool = False


class ServerMoved(Message):
    """The server began, ended, or does something else. Posted to the app.

    Attributes:
        server: The server; None where none runs.
        died: Whether it ended without having been asked to.
    """

    def __init__(self, server: Server | None, *, died: bool = False) -> None:
        super().__init__()
        self.server = server
        self.died = died

    def can_replace(self, message: Message) -> bool:
        """Only the newest state is of interest."""
        return isinstance(message, ServerMoved)


class ScanMoved(Message):
    """A scan began or got further, or the last one is over. Posted to the app."""

    def __init__(self, scan: Scan | None) -> None:
        super().__init__()
        self.scan = scan

    def can_replace(self, message: Message) -> bool:
        """Only the newest state is of interest."""
        return isinstance(message, ScanMoved)


class ScanEnded(Message):
    """A source was read, or could not be. Posted to the app.

    Attributes:
        source: What was read.
        report: What the scan found; None where it failed.
        error: What went wrong.
        percent: How far a scan that was stopped had got; None where that can't be told.
        unread: The sources that waited behind it and were given up with it.
    """

    def __init__(
        self,
        source: Source,
        report: ScanReport | None,
        error: Exception | None = None,
        *,
        percent: int | None = None,
        unread: tuple[Source, ...] = (),
    ) -> None:
        super().__init__()
        self.source = source
        self.report = report
        self.error = error
        self.percent = percent
        self.unread = unread


class ChecksMoved(Message):
    """Checks began or got further, or the last run is over. Posted to the app."""

    def __init__(self, check: Check | None) -> None:
        super().__init__()
        self.check = check

    def can_replace(self, message: Message) -> bool:
        """Only the newest state is of interest."""
        return isinstance(message, ChecksMoved)


class ChecksEnded(Message):
    """Examples were checked, or could not be. Posted to the app.

    Attributes:
        report: What the checks found; None where they failed.
        near: What the search for near-duplicates found; None where it was not made.
        error: What went wrong.
        by_hand: Whether the person asked for it.
        few: How many examples were asked for; 0 means all that was new or changed.
    """

    def __init__(
        self,
        report: CheckReport | None,
        near: DedupReport | None,
        error: Exception | None = None,
        *,
        by_hand: bool = False,
        few: int = 0,
    ) -> None:
        super().__init__()
        self.report = report
        self.near = near
        self.error = error
        self.by_hand = by_hand
        self.few = few


class SetupMoved(Message):
    """finetui's own installation began, got further, ended or stopped. Posted to the app."""

    def __init__(self, setup: Setup) -> None:
        super().__init__()
        self.setup = setup

    def can_replace(self, message: Message) -> bool:
        """Only the newest state is of interest."""
        return isinstance(message, SetupMoved)


class Progressed(Message):
    """A long engine call that a screen started got further. Posted to that screen."""

    def __init__(self, what: str, done: int, total: int, in_bytes: bool = False) -> None:
        super().__init__()
        self.what = what
        self.done = done
        self.total = total
        self.in_bytes = in_bytes

    def can_replace(self, message: Message) -> bool:
        """Only the newest state of the same call is of interest."""
        return isinstance(message, Progressed) and message.what == self.what


class PartFailed(Message):
    """What a part of a screen did by itself went wrong. Bubbles to the part's screen."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error


class WatchFailed(Message):
    """The job directories could not be read. Posted to the app."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error
