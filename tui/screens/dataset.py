"""Dataset: what would be frozen now, what was frozen, and what the gate refuses."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from textual import on, work

from engine.errors import BaseMissing, ExampleMissing
from engine.models import Filter, short_id
from engine.paths import shorten
from engine.workspace import Workspace
from tui.actions import bindings
from tui.bridge.datasets import (
    FreezeOptions,
    export_to,
    freeze_now,
    leaks_now,
    leaks_of,
    rows_of,
)
from tui.bridge.threads import Cancel, off_loop, progress_to
from tui.bridge.tokens import TokenRows, TokenViews
from tui.messages import Progressed
from tui.screens.dataset_list import DatasetList, sides_of
from tui.stylesheets import stylesheet
from tui.widgets.rows import RowList
from tui.widgets.words import counted


class DatasetScreen(DatasetList):
    """Freezing, exporting, measuring leaks, and going from a number to its example."""

    STAGE = "dataset"
    BINDINGS = bindings("dataset")
    CSS_PATH = stylesheet("dataset")

    def __init__(self) -> None:
        super().__init__()
        self._cancel = Cancel()

    @on(RowList.Chosen, "#datasets")
    def _clicked(self) -> None:
        self._open()

    def on_unmount(self) -> None:
        """End what is being measured."""
        self._cancel.set()

    # -- freezing and exporting ---------------------------------------------------------

    def action_freeze(self) -> None:
        """Freeze what is approved."""
        self._freeze()

    @work(group="freeze", exclusive=True, exit_on_error=False)
    async def _freeze(self) -> None:
        from tui.screens.modals.freeze import FreezeDialog

        now = self._overview
        if now is None or not now.counts.approved:
            self.say("nothing is approved yet", hint="2 goes to Curate; a approves there")
            return
        settings = self.app.workspace.settings.dataset
        start = FreezeOptions(
            name="",
            base=self.app.workspace.settings.training.base if now.base else "",
            validation_fraction=settings.validation_fraction,
            seed=settings.seed,
            system_prompt=settings.system_prompt,
            max_length=None,
            drop_refused=False,
            # Who wants nothing in the background takes what is known.
            near="now" if self.app.checks.automatic else "known",
        )
        dialog = FreezeDialog(start, approved=now.counts.approved, refused=len(now.refusals))
        options = await self.app.push_screen_wait(dialog)
        if options is None:
            return
        watch = progress_to(self, lambda done, total: Progressed("freezing", done, total))
        before = {info.name for info in self._frozen}
        self.say("freezing", kind="busy")
        made = await off_loop(
            freeze_now, self.app.workspace, options, progress=watch, cancelled=self._cancel
        )
        rows = f"{counted(made.train, 'row')} to train on, {made.validation:,} held out"
        if made.name in before:
            self.say(f"{made.name} is this very dataset already: {rows}", hint="4 trains on it")
        else:
            self.say(f"froze {made.name}: {rows}", hint="4 trains on it", kind="done")
        self._load(show=made.name)

    def action_export(self) -> None:
        """Write the dataset under the cursor in a format."""
        self._export()

    @work(group="freeze", exclusive=True, exit_on_error=False)
    async def _export(self) -> None:
        from tui.screens.modals.export import ExportDialog

        info = self._selected or (self._frozen[0] if self._frozen else None)
        if info is None:
            self.say("there is no frozen dataset to export", hint="z freezes one")
            return
        chosen = await self.app.push_screen_wait(ExportDialog(info.name, _exports_dir()))
        if chosen is None:
            return
        self.say(f"writing {info.name} as {chosen.format}", kind="busy")
        wrote = await off_loop(export_to, self.app.workspace, info.name, chosen)
        words = f"wrote {counted(wrote.rows, 'row')} as {chosen.format} to {shorten(chosen.path)}"
        self.say(words, hint="; ".join(wrote.notes), kind="done")

    def action_preview(self) -> None:
        """Show which tokens of a row are trained."""
        from tui.screens.modals.tokens import TokensDialog

        info = self._selected
        name = info.name if info is not None else ""
        base = (info.base if info else "") or self.app.workspace.settings.training.base
        self.app.ask(
            TokensDialog(name or "approved", partial(_rows_to_show, self.app.workspace, name, base))
        )

    async def action_open(self) -> None:
        """Show tokens of the dataset's rows, or go to the refused example."""
        self._open()

    def _open(self) -> None:
        line = self._line
        if line is None:
            return
        if line.opens:
            self._go_to(line.opens)
        elif line.filter is not None:
            self._go_to_some(line.filter)
        elif line.holds is not None:
            self.action_preview()

    @work(group="go", exclusive=True, exit_on_error=False)
    async def _go_to(self, example_id: str) -> None:
        try:
            await self.app.open_example(example_id)
        except ExampleMissing:
            self.say(f"{short_id(example_id)} is no longer in the workspace")

    @work(group="go", exclusive=True, exit_on_error=False)
    async def _go_to_some(self, which: Filter) -> None:
        await self.app.open_filter(which)

    # -- leaks ------------------------------------------------------------------------

    def action_leaks(self) -> None:
        """Measure how near held-out rows are to those that are trained on."""
        self._measure_leaks()

    @work(group="leaks", exclusive=True, exit_on_error=False)
    async def _measure_leaks(self) -> None:
        info, now = self._selected, self._overview
        made = now.draft if now is not None else None
        if info is None and made is None:
            self.say("there is no split to measure yet", hint="2 goes to Curate; a approves there")
            return
        watch = progress_to(self, lambda done, total: Progressed("measuring", done, total))
        self.say("measuring how near held-out rows are to what is trained on", kind="busy")
        workspace = self.app.workspace
        if info is not None:
            found = await off_loop(
                leaks_of, workspace, info.name, progress=watch, cancelled=self._cancel
            )
            self._leaks, self._leaks_of = found, info.content_hash
        else:
            assert made is not None
            found = await off_loop(
                leaks_now, workspace, made, progress=watch, cancelled=self._cancel
            )
            self._leaks, self._leaks_of = found, sides_of(made)
            self._list()
        leaking = sum(one.leaking for one in found)
        rows = sum(one.rows for one in found)
        self.say(f"{leaking:,} of {counted(rows, 'held-out row')} near what is trained on",
                 kind="done")  # fmt: skip
        self._show_numbers()


def _exports_dir() -> Path:
    """Return where an export's path starts: where the app was started."""
    return Path.cwd()


def _rows_to_show(workspace: Workspace, name: str, wanted: str) -> TokenRows:
    rows, base, longest = rows_of(workspace, name)
    if base is None:
        raise BaseMissing(
            f"tokens can't be shown: the base {wanted} is not installed",
            hint=f"add it with: finetui bases add {wanted}",
        )
    return TokenRows(f"{name or 'approved'} · {base.name}", rows, TokenViews(base, longest))
