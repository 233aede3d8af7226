"""Stopping, killing, resuming and exporting: what can be done, what it does, and what is said."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tui.bridge.run_tail import JobState
from tui.bridge.threads import off_loop
from tui.parts.train_exports import Wishes
from tui.widgets.frame import Kind
from tui.widgets.words import one_line

if TYPE_CHECKING:
    from engine.runs.kept import Which
    from engine.workspace import Workspace

END_SECONDS = 20.0
"""How long a process that has ended its work may take to be gone, before it counts as going."""

LOOK_SECONDS = 0.2
"""Seconds between two looks whether it is gone."""

OF_A_JOB = frozenset(
    {"stop", "kill", "resume", "export", "ollama", "compare", "pin", "log", "wrap", "swap_panes"}
    | {"scroll_up", "scroll_down", "search", "follow", "match", "match_before", "clear"}
    | {"charts", "next_chart", "previous_chart", "scale", "share"}
    | {"samples", "samples_before", "samples_after"}
)
"""The actions of Train that need a job under the cursor."""


@dataclass(frozen=True, slots=True)
class Done:
    """What came of something that was asked of a job.

    Attributes:
        message: What is said.
        hint: What can be done next.
        kind: What kind of message it is.
        begun: The directory of a job that was started.
    """

    message: str
    hint: str = ""
    kind: Kind = "info"
    begun: Path | None = None


class Steering:
    """Carries out what a person asks of a job.

    Args:
        workspace: Where the runs are.
        wait: Told what is waited for, where something takes a moment.
    """

    def __init__(self, workspace: Workspace, wait: Callable[[str], None]) -> None:
        self._workspace = workspace
        self._wait = wait

    async def stop(self, job: JobState) -> Done:
        """Ask a job to save what it can and stop."""
        from engine.runs import request_stop

        if not await off_loop(request_stop, job.dir):
            return _ended_already(job)
        message, hint = stop_words(job)
        return Done(message, hint, "busy")

    async def kill(self, job: JobState) -> Done:
        """End a job at once."""
        from engine.runs import kill

        if not await off_loop(kill, job.dir):
            return _ended_already(job)
        if job.view.elsewhere:
            said = f"{job.name} ends when it reads this in its folder on {one_line(job.view.host)}"
            return Done(said, kind="busy")
        return Done(f"{job.name} was killed")

    async def resume(self, job: JobState) -> Done:
        """Resume a run from its last checkpoint.

        Raises:
            FinetuiError: It can't be resumed.
        """
        from engine.train import resume

        await self._let_go(job)
        choice = (await off_loop(resume, self._workspace, job.run_id)).choice
        said = f"{job.name} resumes from step {choice.checkpoint.step:,}"
        passed = "; ".join(
            f"{refused.checkpoint.name} is damaged: {one_line(refused.reason)}"
            for refused in choice.refused
        )
        return Done(said, hint=passed, kind="done", begun=job.dir)

    async def export(
        self,
        job: JobState,
        quants: tuple[str, ...],
        adapter: Which | None = None,
        wishes: Wishes | None = None,
    ) -> Done:
        """Export the run of a job at quantisations.

        Args:
            job: The run, or an export of it.
            quants: The quantisations.
            adapter: The best adapter or the last; None takes the best where one was kept.
            wishes: What else the export is told.

        Raises:
            FinetuiError: It can't be exported.
        """
        from engine.export.start import start

        await self._let_go(job)
        options = (wishes or Wishes()).options()
        directory = await off_loop(start, self._workspace, job.run_id, quants, adapter, options)
        return Done(f"export at {', '.join(quants)} started", kind="done", begun=directory)

    async def export_again(self, job: JobState) -> Done:
        """Start an export once more, told what it was told.

        Raises:
            FinetuiError: It can't be exported.
        """
        from engine.export.start import again

        await self._let_go(job)
        directory = await off_loop(again, self._workspace, job.dir)
        return Done(f"export at {job.quant} started", kind="done", begun=directory)

    async def _let_go(self, job: JobState) -> None:
        """Wait a little for a process that has said its last word and is not quite gone."""
        from engine.runs import look

        for _ in range(int(END_SECONDS / LOOK_SECONDS)):
            if (await off_loop(look, job.dir)).where != "here":
                return
            self._wait(f"{job.name} is just ending …")
            await asyncio.sleep(LOOK_SECONDS)


def _ended_already(job: JobState) -> Done:
    return Done(f"{job.name} had ended already")


def stop_words(job: JobState) -> tuple[str, str]:
    """Return what is said once a job was asked to stop: what that saves, and what to do then."""
    from engine.train import leaves_when_stopped

    if job.view.elsewhere:
        host = one_line(job.view.host)
        return f"{job.name} runs on {host}, where no signal reaches it", "it reads its folder"
    if job.quant:
        return f"{job.name} stops", "r exports it again"
    leaves = leaves_when_stopped(job.view)
    if leaves == "checkpoint":
        return f"{job.name} saves a checkpoint and stops", "r resumes it"
    if leaves == "adapter":
        return f"{job.name} saves its adapter and ends", ""
    if job.view.checkpoints:
        return f"{job.name} stops before it trains again", "its last checkpoint is kept"
    return f"{job.name} stops before its first step", "there is nothing to save yet"


def kill_words(job: JobState) -> str:
    """Return what ending a job at once loses, and what stopping it would keep."""
    from engine.train import leaves_when_stopped

    if job.quant:
        return "It can be exported again."
    if leaves_when_stopped(job.view) == "checkpoint":
        lost = (
            "Steps since its last checkpoint are lost."
            if job.view.checkpoints
            else "It has saved no checkpoint yet: all its steps are lost."
        )
        return f"{lost} s saves a checkpoint and stops it."
    if job.view.checkpoints:
        return "Its last checkpoint is kept."
    return "It has not begun to train, so nothing is lost."


def ended_words(job: JobState) -> tuple[str, str, Kind]:
    """Return what is said of a job that has just ended, with a hint and the kind of message."""
    view = job.view
    if view.status in ("failed", "died"):
        said = view.message.splitlines()[-1] if view.message else "it wrote no message"
        return f"{job.name} {view.status}: {said}", view.hint, "error"
    return f"{job.name} {view.status}", "", "done" if view.status == "finished" else "info"


def refusal(job: JobState | None, action: str) -> tuple[str, str]:
    """Return why something can't be done with a job, and what to do instead.

    Args:
        job: The job under the cursor; None where there is none.
        action: "stop", "kill", "resume", "export", or another action that needs a job.
    """
    if job is None:
        return "there is no run yet", "n starts one"
    if action in ("stop", "kill") and not job.living:
        return f"{job.name} is not running: it is {job.view.status}", ""
    if action not in ("resume", "export"):
        return "", ""
    reason, hint = job.resume_refused if action == "resume" else job.export_refused
    if not reason or job.quant:
        return reason, hint
    # The engine's hints name verbs; here keys do it.
    if job.view.status == "prepared":
        return f"{job.name} is prepared and not started", "o starts it, now or in the queue"
    if job.view.status == "queued":
        return f"{job.name} waits in the queue", "o makes it the next one, s takes it out"
    if job.living and job.view.elsewhere:
        return f"{job.name} runs on {one_line(job.view.host)}", "s stops it there"
    if job.living:
        return f"{job.name} is running", "s stops it"
    if action == "export" and job.resume_step is not None:
        return reason, "r resumes it"
    return reason, "n starts another run like it"
