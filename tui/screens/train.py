"""Train: the runs, the form that starts one, and a live view of the run under the cursor."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from textual import events, getters, on, work
from textual.app import ComposeResult
from textual.containers import Horizontal

from engine.errors import FinetuiError
from tui.actions import bindings
from tui.bridge.run_tail import JobState, RunsMoved, RunWatch, short_run
from tui.bridge.threads import off_loop
from tui.messages import WatchFailed
from tui.parts import train_words as words
from tui.parts.train_charts import MOST
from tui.parts.train_exports import export_note, quant_choices, quant_of
from tui.parts.train_live import LiveView
from tui.parts.train_runs import RunsPart
from tui.parts.train_steering import (
    OF_A_JOB,
    Done,
    Steering,
    ended_words,
    kill_words,
    refusal,
)
from tui.screens.modals.confirm import ConfirmDialog
from tui.screens.modals.log_search import LogSearchDialog
from tui.screens.modals.quant import QuantDialog
from tui.screens.stage import StageScreen
from tui.screens.train_form import Answer, TrainForm
from tui.stylesheets import stylesheet
from tui.widgets.canvas import shows_braille
from tui.widgets.words import one_line

ROOMY_COLUMNS = 136
"""From here on the machine has a panel of its own; below, a line a card under the curves."""

TICK_SECONDS = 1.0
"""How often elapsed times are brought up to date."""


class TrainScreen(StageScreen):
    """Runs and exports on the left; curves, machine and log of one on the right.

    Everything shown is read from the job directories, so it is the same after the app was
    closed and opened again. One thread looks at them twice a second and posts one message
    when something is new.
    """

    STAGE = "train"
    BINDINGS = bindings("train")
    CSS_PATH = stylesheet("train")

    runs = getters.query_one("#overview", RunsPart)
    live = getters.query_one("#live", LiveView)

    def __init__(self) -> None:
        super().__init__()
        self._workspace = self.app.workspace
        self._watch = RunWatch(self, self._workspace.runs_dir)
        self._steering = Steering(self._workspace, partial(self.say, kind="busy"))
        self._looked = False
        self._wanted: Path | None = None

    def compose_body(self) -> ComposeResult:
        """The list and the spec; the live view."""
        with Horizontal(id="panes"):
            yield RunsPart(id="overview", classes="pane-first")
            yield LiveView(id="live", classes="pane-second")

    def on_mount(self) -> None:
        """Start the clock of the elapsed times."""
        self.live.make_compact(self.has_class("-tight"))
        plot = self._workspace.settings.display.plot
        braille = shows_braille(os.environ) if plot == "auto" else plot == "braille"
        self.live.draw_plainly(not braille)
        self.live.draw_thinly(bool(os.environ.get("SSH_CONNECTION")))
        self.set_interval(TICK_SECONDS, self._tick)

    def entered(self) -> None:
        """Follow the runs while this stage is in front."""
        self._watch.start()
        self._look_for_means()

    def on_screen_suspend(self) -> None:
        """Stop following; all is in the files when the stage is entered again."""
        self._watch.stop()

    def on_unmount(self) -> None:
        """Stop following."""
        self._watch.stop()

    @work(group="means", exclusive=True, exit_on_error=False)
    async def _look_for_means(self) -> None:
        self.runs.show_means(*await off_loop(words.means, self._workspace))

    # -- what comes from the files ------------------------------------------------------

    @property
    def job(self) -> JobState | None:
        """The run or export under the cursor."""
        return self.runs.job

    def show_run(self, run_id: str) -> None:
        """Put the cursor on a run, now or as soon as it is listed.

        Args:
            run_id: The run's whole id.
        """
        # The palette asks in the turn in which it opens this stage, before there is a list.
        self._wanted = self._workspace.runs_dir / run_id
        self._go_to_wanted()
        self._watch.hurry()

    def _go_to_wanted(self) -> None:
        if self._wanted is not None and self.query(RunsPart):
            self.runs.go_to(self._wanted)
            self._wanted = None

    @on(RunsMoved)
    def _runs_moved(self, event: RunsMoved) -> None:
        self._go_to_wanted()
        for job in self.runs.show(event.jobs):
            message, hint, kind = ended_words(job)
            self.say(message, hint=hint, kind=kind)
        if not self._looked and self.job is not None and self.job.view.active:
            self.add_class("-second")
        self._looked = True
        self._draw()
        if event.log is not None:
            self.live.show_log(event.log)

    @on(WatchFailed)
    def _watch_failed(self, event: WatchFailed) -> None:
        event.stop()
        self.complain(event.error)

    @on(RunsPart.Selected)
    def _selected(self, event: RunsPart.Selected) -> None:
        self._draw()
        self._watch.choose(event.job.dir)
        if not event.job.quant and not self.runs.has_plan(event.job.dir):
            self._plan(event.job)

    @on(RunsPart.Opened)
    def _opened(self) -> None:
        if self.is_narrow:
            self.action_swap_panes()

    @work(group="plan", exclusive=True, exit_on_error=False)
    async def _plan(self, job: JobState) -> None:
        from engine.train import load_spec, plan

        try:
            made = await off_loop(lambda: plan(self._workspace, load_spec(job.dir)))
        except FinetuiError:
            return  # its dataset or base is gone: what the run did is known without them
        self.runs.show_plan(job.dir, made)

    def _tick(self) -> None:
        """Bring the times up to date, unless news have just done so."""
        if self.is_current and self.job is not None:
            self.runs.tick()
            self.live.tick(TICK_SECONDS * 0.9)

    def _draw(self) -> None:
        self.set_class(self.job is None, "-empty")
        self.live.show(self.job, self.runs.compared)
        self.refresh_bindings()

    # -- starting and steering ----------------------------------------------------------

    def action_new(self) -> None:
        """Open the form."""
        job = self.job
        like = job.spec if job is not None and not job.quant else {}
        self.app.ask(TrainForm(like=like), self._answered)

    async def _answered(self, answer: Answer) -> None:
        if answer == "dataset":
            await self.app.run_action("dataset")
            return
        waits = answer.view.status == "queued"
        done = "waits in the queue" if waits else "started"
        said = f"run {short_run(answer.id)} {done}; it goes on without finetui"
        self._tell(Done(said, kind="done", begun=answer.dir))

    def action_stop(self) -> None:
        """Ask the job to save what it can and stop."""
        if (job := self.job) is not None:
            self._steer(partial(self._steering.stop, job))

    def action_kill(self) -> None:
        """End the job at once, after asking."""
        if (job := self.job) is not None:
            question = ConfirmDialog(f"End {job.name} at once?", kill_words(job))
            kill = partial(self._steer, partial(self._steering.kill, job))
            self.app.ask(question, lambda sure: kill() if sure else None)

    def action_resume(self) -> None:
        """Resume from the last checkpoint, or do an export again."""
        job = self.job
        if job is not None and job.quant:
            self._steer(partial(self._steering.export_again, job))
        elif job is not None:
            self._steer(partial(self._steering.resume, job))

    def action_export(self) -> None:
        """Choose a quantisation and export."""
        if (job := self.job) is not None and (run := self.runs.run) is not None:
            load = partial(quant_choices, job.base)
            dialog = QuantDialog(load, note=export_note(run), best=run.view.kept)
            export = self._steering.export

            def begin(_: int) -> None:
                told = (dialog.quants, dialog.adapter, dialog.wishes)
                self._steer(partial(export, job, *told))

            self.app.ask(dialog, begin)

    def action_ollama(self) -> None:
        """Give the export under the cursor, or the run's newest, to Ollama."""
        from tui.screens.modals.ollama import OllamaDialog

        if (job := self.job) is not None:
            self.app.ask(OllamaDialog(job.run_id, quant_of(job)), lambda _: None)

    def action_keep(self) -> None:
        """Queue, name, note, clean, pack, import or remove."""
        from tui.screens.modals.keeping import ask_keeping

        ask_keeping(self.app, self._workspace, self.job, self._steer)

    @work(group="steer", exclusive=True, exit_on_error=False)
    async def _steer(self, call: Callable[[], Awaitable[Done]]) -> None:
        self._tell(await call())

    def _tell(self, done: Done) -> None:
        self.say(done.message, hint=done.hint, kind=done.kind)
        if done.begun is not None:
            self.runs.go_to(done.begun)
            self.add_class("-second")
        self.app.look_for_jobs()
        self._watch.hurry()

    # -- comparing and the charts -------------------------------------------------------

    def action_compare(self) -> None:
        """Overlay the curves of this run on those of others, or take them off."""
        job = self.job
        if job is None or job.quant:
            self.say("only a run has curves to compare")
            return
        overlaid = self.runs.overlay()
        if overlaid is None:
            self.say(f"{MOST} runs are overlaid already", hint="space on one of them takes it off")
        elif overlaid:
            self.say(f"the curves of {job.name} stay", hint="go to another run; space takes it off")
        else:
            self.say(f"{job.name} is not overlaid any more")
        self._draw()

    def action_pin(self) -> None:
        """Set other runs against this one, or let go of it."""
        job = self.job
        if job is None or job.quant:
            self.say("only a run has curves to compare")
            return
        if self.runs.pin():
            self.say(f"{job.name} is pinned", hint="other runs are set against it; p lets go")
        else:
            self.say("no run is pinned")
        self._draw()

    def action_charts(self) -> None:
        """Show all charts side by side, or one again."""
        self.live.toggle_grid()
        self._show_live()

    def action_next_chart(self) -> None:
        """Show the next chart."""
        self.live.turn_chart(1)
        self._show_live()

    def action_previous_chart(self) -> None:
        """Show the previous chart."""
        self.live.turn_chart(-1)
        self._show_live()

    def action_scale(self) -> None:
        """Draw y on a logarithmic scale, or a linear one again."""
        self.live.toggle_scale()
        self._show_live()

    def action_share(self) -> None:
        """Draw x as the share of the run, or as steps again."""
        share = self.live.toggle_share()
        self.say("x is the share of the run" if share else "x is the steps of the run")
        self._show_live()

    def action_samples(self) -> None:
        """Show what the model answers, or the charts again."""
        self.live.toggle_samples()
        self._show_live()

    def action_samples_before(self) -> None:
        """Show the samples of the evaluation before."""
        self._turn_samples(-1)

    def action_samples_after(self) -> None:
        """Show the samples of the evaluation after."""
        self._turn_samples(1)

    def _turn_samples(self, by: int) -> None:
        self._show_live()
        if not self.live.turn_samples(by):
            self.say("these are the first samples" if by < 0 else "these are the newest samples")

    def _show_live(self) -> None:
        if self.is_narrow:
            self.add_class("-second")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer what can be done with the job under the cursor."""
        allowed = super().check_action(action, parameters)
        if allowed and action in OF_A_JOB and self.is_mounted:
            return not refusal(self.job, action)[0]
        return allowed

    def refusal(self, action: str) -> tuple[str, str]:
        """Say why the job under the cursor can't be steered so."""
        if action not in OF_A_JOB:
            return "", ""
        if self.job is None and not self._looked:
            return "the runs are still being read", ""
        return refusal(self.job, action)

    # -- looking ------------------------------------------------------------------------

    def on_resize(self, event: events.Resize) -> None:
        """Give the machine a line a card where the screen is narrow."""
        tight = event.size.width < ROOMY_COLUMNS
        self.set_class(tight, "-tight")
        if self.query(LiveView):  # the first size may come before what it is for
            self.live.make_compact(tight)

    def action_log(self) -> None:
        """Make the log larger, or small again."""
        self.live.toggle_log()
        self._show_live()

    def action_search(self) -> None:
        """Ask for words to find in the log."""
        self._show_live()
        self.app.ask(LogSearchDialog(self.live.log_view), self._search)

    def _search(self, words: str) -> None:
        if words and not self.live.search_log(words):
            self.say(f"nothing in the log holds {one_line(words)}")
        elif not words:
            self.live.search_log("")

    def action_match(self) -> None:
        """Go to the next match in the log."""
        self._turn_match(1)

    def action_match_before(self) -> None:
        """Go to the previous match in the log."""
        self._turn_match(-1)

    def _turn_match(self, by: int) -> None:
        if not self.live.log_view.words:
            self.say("nothing is searched for", hint="/ finds words in the log")
        elif not self.live.turn_match(by):
            self.say("nothing in the log holds that")

    def action_clear(self) -> None:
        """End the search in the log."""
        if self.live.log_view.words:
            self.live.search_log("")

    def action_follow(self) -> None:
        """Let the log follow its end, or stay where it is."""
        follows = self.live.toggle_follow()
        self.say("the log follows its end" if follows else "the log stays where it is")

    def action_wrap(self) -> None:
        """Wrap long lines of the log, or cut them."""
        wraps = self.live.toggle_wrap()
        self.say("long lines of the log are wrapped" if wraps else "long lines of the log are cut")

    def action_down(self) -> None:
        """Next run."""
        self.runs.move(1)

    def action_up(self) -> None:
        """Previous run."""
        self.runs.move(-1)

    def action_first(self) -> None:
        """Newest run."""
        self.runs.move_to_first()

    def action_last(self) -> None:
        """Oldest run."""
        self.runs.move_to_last()

    def action_scroll_down(self) -> None:
        """Scroll the log, or the export's result."""
        self.live.scroll_pages(1)

    def action_scroll_up(self) -> None:
        """Scroll back."""
        self.live.scroll_pages(-1)
