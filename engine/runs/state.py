"""What state a job is in, and which runs a workspace has."""

from __future__ import annotations

import secrets
import time
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine import toml
from engine.errors import RunMissing
from engine.plain import read_plain
from engine.runs.control import kill_requested, stop_requested
from engine.runs.endings import explain, telling_lines, what_to_do
from engine.runs.events import Event, Tail
from engine.runs.fold import Fold
from engine.runs.hung import HUNG, hung_words
from engine.runs.life import Life, look
from engine.runs.notes import is_part, read_said
from engine.runs.process import ProcessInfo, read_process, same_start
from engine.runs.seats import behind
from engine.runs.tickets import read_ticket, waits
from engine.runs.view import RunView, Status

if TYPE_CHECKING:  # a child reads its own state and needs no database
    from engine.workspace import Workspace

SPEC_FILE = "spec.toml"
_DRAWS = 1000  # there are 65,536 endings


def _four_digits() -> str:
    return secrets.token_hex(2)


@dataclass(frozen=True, slots=True)
class RunSummary:
    """A training run as a list shows it."""

    id: str
    dir: Path
    base: str
    dataset: str
    preset: str
    view: RunView
    name: str = ""
    note: str = ""

    @property
    def called(self) -> str:
        """The person's name for it, else its id."""
        return self.name or self.id


class Monitor:
    """Follows a job: each poll reads only what is new, and says the state and the news."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._tail = Tail(directory)
        self._fold = Fold()

    def poll(self) -> tuple[RunView, list[Event]]:
        """Return the job's state now and the events since the last poll."""
        # Life first, events after: a child that ends in between has then written its last word,
        # while the other order would take it for dead.
        info = read_process(self.directory)
        life = look(self.directory, info)
        events = self._tail.poll()
        self._fold.feed(events)
        return _judge(self.directory, self._fold.view(), info, life), events


def state(directory: Path) -> RunView:
    """Return a job's state: its events, and whether its process lives, here or elsewhere.

    Nothing stores "running"; a job that began, is gone, and never said that it
    ended has died, and its last lines of output are the message.
    """
    return Monitor(directory).poll()[0]


def _judge(directory: Path, view: RunView, info: ProcessInfo | None, life: Life) -> RunView:
    ticket = read_ticket(directory)
    queued = waits(directory, ticket)
    if info is None:
        if queued:
            return _queued(directory, view, life)
        if life.alive and view.started and not view.ended:
            return replace(view, elsewhere=True, host=life.host, heard_at=life.heard_at)
        if view.ended or not view.started:
            # Somebody made it ready and nobody has started it.
            ready = not view.started and not view.ended and (directory / SPEC_FILE).is_file()
            return replace(view, status="prepared") if ready else view
        return _gone(directory, view, info, life)
    # Until a job that was launched again speaks, its log ends with the end of its former life.
    spoken = view.pid == info.pid and (
        same_start(view.pid_start, info.start_time) or info.start_time < 0
    )
    if queued:
        return _queued(directory, view if spoken else _unspoken(view, info), life)
    if spoken and view.ended:
        return view
    if not life.alive:
        return _gone(directory, view, info, life, spoken=spoken)
    status: Status = "running" if spoken else "created"
    if stop_requested(directory):
        status = "stopping"
    if not spoken:
        view = _unspoken(view, info)
    view = replace(
        view, status=status, ended=0.0, code="", message="", hint="", result={}, lines=()
    )
    if view.hung:
        view = _hung(directory, view)
    if life.where == "here":
        return view
    return replace(view, elsewhere=True, host=life.host, heard_at=life.heard_at)


def _queued(directory: Path, view: RunView, life: Life) -> RunView:
    """Return the state of a job that waits for its turn."""
    place, before = behind(directory)
    said = "" if life.alive else "its waiting process is gone; it keeps its place"
    return replace(
        view,
        status="queued",
        ended=0.0,
        code="" if life.alive else "queue-not-waiting",
        message=said,
        hint="" if life.alive else "go on with: finetui runs queue --start",
        result={},
        lines=(),
        phase="",
        place=place,
        behind=before,
        waits=life.alive,
        elsewhere=life.where == "elsewhere",
        host=life.host,
        heard_at=life.heard_at,
    )


def _hung(directory: Path, view: RunView) -> RunView:
    """Return the state of a job whose step does not end."""
    said = f"{hung_words(view.quiet_s, view.usual_s)}, though its process lives"
    again = what_to_do(directory, view)
    return replace(
        view,
        code=HUNG,
        message=said,
        hint=f"end it with: finetui runs stop --kill {directory.name}; {again}",
        lines=telling_lines(directory),
    )


def _unspoken(view: RunView, info: ProcessInfo) -> RunView:
    """Return a view without what only a former process of the job said of itself."""
    return replace(
        view,
        phase="",
        step=0,
        total_steps=0,
        epoch=0.0,
        lr=None,
        grad_norm=None,
        tokens_per_s=None,
        eta_s=None,
        last_gpu={},
        warnings=(),
        lines=(),
        quiet_s=0.0,
        process_started=info.launched_at,
    )


def _gone(
    directory: Path, view: RunView, info: ProcessInfo | None, life: Life, *, spoken: bool = True
) -> RunView:
    ended = view.last_seen
    if kill_requested(directory):
        return replace(view, status="killed", ended=ended, eta_s=None, message="killed on request")
    if stop_requested(directory) and not (view.started and spoken):
        said = "stopped before it went on" if view.started else "stopped before it began"
        return replace(
            view,
            status="stopped",
            ended=ended,
            message=said,
            hint=what_to_do(directory, view),
            code="",
            result={},
        )
    end = explain(directory, view if spoken else replace(view, last_gpu={}), info, life)
    return replace(
        view,
        status="died",
        ended=ended,
        eta_s=None,
        code=end.code,
        message=end.message,
        hint=end.hint,
        lines=end.lines,
        host=life.host,
        heard_at=life.heard_at,
    )


def make_run_dir(runs_dir: Path, *, digits: Callable[[], str] = _four_digits) -> Path:
    """Make the folder of a new run, which nothing else has, and return it.

    Its name is the run's id: the time, so that ids sort, and four digits to tell it by, which no
    other run there ends with as long as there are some.

    Args:
        runs_dir: The workspace's folder of runs.
        digits: Draws four digits.
    """
    runs_dir.mkdir(parents=True, exist_ok=True)
    taken = {path.name[-4:] for path in runs_dir.iterdir()}
    names = tuple({read_said(path).name.casefold() for path in runs_dir.iterdir()} - {""})
    drawn_so_far = 0
    while True:
        drawn, drawn_so_far = digits(), drawn_so_far + 1
        # A name that is an ending of it would mean two runs.
        if (drawn in taken or drawn.endswith(names)) and drawn_so_far <= _DRAWS:
            continue
        directory = runs_dir / f"{time.strftime('%Y%m%d-%H%M%S')}-{drawn}"
        try:
            directory.mkdir()
        except FileExistsError:  # another process has just made it
            continue
        return directory


def read_spec(directory: Path) -> Mapping[str, Any]:
    """Return a job's specification as it stands in ``spec.toml``; empty where it can't be read."""
    try:
        return toml.loads(read_plain(directory / SPEC_FILE).decode("utf-8", "surrogateescape"))
    except (OSError, ValueError):
        return {}


def summarise(directory: Path) -> RunSummary:
    """Return the summary of the run in a directory."""
    spec = read_spec(directory)
    said = read_said(directory)
    return RunSummary(
        id=directory.name,
        dir=directory,
        base=str(spec.get("base", "")),
        dataset=str(spec.get("dataset", "")),
        preset=str(spec.get("preset", "")),
        view=state(directory),
        name=said.name,
        note=said.note,
    )


def run_dirs(workspace: Workspace) -> list[Path]:
    """Return the folders of a workspace's runs, newest first."""
    try:
        folders = [
            path
            for path in workspace.runs_dir.iterdir()
            if not path.name.startswith(".") and (path / SPEC_FILE).is_file()
        ]
    except OSError:
        return []
    return sorted(folders, key=lambda path: path.name, reverse=True)


def runs(workspace: Workspace) -> list[RunSummary]:
    """Return a workspace's runs, newest first."""
    return [summarise(directory) for directory in run_dirs(workspace)]


def find(workspace: Workspace, id_or_prefix: str) -> RunSummary:
    """Return the run that a person means.

    Args:
        workspace: Where to look.
        id_or_prefix: An id, the name that a person gave it, a prefix or an ending that only one
            run has, or ``last``.

    Raises:
        RunMissing: No run fits, or several do.
    """
    fitting, wanted = matching(workspace, id_or_prefix), id_or_prefix.strip()
    if len(fitting) == 1:
        return summarise(fitting[0])
    if fitting:
        names = ", ".join(
            f"{folder.name} (named {wanted})" if _named(folder, wanted) else folder.name
            for folder in fitting[:5]
        )
        raise RunMissing(f"{wanted} fits {len(fitting)} runs: {names}", hint="write more of the id")
    folders = run_dirs(workspace)
    raise RunMissing(
        f"there is no run {wanted}" if folders else "this workspace has no runs yet",
        hint="list them with: finetui runs list" if folders else "start one with: finetui train",
    )


def matching(workspace: Workspace, id_or_prefix: str) -> list[Path]:
    """Return the folders of the runs that a person may mean, as :func:`find` reads it."""
    folders = run_dirs(workspace)
    wanted = id_or_prefix.strip()
    if wanted == "last":
        return folders[:1]
    # A name that is also a part of another run's id means both, never one of them quietly.
    return [folder for folder in folders if folder.name == wanted] or [
        folder for folder in folders if is_part(wanted, folder.name) or _named(folder, wanted)
    ]


def _named(folder: Path, wanted: str) -> bool:
    name = unicodedata.normalize("NFC", " ".join(wanted.split())).casefold()
    return bool(name) and read_said(folder).name.casefold() == name
