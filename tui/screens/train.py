"""Train: the runs, the form that starts one, and a live view of the run under the cursor."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from textual import events, getters, on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content

from engine.errors import FinetuiError
from tui.actions import bindings
from tui.bridge.run_tail import JobState, RunsMoved, RunTail, poll_runs, short_run
from tui.bridge.threads import Poller, off_loop
from tui.messages import WatchFailed
from tui.screens import train_words as words
from tui.screens.modals.confirm import ConfirmDialog
from tui.screens.modals.pick import QuantDialog
from tui.screens.stage import StageScreen
from tui.screens.train_live import LiveView, now
from tui.stylesheets import stylesheet
from tui.widgets.borders import set_border
from tui.widgets.rows import RowList
from tui.widgets.runs import RunRows
from tui.widgets.textpane import TextPane

if TYPE_CHECKING:
    from engine.train import Plan

ROOMY_COLUMNS = 136
"""From here on the machine has a panel of its own; below, a line a card under the curves."""

END_SECONDS = 20.0
"""How long a process that has ended its work may take to be gone, before it counts as going."""

TICK_SECONDS = 1.0
"""How often elapsed times are brought up to date."""


_OF_A_JOB = frozenset(
    {"stop", "kill", "resume", "export", "compare", "log", "swap_panes", "scroll_up", "scroll_down"}
)


class TrainScreen(StageScreen):
    """Runs and exports on the left; curves, machine and log of one on the right.

    Everything shown is read from the job directories, so it is the same after the app was
    closed and opened again. One thread looks at them twice a second and posts one message
    when something is new.
    """

    STAGE = "train"
    BINDINGS = bindings("train")
    CSS_PATH = stylesheet("train")

    runs = getters.query_one("#runs", RunRows)
    spec = getters.query_one("#spec", TextPane)
    live = getters.query_one("#live", LiveView)

    def __init__(self) -> None:
        super().__init__()
        self._workspace = self.app.workspace
        self._tail = RunTail(self._workspace.runs_dir)
        self._poller: Poller | None = None
        self._held: Path | None = None
        self._followed: Path | None = None
        self._looked = False
        self._go_to: Path | None = None
        self._datasets: bool | None = None
        self._device = ""
        self._plans: dict[Path, Plan] = {}

    def compose_body(self) -> ComposeResult:
        """The list and the spec; the live view."""
        with Horizontal(id="panes"):
            with Vertical(id="overview", classes="pane-first"):
                yield RunRows(id="runs", classes="pane")
                yield TextPane(id="spec", classes="pane")
            yield LiveView(id="live", classes="pane-second")

    def on_mount(self) -> None:
        """Name the panes and start the clock of the elapsed times."""
        super().on_mount()
        set_border(self.runs, "Runs")
        self.set_interval(TICK_SECONDS, self._tick)

    def entered(self) -> None:
        """Follow the runs while this stage is in front."""
        if self._poller is None:
            self._poller = poll_runs(self, self._tail)
            self._poller.start()
        self._look_for_datasets()

    def on_screen_suspend(self) -> None:
        """Stop following; all is in the files when the stage is entered again."""
        self._unfollow()

    def on_unmount(self) -> None:
        """Stop following."""
        self._unfollow()

    def _unfollow(self) -> None:
        if self._poller is not None:
            self._poller.stop()
            self._poller = None

    @work(group="datasets", exclusive=True, exit_on_error=False)
    async def _look_for_datasets(self) -> None:
        self._datasets, self._device = await off_loop(words.means, self._workspace)
        self._draw()

    # -- what comes from the files ----------------------------------------------------

    @property
    def job(self) -> JobState | None:
        """The run or export under the cursor."""
        return self.runs.job

    @on(RunsMoved)
    def _moved(self, event: RunsMoved) -> None:
        first = not self._looked
        self._looked = True
        self._tell_ended(event.jobs)
        self.runs.show(event.jobs, now(), held=self._held)
        if self._go_to is not None:
            self.runs.go_to(self._go_to)
            if self.job is not None and self.job.dir == self._go_to:
                self._go_to = None
        if first and self.job is not None and self.job.view.active:
            self.add_class("-second")
        self._follow()
        self._draw()
        if event.log is not None:
            self.live.show_log(event.log)

    def _tell_ended(self, jobs: tuple[JobState, ...]) -> None:
        """Say what a job that was running a moment ago came to."""
        running = {job.dir for job in self.runs.jobs if job.view.active}
        for job in jobs:
            if job.dir not in running or job.view.active:
                continue
            if job.view.status in ("failed", "died"):
                said = job.view.message.splitlines()[-1] if job.view.message else "it said nothing"
                self.say(f"{job.name} {job.view.status}: {said}", hint=job.view.hint, kind="error")
            else:
                self.say(f"{job.name} {job.view.status}", kind="done")

    @on(WatchFailed)
    def _watch_failed(self, event: WatchFailed) -> None:
        event.stop()
        self.complain(event.error)

    @on(RowList.Moved, "#runs")
    def _chosen(self) -> None:
        self._follow()
        self._draw()

    @on(RowList.Chosen, "#runs")
    def _clicked(self) -> None:
        if self.is_narrow:
            self.action_swap_panes()

    def _follow(self) -> None:
        """Follow the log of the job under the cursor, if it is another one than before."""
        job = self.job
        if job is None or job.dir == self._followed:
            return
        self._followed = job.dir
        self._tail.choose(job.dir)
        if self._poller is not None:
            self._poller.hurry()
        if not job.quant and job.dir not in self._plans:
            self._plan(job)

    @work(group="plan", exclusive=True, exit_on_error=False)
    async def _plan(self, job: JobState) -> None:
        from engine.train import load_spec, plan

        try:
            made = await off_loop(lambda: plan(self._workspace, load_spec(job.dir)))
        except FinetuiError:
            return  # its dataset or base is gone: what the run did is known without them
        self._plans[job.dir] = made
        self._draw()

    # -- drawing ----------------------------------------------------------------------

    def _tick(self) -> None:
        """Bring the times up to date, unless news have just done so."""
        if self.is_current and self.job is not None:
            self.runs.show(self.runs.jobs, now(), held=self._held)
            self.live.tick(TICK_SECONDS * 0.9)

    def _draw(self) -> None:
        job, held = self.job, self._held_job()
        self.set_class(job is None, "-empty")
        self.set_class(job is not None and bool(job.quant), "-export")
        self.live.show(job, held)
        if job is not None:
            other = held if held is not None and held.dir != job.dir and not job.quant else None
            plan = self._plans.get(job.dir)
            set_border(self.spec, job.name.capitalize())
            self.spec.show(words.spec_blocks(job, plan, other, now()), top=False)
        elif self._looked:
            set_border(self.spec, "Train")
            self.spec.show(words.teaching(self._datasets, self._device))
        self.refresh_bindings()

    def _held_job(self) -> JobState | None:
        return next((job for job in self.runs.jobs if job.dir == self._held), None)

    # -- starting and steering ----------------------------------------------------------

    def action_new(self) -> None:
        """Open the form."""
        self._ask_form()

    @work(group="form", exclusive=True, exit_on_error=False)
    async def _ask_form(self) -> None:
        from tui.screens.train_form import TrainForm, form_choices

        found = await off_loop(form_choices, self._workspace)
        if not found.datasets:
            self.say("there is no dataset yet", hint="3, then z freezes one", kind="info")
            return
        job = self.job
        like = job.spec if job is not None and not job.quant else {}
        started = await self.app.push_screen_wait(TrainForm(found, like=like))
        if started is None:
            return
        self._begun(started.dir, f"run {short_run(started.id)} started; it goes on without finetui")

    def _begun(self, directory: Path, said: str) -> None:
        self._go_to = directory
        self.add_class("-second")
        self.app.look_for_jobs()
        if self._poller is not None:
            self._poller.hurry()
        self.say(said, kind="done")

    def action_stop(self) -> None:
        """Save a checkpoint and stop."""
        if self.job is not None:
            self._stop(self.job)

    @work(group="steer", exclusive=True, exit_on_error=False)
    async def _stop(self, job: JobState) -> None:
        from engine.runs import request_stop

        asked = await off_loop(request_stop, job.dir)
        if not asked:
            self.say(f"{job.name} had ended already")
        elif job.quant:
            self.say(f"{job.name} stops", kind="done")
        else:
            self.say(f"{job.name} saves a checkpoint and stops", hint="r goes on", kind="done")
        self._hurry()

    def action_kill(self) -> None:
        """End the job at once, after asking."""
        if self.job is not None:
            self._kill(self.job)

    @work(group="steer", exclusive=True, exit_on_error=False)
    async def _kill(self, job: JobState) -> None:
        from engine.runs import kill

        lost = "Steps since its last checkpoint are lost." if not job.quant else "It can be redone."
        sure = await self.app.push_screen_wait(
            ConfirmDialog(f"End {job.name} at once?", f"{lost} s stops it and keeps them.")
        )
        if sure:
            await off_loop(kill, job.dir)
            self.say(f"{job.name} was ended", kind="done")
            self._hurry()

    def action_resume(self) -> None:
        """Go on from the last checkpoint, or do an export again."""
        if self.job is not None:
            self._resume(self.job)

    @work(group="steer", exclusive=True, exit_on_error=False)
    async def _resume(self, job: JobState) -> None:
        if job.quant:
            await self._export_at(job, job.quant)
            return
        from engine.train import resume

        await self._let_go(job)
        await off_loop(resume, self._workspace, job.run_id)
        self._begun(job.dir, f"{job.name} goes on from its last checkpoint")

    async def _let_go(self, job: JobState) -> None:
        """Wait a little for a process that has said its last word and is not quite gone."""
        from engine.runs import is_alive

        for _ in range(int(END_SECONDS / 0.2)):
            if not await off_loop(is_alive, job.dir):
                return
            self.say(f"{job.name} is just ending …", kind="busy")
            await asyncio.sleep(0.2)

    def action_export(self) -> None:
        """Choose a quantisation and export."""
        if self.job is not None:
            self._export(self.job)

    @work(group="export", exclusive=True, exit_on_error=False)
    async def _export(self, job: JobState) -> None:
        found = await off_loop(words.quant_choices, job.base)
        at = next((index for index, choice in enumerate(found) if choice.default), 0)
        rows = [choice.row() for choice in found]
        note = [Content(f"Base and tuned of run {job.short}, both at:")]
        taken = await self.app.push_screen_wait(QuantDialog(rows, at=at, note=note))
        if taken is not None:
            await self._export_at(job, found[taken].name)

    async def _export_at(self, job: JobState, quant: str) -> None:
        from engine.export.start import start

        await self._let_go(job)
        directory = await off_loop(start, self._workspace, job.run_id, quant)
        self._begun(directory, f"export at {quant} started")

    def _hurry(self) -> None:
        self.app.look_for_jobs()
        if self._poller is not None:
            self._poller.hurry()

    def action_compare(self) -> None:
        """Hold the curves of this run, or let go of those that are held."""
        job = self.job
        if job is None or job.quant:
            self.say("only a run has curves to compare")
            return
        if self._held == job.dir:
            self._held = None
            self.say("nothing is held for comparing")
        else:
            self._held = job.dir
            self.say(f"the curves of {job.name} stay", hint="go to another run; v here lets go")
        self.runs.show(self.runs.jobs, now(), held=self._held)
        self._draw()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer what can be done with the job under the cursor."""
        allowed = super().check_action(action, parameters)
        if allowed and action in _OF_A_JOB and self.is_mounted:
            job = self.job
            if job is None:
                return False
            if action in {"stop", "kill"}:
                return job.view.active
            if action == "resume":
                return job.view.status in {"stopped", "failed", "died"}
            if action == "export":
                return not job.view.active
        return allowed

    # -- moving -------------------------------------------------------------------------

    def on_resize(self, event: events.Resize) -> None:
        """Fold, and give the machine a line a card where the screen is narrow."""
        super().on_resize(event)
        if self.is_mounted:
            tight = event.size.width < ROOMY_COLUMNS
            self.set_class(tight, "-tight")
            self.live.machine.compact = tight
            self._draw()

    def action_log(self) -> None:
        """Make the log larger, or small again."""
        self.toggle_class("-log")
        if self.is_narrow:
            self.add_class("-second")

    def action_down(self) -> None:
        """Next run."""
        self.runs.move(1)

    def action_up(self) -> None:
        """Run before."""
        self.runs.move(-1)

    def action_first(self) -> None:
        """Newest run."""
        self.runs.move_to(0)

    def action_last(self) -> None:
        """Oldest run."""
        self.runs.move_to(self.runs.count - 1)

    def action_scroll_down(self) -> None:
        """Scroll the log, or the export's result."""
        self._scroll(1)

    def action_scroll_up(self) -> None:
        """Scroll back."""
        self._scroll(-1)

    def _scroll(self, pages: int) -> None:
        self.live.scroll_pages(pages, log=self.has_class("-log"))
