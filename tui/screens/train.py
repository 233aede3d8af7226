"""Train: the runs, the form that starts one, and a live view of the run under the cursor."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from textual import events, getters, on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content

from engine.errors import FinetuiError, RunUnfinished
from tui.actions import bindings
from tui.bridge.run_tail import JobState, LogPart, RunsMoved, RunTail, poll_runs
from tui.bridge.threads import Poller, off_loop
from tui.messages import WatchFailed
from tui.screens import train_view as view
from tui.screens import train_words as words
from tui.screens.modals.confirm import ConfirmDialog
from tui.screens.modals.pick import QuantDialog
from tui.screens.stage import StageScreen
from tui.stylesheets import stylesheet
from tui.widgets.borders import set_border
from tui.widgets.gauge import MachinePanel, machine_of
from tui.widgets.lines import Lines
from tui.widgets.logview import LogView
from tui.widgets.plot import Plot
from tui.widgets.rows import RowList
from tui.widgets.runs import RunRows
from tui.widgets.textpane import TextPane

if TYPE_CHECKING:
    from engine.train.start import Plan

TICK_SECONDS = 1.0
"""How often elapsed times are brought up to date."""


def now() -> float:
    """Return the time, in seconds since the epoch."""
    return time.time()


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
    headline = getters.query_one("#headline", Lines)
    plot = getters.query_one("#plot", Plot)
    result = getters.query_one("#result", TextPane)
    machine = getters.query_one("#machine", MachinePanel)
    log_view = getters.query_one("#log", LogView)

    def __init__(self) -> None:
        super().__init__()
        self._workspace = self.app.workspace
        self._tail = RunTail(self._workspace.runs_dir)
        self._poller: Poller | None = None
        self._held: Path | None = None
        self._looked = False
        self._go_to: Path | None = None
        self._datasets: bool | None = None
        self._device = ""
        self._plans: dict[Path, Plan] = {}
        self._phases: tuple[tuple[str, float], ...] = ()

    def compose_body(self) -> ComposeResult:
        """The list and the spec; the live view."""
        with Horizontal(id="panes"):
            with Vertical(id="overview", classes="pane-first"):
                yield RunRows(id="runs", classes="pane")
                yield TextPane(id="spec", classes="pane")
            with Vertical(id="live", classes="pane-second"):
                yield Lines(id="headline")
                with Horizontal(id="middle"):
                    yield Plot(id="plot")
                    yield TextPane(id="result", classes="pane")
                    yield MachinePanel(id="machine", classes="pane")
                yield LogView(id="log", classes="pane")

    def on_mount(self) -> None:
        """Name the panes and start the clock of the elapsed times."""
        super().on_mount()
        set_border(self.runs, "Runs")
        set_border(self.plot, "Loss")
        set_border(self.result, "Export")
        set_border(self.machine, "Machine")
        set_border(self.log_view, "Log")
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
        self.runs.show(event.jobs, now(), held=self._held)
        if self._go_to is not None:
            self.runs.go_to(self._go_to)
            if self.job is not None and self.job.dir == self._go_to:
                self._go_to = None
        if first and self.job is not None:
            self._follow(self.job)
            if self.job.view.active:
                self.add_class("-second")
        if event.log is not None:
            self._show_log(event.log)
        self._draw()

    @on(WatchFailed)
    def _watch_failed(self, event: WatchFailed) -> None:
        event.stop()
        self.complain(event.error)

    @on(RowList.Moved, "#runs")
    def _chosen(self) -> None:
        if self.job is not None:
            self._follow(self.job)
        self._draw()

    @on(RowList.Chosen, "#runs")
    def _clicked(self) -> None:
        if self.is_narrow:
            self.action_swap_panes()

    def _follow(self, job: JobState) -> None:
        self._phases = ()
        self._tail.choose(job.dir)
        if self._poller is not None:
            self._poller.hurry()
        if not job.quant and job.dir not in self._plans:
            self._plan(job)

    def _show_log(self, part: LogPart) -> None:
        if self.job is None or part.dir != self.job.dir:
            return
        self._phases = part.phases
        if part.fresh:
            self.log_view.replace(part.lines)
        else:
            self.log_view.add(part.lines)

    @work(group="plan", exclusive=True, exit_on_error=False)
    async def _plan(self, job: JobState) -> None:
        from engine.train.spec import load_spec
        from engine.train.start import plan

        try:
            made = await off_loop(lambda: plan(self._workspace, load_spec(job.dir)))
        except FinetuiError:
            return  # its dataset or base is gone: what the run did is known without them
        self._plans[job.dir] = made
        self._draw()

    # -- drawing ----------------------------------------------------------------------

    def _tick(self) -> None:
        job = self.job
        if self.is_current and job is not None:
            self.runs.show(self.runs.jobs, now(), held=self._held)
            self._draw_headline(job)

    def _draw(self) -> None:
        job = self.job
        self.set_class(job is None, "-empty")
        self.set_class(job is not None and bool(job.quant), "-export")
        if job is None:
            self._draw_nothing()
        else:
            self._draw_headline(job)
            self._draw_curves(job)
            self._draw_spec(job)
            self.machine.show_machine(machine_of(job.view.last_gpu))
            if job.quant:
                self.result.show(words.export_blocks(job, self._phases), top=False)
        self.refresh_bindings()

    def _draw_headline(self, job: JobState) -> None:
        self.headline.show(view.headline(job, max(20, self.headline.size.width), now()))

    def _draw_curves(self, job: JobState) -> None:
        held = self._held_job()
        self.plot.plot(
            view.curves_of(job, held),
            x_end=max(job.view.total_steps, held.view.total_steps if held else 0),
            empty=view.no_curve(job),
        )

    def _draw_spec(self, job: JobState) -> None:
        set_border(self.spec, job.name.capitalize())
        held = self._held_job()
        other = held if held is not None and held.dir != job.dir and not job.quant else None
        self.spec.show(
            words.spec_blocks(job, self._plans.get(job.dir), other, now()), top=False
        )

    def _draw_nothing(self) -> None:
        self.headline.show([Content("")])
        self.plot.plot([], empty="")
        self.machine.show_machine(machine_of({}))
        set_border(self.spec, "Train")
        if self._looked:
            self.spec.show(words.teaching(self._datasets, self._device))

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
        self._begun(started.dir, f"run {started.id} started; it goes on without finetui")

    def _begun(self, directory: Path, said: str) -> None:
        self._go_to = directory
        self.add_class("-second")
        self.app.look_for_jobs()
        if self._poller is not None:
            self._poller.hurry()
        self.say(said, kind="done")

    def _need(self, *, running: bool) -> JobState:
        """Return the job under the cursor.

        Raises:
            RunUnfinished: There is none, or it is not in the state that is needed.
        """
        job = self.job
        if job is None:
            raise RunUnfinished("there is no run here", hint="n starts one")
        if running and not job.view.active:
            raise RunUnfinished(f"{job.name} is not running: it {_was(job)}")
        if not running and job.view.active:
            raise RunUnfinished(f"{job.name} is still running", hint="s stops it")
        return job

    def action_stop(self) -> None:
        """Save a checkpoint and stop."""
        self._stop(self._need(running=True))

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
        self._kill(self._need(running=True))

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
        self._resume(self._need(running=False))

    @work(group="steer", exclusive=True, exit_on_error=False)
    async def _resume(self, job: JobState) -> None:
        if job.quant:
            await self._export_at(job, job.quant)
            return
        from engine.train.start import resume

        await off_loop(resume, self._workspace, job.run_id)
        self._begun(job.dir, f"{job.name} goes on from its last checkpoint")

    def action_export(self) -> None:
        """Choose a quantisation and export."""
        job = self.job
        if job is None:
            raise RunUnfinished("there is no run to export", hint="n starts one")
        self._export(job)

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
        if action in {"stop", "kill", "resume", "export", "compare"} and self.is_mounted:
            job = self.job
            if job is None:
                return False
            if action in {"stop", "kill"}:
                return job.view.active
            if action == "resume":
                return job.view.status in {"stopped", "failed", "died"}
            if action == "export":
                return not job.view.active
        return super().check_action(action, parameters)

    # -- moving -------------------------------------------------------------------------

    def on_resize(self, event: events.Resize) -> None:
        """Fold, and give the machine a line a card where the screen is narrow."""
        super().on_resize(event)
        if self.is_mounted:
            self.machine.compact = self.is_narrow
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
        job = self.job
        if job is not None and job.quant and not self.has_class("-log"):
            self.result.pages_down(pages)
        elif pages > 0:
            self.log_view.scroll_page_down(animate=False)
        else:
            self.log_view.scroll_page_up(animate=False)


def _was(job: JobState) -> str:
    return {"finished": "finished", "stopped": "was stopped", "failed": "failed"}.get(
        job.view.status, "died"
    )

