"""Dataset: what would be frozen now, what was frozen, and what the gate refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import getters, on, work
from textual.app import ComposeResult
from textual.containers import Horizontal

from engine.errors import ExampleMissing
from engine.models import short_id
from tui.actions import bindings
from tui.bridge.datasets import (
    ExportChoice,
    FreezeOptions,
    export_to,
    freeze_now,
    frozen_datasets,
    now,
    settings_of,
)
from tui.bridge.threads import Cancel, off_loop, only_long, progress_to
from tui.bridge.tokens import dataset_rows
from tui.messages import Progressed
from tui.parts.dataset_leaks import LeakMeter
from tui.parts.dataset_list import DatasetList
from tui.parts.dataset_numbers import COUNTING, DatasetNumbers
from tui.screens.modals.freeze import FreezeDialog
from tui.screens.stage import StageScreen
from tui.stylesheets import stylesheet
from tui.widgets.rows import RowList
from tui.widgets.words import counted, one_line, short_path

if TYPE_CHECKING:
    from engine.dataset import FrozenInfo, Overview

CHECKING = "checking"
_APPROVE = "2 goes to Curate; a approves there"

_BY_ITSELF = (CHECKING, COUNTING)
"""What is measured without having been asked for, whenever the stage is entered."""


class DatasetScreen(StageScreen):
    """A list on the left, the numbers of the line under the cursor on the right."""

    STAGE = "dataset"
    BINDINGS = bindings("dataset")
    CSS_PATH = stylesheet("dataset")

    rows = getters.query_one("#datasets", DatasetList)
    numbers = getters.query_one("#numbers", DatasetNumbers)

    def __init__(self) -> None:
        super().__init__()
        self._now: Overview | None = None
        self._frozen: list[FrozenInfo] | None = None
        self._leaks = LeakMeter()
        self._freezing = False
        self._cancel = Cancel()

    def compose_body(self) -> ComposeResult:
        """The list and the numbers."""
        with Horizontal(id="panes"):
            yield DatasetList(id="datasets", classes="pane pane-second")
            yield DatasetNumbers(self.app.workspace, id="numbers", classes="pane pane-first")

    def on_unmount(self) -> None:
        """End what is being measured."""
        self._cancel.set()

    def entered(self) -> None:
        """Measure again: decisions may have been made meanwhile."""
        self._load()

    def examples_changed(self) -> None:
        """Measure again after a scan or checks."""
        self._load()

    def shows_progress(self, event: Progressed) -> bool:
        """Let what is measured by itself take the place of no other message."""
        said = self.status_line.text
        return event.what not in _BY_ITSELF or not said or said.startswith(_BY_ITSELF)

    # -- showing --------------------------------------------------------------------

    @work(group="load", exclusive=True, exit_on_error=False)
    async def _load(self, select: str = "") -> None:
        workspace = self.app.workspace
        watch = progress_to(self, lambda done, total: Progressed(CHECKING, done, total))
        self._frozen = await off_loop(frozen_datasets, workspace)
        self._now = await off_loop(now, workspace, progress=only_long(watch))
        if self.status_line.text.startswith(_BY_ITSELF):
            self.say("")
        self._list(select)
        self.refresh_bindings()

    def _list(self, select: str = "") -> None:
        if self._now is not None:
            leaks = self._leaks.of_draft(self._now.draft)
            self.rows.show_lines(self._now, self._frozen or (), leaks, select=select)
            self._show_numbers()

    @property
    def _unchanged(self) -> FrozenInfo | None:
        """The newest dataset, if a freeze would take just what it holds."""
        name = self._now.unchanged if self._now is not None else ""
        return next((info for info in self._frozen or () if info.name == name), None)

    @property
    def _meant(self) -> FrozenInfo | None:
        """The frozen dataset under the cursor, or the one that equals what would be frozen."""
        line = self.rows.line
        if line is None or line.now:
            return self._unchanged
        return line.dataset

    @on(RowList.Moved, "#datasets")
    def _show_numbers(self) -> None:
        info, overview = self.rows.dataset, self._now
        if info is not None:
            self.numbers.show_frozen(info, self._leaks.of_frozen(info))
        elif overview is not None and (same := self._unchanged) is not None:
            self.numbers.show_unchanged(overview, same, self._leaks.of_frozen(same))
        elif overview is not None:
            self.numbers.show_now(overview, self._leaks.of_draft(overview.draft))

    # -- freezing and exporting ---------------------------------------------------------

    def action_freeze(self) -> None:
        """Freeze what is approved."""
        # Who wants nothing in the background takes what is known.
        near = "now" if self.app.checks.automatic else "known"
        refused = len(self._now.refusals) if self._now is not None else None
        start = settings_of(self.app.workspace, near=near)
        self.app.ask(FreezeDialog(start, refused=refused), self._freeze)

    @work(group="freeze", exclusive=False, exit_on_error=False)
    async def _freeze(self, options: FreezeOptions) -> None:
        watch = progress_to(self, lambda done, total: Progressed("freezing", done, total))
        before = {info.name for info in self._frozen or ()}
        self.say("freezing", kind="busy")
        self._freezing = True
        try:
            made = await off_loop(
                freeze_now, self.app.workspace, options, progress=watch, cancelled=self._cancel
            )
        finally:
            self._freezing = False
        rows = f"{counted(made.train, 'row')} to train on, {made.validation:,} held out"
        if made.name in before:
            self.say(f"{made.name} is this very dataset already: {rows}", hint="4 trains on it")
        else:
            self.say(f"froze {made.name}: {rows}", hint="4 trains on it", kind="done")
        self._load(select=made.name)

    def action_export(self) -> None:
        """Write the dataset under the cursor in a format."""
        from tui.screens.modals.export import ExportDialog

        info = self._meant or next(iter(self._frozen or ()), None)
        self.app.ask(ExportDialog(info.name if info is not None else ""), self._export)

    @work(group="export", exclusive=False, exit_on_error=False)
    async def _export(self, chosen: ExportChoice) -> None:
        self.say(f"writing {chosen.dataset} as {chosen.format}", kind="busy")
        wrote = await off_loop(export_to, self.app.workspace, chosen.dataset, chosen)
        where = short_path(one_line(str(chosen.path)), 60)
        words = f"wrote {counted(wrote.rows, 'row')} as {chosen.format} to {where}"
        self.say(words, hint="; ".join(wrote.notes), kind="done")

    def action_preview(self) -> None:
        """Show which tokens of a row are trained."""
        from tui.screens.modals.tokens import TokensDialog

        info, workspace = self._meant, self.app.workspace
        name = info.name if info is not None else ""
        self.app.ask(TokensDialog(name or "approved", lambda: dataset_rows(workspace, name)))

    # -- going to examples ----------------------------------------------------------------

    async def action_open(self) -> None:
        """Show tokens of the dataset's rows, or go to the refused example."""
        line = self.rows.line
        if line is None or line.heading:
            return
        if line.opens:
            try:
                await self.app.open_example(line.opens)
            except ExampleMissing:
                self.say(f"{short_id(line.opens)} is no longer in the workspace")
        elif line.filter is not None:
            await self.app.open_filter(line.filter)
        else:
            self.action_preview()

    @on(RowList.Chosen, "#datasets")
    async def _clicked(self) -> None:
        await self.action_open()

    # -- leaks ------------------------------------------------------------------------

    @work(group="leaks", exclusive=True, exit_on_error=False)
    async def action_leaks(self) -> None:
        """Measure how near held-out rows are to those that are trained on."""
        what = self._meant or (self._now.draft if self._now is not None else None)
        if what is None:
            self.say("there is no split to measure yet", hint=_APPROVE)
            return
        watch = progress_to(self, lambda done, total: Progressed("measuring", done, total))
        self.say("measuring how near held-out rows are to what is trained on", kind="busy")
        found = await self._leaks.measure(
            self.app.workspace, what, progress=watch, cancelled=self._cancel
        )
        near = sum(one.leaking for one in found)
        rows = counted(sum(one.rows for one in found), "held-out row")
        self.say(f"{near:,} of {rows} near what is trained on", kind="done")
        self._list()

    # -- what is offered, and moving -----------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer what there is something for."""
        return not self.refusal(action)[0] and super().check_action(action, parameters)

    def refusal(self, action: str) -> tuple[str, str]:
        """Return why an action is not offered now, and what to do instead."""
        overview = self._now
        nothing = overview is not None and not overview.counts.approved
        if action == "freeze" and self._freezing:
            return "a freeze is under way", ""
        if action == "freeze" and nothing:
            return "nothing is approved yet", _APPROVE
        if action == "export" and self._frozen == []:
            return "there is no frozen dataset to export", "z freezes one"
        if action == "preview" and nothing and self.rows.dataset is None:
            return "no example is approved yet", _APPROVE
        if action == "leaks" and overview is not None and not (overview.draft or self._meant):
            return "there is no split to measure yet", _APPROVE
        return "", ""

    def action_down(self) -> None:
        """Next line."""
        self.rows.step(1)

    def action_up(self) -> None:
        """Previous line."""
        self.rows.step(-1)

    def action_scroll_down(self) -> None:
        """Scroll the numbers down."""
        self.numbers.pages_down(1)

    def action_scroll_up(self) -> None:
        """Scroll the numbers up."""
        self.numbers.pages_down(-1)
