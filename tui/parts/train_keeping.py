"""Keeping runs in order: what can be done with one beside training it, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tui.bridge.run_tail import JobState, short_run
from tui.bridge.threads import off_loop
from tui.parts.train_steering import Done
from tui.widgets.rows import Part
from tui.widgets.words import file_size, fit, one_line

if TYPE_CHECKING:
    from engine.export.keeping import Part as KeptPart
    from engine.workspace import Workspace

Task = Literal[
    "start", "queue", "first", "wake", "rename", "note", "clean", "pack", "import", "remove"
]
"""What can be done with a run."""

_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Choice:
    """Something that can be done now, in the words of the list."""

    task: Task
    label: str
    note: str

    def row(self) -> list[Part]:
        """Return the line of the list."""
        return [(fit(self.label, 24), "strong"), (self.note, "muted")]


def choices(job: JobState | None) -> list[Choice]:
    """Return what can be done with the run under the cursor, and with runs at all."""
    found: list[Choice] = []
    if job is not None and not job.quant:
        found += _of_a_run(job)
    found.append(Choice("wake", "Let the queue go on", "after a restart of this machine"))
    found.append(Choice("import", "Import a packed run", "from a file of another machine"))
    return found


def _of_a_run(job: JobState) -> list[Choice]:
    view = job.view
    found = []
    if view.status == "queued":
        found.append(Choice("first", "Make it the next one", "before all others in the queue"))
    elif not view.active and view.status != "finished":
        goes_on = job.resume_step is not None
        found += [
            Choice("start", "Start now", f"from step {job.resume_step:,}" if goes_on else ""),
            Choice("queue", "Start in the queue", "when the GPU or the processor is free"),
        ]
    found += [
        Choice("rename", "Name", one_line(job.called) or "a name of yours; its id stays"),
        Choice("note", "Note", one_line(job.note) or "a line about it"),
    ]
    if not view.active:
        found += [
            Choice("clean", "Clean", "what can be made again goes; adapters stay"),
            Choice("pack", "Pack", "into one file, for another machine"),
            Choice("remove", "Remove", "with its adapter, exports and history"),
        ]
    return found


class Keeping:
    """Carries out what a person chose.

    Args:
        workspace: Where the runs are.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    async def start(self, job: JobState, *, queue: bool) -> Done:
        """Start a run that was prepared, or go on with one, now or in the queue.

        Raises:
            FinetuiError: It can't be started.
        """
        from engine.train import resume
        from engine.train.preparing import start_prepared

        act: Callable[..., object] = start_prepared if job.resume_step is None else resume
        await off_loop(lambda: act(self._workspace, job.run_id, queue=queue))
        said = f"{job.name} waits in the queue" if queue else f"{job.name} started"
        return Done(said, kind="done", begun=job.dir)

    async def first(self, job: JobState) -> Done:
        """Make a run the next one of the queue."""
        from engine.runs.tickets import move_first

        if not await off_loop(move_first, job.dir):
            return Done(f"{job.name} does not wait any more")
        return Done(f"{job.name} is the next one", kind="done")

    async def wake(self) -> Done:
        """Let runs wait again whose processes are gone.

        Raises:
            FinetuiError: They can't be started.
        """
        from engine.train.preparing import start_queue

        woken = await off_loop(start_queue, self._workspace)
        if not woken:
            return Done("no run in the queue has to be woken")
        return Done(f"{', '.join(map(short_run, woken))} wait again", kind="done")

    async def rename(self, job: JobState, name: str) -> Done:
        """Give a run a person's name.

        Raises:
            UsageError: It can't be its name.
        """
        from engine.runs.notes import set_name

        said = (await off_loop(set_name, job.dir, name)).name
        return Done(f"{job.name} is named {said}" if said else f"{job.name} has no name any more")

    async def note(self, job: JobState, text: str) -> Done:
        """Write a note about a run.

        Raises:
            UsageError: It is too long.
        """
        from engine.runs.notes import set_note

        said = (await off_loop(set_note, job.dir, text)).note
        return Done(f"{job.name}: {said}" if said else f"{job.name} has no note any more")

    async def clean(self, job: JobState) -> Done:
        """Remove what can be made again.

        Raises:
            FinetuiError: It, or an export of it, is under way.
        """
        from engine.export.keeping import clean
        from engine.runs import summarise

        done = await off_loop(lambda: clean(self._workspace, summarise(job.dir)))
        return Done(f"{job.name}: {file_size(done.bytes)} given back", kind="done")

    async def remove(self, job: JobState) -> Done:
        """Remove a run with all that is in its folder.

        Raises:
            FinetuiError: It, or an export of it, is under way.
        """
        from engine.export.keeping import remove
        from engine.runs import summarise

        lost = await off_loop(lambda: remove(self._workspace, summarise(job.dir)))
        return Done(f"{job.name} is removed: {file_size(lost.bytes)} given back", kind="done")

    async def pack(self, job: JobState, path: str) -> Done:
        """Pack a run into a file, with its checkpoints where it can go on from them.

        Raises:
            FinetuiError: It can't be packed.
        """
        from engine.runs import summarise
        from engine.train.pack import pack

        goes_on = job.resume_step is not None
        made = await off_loop(
            lambda: pack(summarise(job.dir), Path(path).expanduser(), with_checkpoints=goes_on)
        )
        said = f"{job.name} is packed: {one_line(str(made.file))}, {file_size(made.bytes)}"
        return Done(said, "it holds the dataset as plain text", "done")

    async def bring(self, path: str) -> Done:
        """Bring a packed run into the workspace.

        Raises:
            FinetuiError: The file can't be imported.
        """
        from engine.train.unpack import import_run

        made = await off_loop(lambda: import_run(self._workspace, Path(path).expanduser()))
        name = f"run {short_run(made.run.id)}"
        words = {
            "new": f"{name} is here",
            "same": f"{name} is here already, as it is in the file",
            "home": f"{name} has come home, with its history",
            "renamed": f"another run has its id here: it is {name} now",
        }
        return Done(words[made.how], "; ".join(map(one_line, made.notes)), "done", made.run.dir)


def pack_path(job: JobState) -> str:
    """Return the file that a run is packed into unless another one is named."""
    return f"~/{job.run_id}.finetui.zip"


def loss_words(workspace: Workspace, job: JobState, task: Task) -> str:
    """Return what cleaning or removing a run would take, for the question before it.

    Reads files; call it off the event loop.

    Raises:
        FinetuiError: It can't be done now.
    """
    from engine.export.keeping import plan_cleaning, plan_removal
    from engine.runs import summarise

    run = summarise(job.dir)
    if task == "clean":
        planned = plan_cleaning(workspace, run)
        stays = ", ".join(one_line(part.path.name) for part in planned.stays)
        if not planned.goes:
            return f"There is nothing that could go. {stays} stay."
        return f"{_listed(planned.goes)} go, {file_size(planned.bytes)}. {stays} stay."
    loss = plan_removal(workspace, run)
    more = [f"{loss.votes} blind votes on it stay."] if loss.votes else []
    more += [f"{one_line(name)} started from it." for name in loss.used_by]
    return " ".join([f"{_listed(loss.parts)} go, {file_size(loss.bytes)}, for good.", *more])


def _listed(parts: tuple[KeptPart, ...]) -> str:
    largest = sorted(parts, key=lambda part: -part.bytes)
    named = [f"{one_line(part.path.name)} ({file_size(part.bytes)})" for part in largest[:_SHOWN]]
    rest = len(parts) - len(named)
    return ", ".join(named) + (f" and {rest} more" if rest else "")
