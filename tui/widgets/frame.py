"""The lines around every stage: title, status, keys, and the notice of a terminal too small."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.content import Content
from textual.timer import Timer
from textual.widget import Widget

from tui.messages import Check, Job, Progressed, Scan, Server
from tui.widgets.lines import Lines
from tui.widgets.words import duration, file_size, fit, one_line

if TYPE_CHECKING:
    from engine.setup import Setup

MIN_COLUMNS = 60
MIN_ROWS = 16
JOB_COLUMNS = 14
"""Kept free for the running job where the line is short."""
SERVER_COLUMNS = 6
"""Kept free for the server's sign and its number of requests."""

Kind = Literal["info", "done", "busy", "error", "help"]


@dataclass(frozen=True, slots=True)
class Title:
    """What the title line says."""

    workspace: str
    stages: tuple[tuple[str, str], ...]
    active: int
    job: Job | None = None
    scan: Scan | None = None
    check: Check | None = None
    setup: Setup | None = None
    server: Server | None = None


_JOB_SIGNS = {"finished": "✓", "stopped": "■", "killed": "✗", "failed": "✗", "died": "✗"}
_JOB_STYLES = {"finished": "$text-success", "stopped": "$text-muted", "killed": "$text-warning"}


def job_words(job: Job, width: int) -> str:
    """Return the job in the longest form that fits into ``width`` cells, or nothing."""
    sign = _JOB_SIGNS.get(job.status, "▶")
    if not job.active:
        forms = [f"{sign} {job.name} {job.status}", f"{sign} {job.status}", sign]
    else:
        steps = job.progress
        percent = f"{100 * job.done // job.total}%" if job.total else ""
        left = f"{duration(job.eta_s)} left" if job.eta_s is not None and job.total else ""
        word = "stopping" if job.status == "stopping" else job.phase
        kind = job.name.partition(" ")[0]
        forms = [
            _join(f"{sign} {job.name}", word, steps, left),
            _join(f"{sign} {job.name}", steps or word, left),
            _join(f"{sign} {kind}", steps or word, left),
            _join(f"{sign} {kind}", percent or word),
            f"{sign} {percent or kind}",
            sign,
        ]
    for form in forms:
        text = one_line(form)
        if cell_len(text) <= width:
            return text
    return ""


def scan_words(scan: Scan, width: int) -> str:
    """Return the scan in the longest form that fits into ``width`` cells, or nothing."""
    percent = f"{scan.percent}%" if scan.percent is not None else "…"
    more = f"{scan.waiting} more wait" if scan.waiting else ""
    name = fit(one_line(scan.name), 20).rstrip()
    for form in (
        _join(f"▶ scan {name} {percent}", more),
        f"▶ scan {name} {percent}",
        f"▶ scan {percent}",
        f"▶ {percent}",
        "▶",
    ):
        if cell_len(form) <= width:
            return form
    return ""


def check_words(check: Check, width: int) -> str:
    """Return the checks in the longest form that fits into ``width`` cells, or nothing."""
    percent = f"{check.percent}%" if check.percent is not None else "…"
    for form in (f"▶ {check.what} {percent}", f"▶ {percent}", "▶"):
        if cell_len(form) <= width:
            return form
    return ""


def setup_words(setup: Setup, width: int) -> str:
    """Return the installation in the longest form that fits into ``width`` cells, or nothing."""
    part = setup.current
    if part is not None:
        doing = {"building": "compiling"}.get(part.state, part.state)
        if part.percent is not None:
            doing = f"{doing} {part.percent}%"
        forms = [
            f"▶ installing {part.title}: {doing}",
            f"▶ installing {part.title}",
            "▶ installing",
        ]
    elif stuck := next((one for one in setup.parts if one.state in ("offline", "failed")), None):
        why = "offline" if stuck.state == "offline" else "failed"
        forms = [f"! {stuck.title} not installed: {why}", f"! install {why}", "!"]
    else:
        return ""
    return next((form for form in forms if cell_len(form) <= width), "")


_SERVER_SIGNS = {"serving": "●", "idle": "○", "lent": "○", "restarting": "!"}


def server_words(server: Server, width: int) -> str:
    """Return the server in the longest form that fits into ``width`` cells, or nothing."""
    sign = _SERVER_SIGNS.get(server.phase, "…")
    name = fit(one_line(server.model), 24).rstrip()
    count = str(server.requests) if server.requests else ""
    asked = f"{server.requests:,} request{'s' if server.requests > 1 else ''}" if count else ""
    for form in (_join(f"{sign} serve {name}", asked), _join(f"{sign} {name}", count)):
        if name and cell_len(form) <= width:
            return form
    short = f"{sign} {count}".rstrip()
    return next((form for form in (short, sign) if cell_len(form) <= width), "")


def _join(*parts: str) -> str:
    return " · ".join(part for part in parts if part)


class TitleLine(Widget):
    """``finetui · workspace``, the five stages, and what runs on the right.

    The two are widgets of their own: what runs ticks, and a tick sends all that stands
    left of it in its widget.
    """

    DEFAULT_CSS = """
    TitleLine { height: 1; layout: horizontal; }
    TitleLine #title-running { width: 1fr; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._title = Title("", (), 0)
        self._steady = Lines(id="title-stages")
        self._moving = Lines(id="title-running")

    def compose(self) -> ComposeResult:
        """Compose the two parts."""
        yield self._steady
        yield self._moving

    def show(self, title: Title) -> None:
        """Show a title; the same one again costs nothing."""
        if title != self._title:
            self._title = title
            self._draw()

    def on_resize(self) -> None:
        """Draw for the new width."""
        self._draw()

    def notify_style_update(self) -> None:
        """Draw anew in the new theme's colours."""
        super().notify_style_update()
        self._steady.refresh()
        self._moving.refresh()

    def _draw(self) -> None:
        title, width = self._title, self.size.width
        left = self._left(title, width)
        if self._steady.styles.width is None or self._steady.size.width != left.cell_length:
            self._steady.styles.width = left.cell_length
        self._steady.show([left])
        room = width - left.cell_length - 2
        job = scan = ""
        if title.job:
            others = JOB_COLUMNS * any((title.scan, title.check, title.setup))
            others += SERVER_COLUMNS * (title.server is not None)
            job = job_words(title.job, room - others)
        if title.scan:
            scan = scan_words(title.scan, room - cell_len(job) - 2 * bool(job))
        elif title.check:
            scan = check_words(title.check, room - cell_len(job) - 2 * bool(job))
        elif title.setup:
            scan = setup_words(title.setup, room - cell_len(job) - 2 * bool(job))
        between = "  " if scan and job else ""
        taken = cell_len(scan + between + job)
        server = server_words(title.server, room - taken - 2 * bool(taken)) if title.server else ""
        gap = max(0, room + 1 - taken - cell_len(server) - 2 * bool(server and taken))
        line = Content.assemble(
            " " * gap,
            (server, _server_style(title.server)),
            "  " if server and taken else "",
            (scan, "$text-accent"),
            between,
            (job, job_style(title.job)),
        )
        self._moving.show([line])

    def _left(self, title: Title, width: int) -> Content:
        stages_width = sum(3 + cell_len(name) + 1 for _, name in title.stages)
        # What runs is worth more than the name of where one is.
        second = any((title.scan, title.check, title.setup))
        running = (title.job is not None) + second
        room = width - stages_width - 1 - JOB_COLUMNS * running
        room -= SERVER_COLUMNS * (title.server is not None)
        name = one_line(title.workspace)
        brand = " finetui · " if room >= cell_len(name) + 30 else " "
        shown = fit(name, max(0, min(cell_len(name), room - cell_len(brand) - 2, 24)))
        parts: list[tuple[str, str]] = [(brand, "$text-muted"), (shown, "bold"), ("  ", "")]
        for index, (key, label) in enumerate(title.stages):
            if index == title.active:
                parts.append((f" {key} {label} ", _ACTIVE))
            else:
                parts.append((f" {key} ", "$text-accent"))
                parts.append((f"{label} ", "$text-muted"))
        return Content.assemble(*parts)


_ACTIVE = "$block-cursor-foreground on $block-cursor-background bold"


def job_style(job: Job | None) -> str:
    """Return the colour of a job in the title line: only one that finished is green."""
    if job is None or job.active:
        return "$text-accent"
    return _JOB_STYLES.get(job.status, "$text-error")


def _server_style(server: Server | None) -> str:
    if server is None or server.phase in ("idle", "lent"):
        return "$text-muted"
    return "$text-warning" if server.phase == "restarting" else "$text-success"


_MARKS: dict[Kind, tuple[str, str]] = {
    "info": ("", "$text-muted"),
    "done": ("✓ ", "$text-success"),
    "busy": ("… ", "$text-accent"),
    "error": ("! ", "$text-error"),
    "help": ("", "$text-muted"),
}
_MAY_WRAP = {"error", "help"}

EXPIRES_S: dict[Kind, float] = {"info": 12.0, "done": 12.0, "error": 60.0}
"""Seconds after which a message is taken away; what is not listed stays until the next one."""


class StatusLine(Widget):
    """What was last done, or what went wrong and what to do about it."""

    DEFAULT_CSS = "StatusLine { height: auto; min-height: 1; max-height: 3; }"

    def __init__(self) -> None:
        super().__init__()
        self._said: tuple[str, str, Kind] = ("", "", "info")
        self._expiry: Timer | None = None

    @property
    def text(self) -> str:
        """What is said, with its hint."""
        message, hint, _ = self._said
        return f"{message} · {hint}" if hint else message

    def say(self, message: str, *, hint: str = "", kind: Kind = "info") -> None:
        """Say something in place of what was said before."""
        said = (one_line(message), one_line(hint), kind)
        self._expire(EXPIRES_S.get(kind) if said[0] else None)
        if said == self._said:
            return
        relayout = bool(_MAY_WRAP & {kind, self._said[2]})
        self._said = said
        self.refresh(layout=relayout)

    def _expire(self, seconds: float | None) -> None:
        """Take the message away after a time; None keeps it."""
        if self._expiry is not None:
            self._expiry.stop()
            self._expiry = None
        if seconds is not None and self.is_attached:
            self._expiry = self.set_timer(seconds, self.clear)

    def clear(self) -> None:
        """Say nothing."""
        self.say("")

    def render(self) -> Content:
        """Draw the line; only an error or a help takes more than one."""
        message, hint, kind = self._said
        mark, style = _MARKS[kind]
        said = style if kind in ("info", "help") else ""
        content = Content.assemble((f" {mark}", style), (message, said))
        if hint:
            content = Content.assemble(content, (f" · {hint}", "$text-muted"))
        if kind not in _MAY_WRAP:
            content = content.truncate(max(1, self.size.width or 200), ellipsis=True)
        return content


def progress_words(event: Progressed) -> str:
    """Return how far a call has got: ``reading: 12% of 3 MB``, ``checking: 3 of 7``."""
    if event.in_bytes:
        share = f"{100 * event.done // event.total}% of " if event.total else ""
        return f"{event.what}: {share}{file_size(event.total or event.done)}"
    of = f" of {event.total:,}" if event.total else ""
    return f"{event.what}: {event.done:,}{of}"


class CheatLine(Widget):
    """The keys that work now, as many as fit; ``? keys`` is always among them."""

    DEFAULT_CSS = "CheatLine { height: 1; }"

    LAST: ClassVar[str] = "?"

    def __init__(self) -> None:
        super().__init__()
        self._keys: tuple[tuple[str, str], ...] = ()

    def show(self, keys: Iterable[tuple[str, str]]) -> None:
        """Show pairs of key and label, the most important first."""
        keys = tuple(keys)
        if keys != self._keys:
            self._keys = keys
            self.refresh()

    def render(self) -> Content:
        """Draw the keys that fit."""
        last = [pair for pair in self._keys if pair[0] == self.LAST]
        room = self.size.width - 1 - sum(_width(pair) for pair in last)
        shown: list[tuple[str, str]] = []
        for pair in self._keys:
            if pair in last:
                continue
            room -= _width(pair)
            if room < 0:
                break
            shown.append(pair)
        parts: list[tuple[str, str]] = [(" ", "")]
        for key, label in [*shown, *last]:
            parts += [(key, "$text-accent bold"), (f" {label}  ", "$text-muted")]
        return Content.assemble(*parts)


def _width(pair: tuple[str, str]) -> int:
    return cell_len(pair[0]) + cell_len(pair[1]) + 3


class TooSmall(Widget):
    """Covers the screen while the terminal has too few columns or rows."""

    DEFAULT_CSS = """
    TooSmall { display: none; width: 100%; height: 100%; content-align: center middle; }
    """

    def render(self) -> Content:
        """Say what is needed and what is there."""
        have = self.screen.size
        return Content(
            f"This terminal has {have.width} x {have.height}.\n"
            f"finetui needs {MIN_COLUMNS} x {MIN_ROWS}.\n"
            "Make it larger, or ctrl+q."
        )
