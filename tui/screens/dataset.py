"""Dataset: what would be frozen now, what was frozen, and what the gate refuses."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from textual import getters, on, work
from textual.app import ComposeResult
from textual.containers import Horizontal

from engine.errors import BaseMissing
from engine.models import short_id
from engine.paths import shorten
from tui.actions import bindings
from tui.bridge.datasets import (
    FreezeOptions,
    Overview,
    TokenViews,
    export_to,
    freeze_now,
    frozen_datasets,
    frozen_stats,
    overview,
    rows_of,
)
from tui.bridge.threads import off_loop, only_long, progress_to
from tui.messages import Progressed
from tui.screens.stage import StageScreen
from tui.stylesheets import stylesheet
from tui.widgets.borders import set_border
from tui.widgets.datasets import now_blocks, stats_blocks
from tui.widgets.rows import FixedRows, Part, RowList
from tui.widgets.textpane import TextPane
from tui.widgets.words import ago, counted, fit, one_line

if TYPE_CHECKING:
    from engine.dataset import FrozenInfo, Refusal


class DatasetScreen(StageScreen):
    """A list on the left: now, the frozen ones, the refused examples; numbers on the right."""

    STAGE = "dataset"
    BINDINGS = bindings("dataset")
    CSS_PATH = stylesheet("dataset")

    rows = getters.query_one("#datasets", FixedRows)
    numbers = getters.query_one("#numbers", TextPane)

    def __init__(self) -> None:
        super().__init__()
        self._overview: Overview | None = None
        self._frozen: list[FrozenInfo] = []
        self._lines: list[Overview | FrozenInfo | Refusal | str] = []

    def compose_body(self) -> ComposeResult:
        """The list and the numbers."""
        with Horizontal(id="panes"):
            yield FixedRows(id="datasets", classes="pane pane-second")
            yield TextPane(id="numbers", classes="pane pane-first")

    def on_mount(self) -> None:
        """Title the panes."""
        set_border(self.rows, "Datasets")

    def entered(self) -> None:
        """Measure again: decisions may have been made meanwhile."""
        self._load()

    # -- showing --------------------------------------------------------------------

    @work(group="load", exclusive=True, exit_on_error=False)
    async def _load(self, show: str = "") -> None:
        workspace = self.app.workspace
        watch = progress_to(self, lambda done, total: Progressed("checking", done, total))
        self._frozen = await off_loop(frozen_datasets, workspace)
        self._overview = await off_loop(overview, workspace, progress=only_long(watch))
        if self.status_line.text.startswith("checking"):
            self.say("")
        self._list()
        for index, line in enumerate(self._lines):
            if show and getattr(line, "name", "") == show:
                self.rows.move_to(index)
        self._show_numbers()

    def _list(self) -> None:
        now = self._overview
        assert now is not None
        self._lines = [now]
        if self._frozen:
            self._lines += ["frozen", *self._frozen]
        if now.refusals:
            self._lines += [f"refused by the gate · {len(now.refusals):,}", *now.refusals]
        self.rows.show([self._row(line) for line in self._lines])

    def _row(self, line: Overview | FrozenInfo | Refusal | str) -> list[Part]:
        from engine.dataset import FrozenInfo

        if isinstance(line, str):
            return [(line, "muted")]
        if isinstance(line, Overview):
            return [(fit("now", 12), "accent"), (f"{line.counts.approved:,} approved", "row")]
        if isinstance(line, FrozenInfo):
            size = f"{line.train:,} + {line.validation:,}"
            when = ago(line.frozen_at, time.time())
            return [(fit(line.name, 12), "strong"), (fit(size, 14), "row"), (when, "muted")]
        return [
            (f"! {short_id(line.example_id)} ", "warning"),
            (fit(line.code, 16) + " ", "row"),
            (one_line(line.reason), "muted"),
        ]

    @property
    def _line(self) -> Overview | FrozenInfo | Refusal | str | None:
        return self._lines[self.rows.cursor] if self._lines else None

    @property
    def _selected(self) -> FrozenInfo | None:
        """The frozen dataset under the cursor."""
        from engine.dataset import FrozenInfo

        line = self._line
        return line if isinstance(line, FrozenInfo) else None

    @on(RowList.Moved, "#datasets")
    def _show_numbers(self) -> None:
        info = self._selected
        if info is not None:
            self._show_frozen(info)
        elif self._overview is not None:
            set_border(self.numbers, "What a freeze would take now")
            self.numbers.show(now_blocks(self._overview))

    @work(group="numbers", exclusive=True, exit_on_error=False)
    async def _show_frozen(self, info: FrozenInfo) -> None:
        watch = progress_to(self, lambda done, total: Progressed("counting", done, total))
        found = await off_loop(
            frozen_stats, self.app.workspace, info.name, progress=only_long(watch)
        )
        if info is self._selected:
            set_border(self.numbers, one_line(f"{info.name} · {shorten(info.directory, 44)}"))
            self.numbers.show(stats_blocks(found, base=info.base))

    @on(RowList.Chosen, "#datasets")
    def _clicked(self) -> None:
        self._open()

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
            base=now.base,
            validation_fraction=settings.validation_fraction,
            seed=settings.seed,
            system_prompt=settings.system_prompt,
            max_length=None,
            drop_refused=False,
        )
        dialog = FreezeDialog(start, approved=now.counts.approved, refused=len(now.refusals))
        options = await self.app.push_screen_wait(dialog)
        if options is None:
            return
        watch = progress_to(self, lambda done, total: Progressed("freezing", done, total))
        before = {info.name for info in self._frozen}
        made = await off_loop(freeze_now, self.app.workspace, options, progress=watch)
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
        format, path = chosen
        report = await off_loop(export_to, self.app.workspace, info.name, format, path)
        words = f"wrote {counted(report.rows, 'row')} as {format} to {shorten(path)}"
        notes = [f"{count:,}: {note}" for note, count in report.notes.items()]
        if report.refused:
            notes.append(f"{len(report.refused):,} left out: {report.refused[0].reason}")
        self.say(words, hint="; ".join(notes), kind="done")

    def action_preview(self) -> None:
        """Show which tokens of a row are trained."""
        self._preview()

    @work(group="preview", exclusive=True, exit_on_error=False)
    async def _preview(self) -> None:
        from tui.screens.modals.tokens import TokensDialog

        info = self._selected
        name = info.name if info is not None else ""
        rows, base, longest = await off_loop(rows_of, self.app.workspace, name)
        if base is None:
            wanted = (info.base if info else "") or self.app.workspace.settings.training.base
            raise BaseMissing(
                f"tokens can't be shown: the base {wanted} is not installed",
                hint=f"add it with: finetui bases add {wanted}",
            )
        title = f"{name or 'approved'} · {base.name}"
        await self.app.push_screen_wait(TokensDialog(title, rows, TokenViews(base, longest)))

    async def action_open(self) -> None:
        """Show tokens of the dataset's rows, or go to the refused example."""
        self._open()

    def _open(self) -> None:
        from engine.dataset import Refusal

        line = self._line
        if isinstance(line, Refusal):
            self._go_to(line.example_id)
        elif line is not None and not isinstance(line, str):
            self._preview()

    @work(group="go", exclusive=True, exit_on_error=False)
    async def _go_to(self, example_id: str) -> None:
        await self.app.open_example(example_id)

    # -- moving ---------------------------------------------------------------------

    def _step(self, rows: int) -> None:
        self.rows.move(rows)
        # A heading holds nothing: the cursor steps over it.
        if isinstance(self._line, str):
            self.rows.move(rows)

    def action_down(self) -> None:
        """Next line."""
        self._step(1)

    def action_up(self) -> None:
        """Line before."""
        self._step(-1)

    def action_scroll_down(self) -> None:
        """Scroll the numbers down."""
        self.numbers.pages_down(1)

    def action_scroll_up(self) -> None:
        """Scroll the numbers up."""
        self.numbers.pages_down(-1)


def _exports_dir() -> Path:
    """Return where an export's path starts: where the app was started."""
    return Path.cwd()
