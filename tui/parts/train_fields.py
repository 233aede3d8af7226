"""The fields of the form that starts a run, and the plan of what the run will be."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from textual import on, work
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.suggester import SuggestFromList
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Input, Static

from engine.bases import can_be_brought, preset_for
from engine.errors import BaseMissing, FinetuiError
from engine.train import Plan, TrainSpec
from engine.train.fit import Fit
from engine.train.fit.asking import Asked
from tui.bridge.threads import off_loop
from tui.parts.train_fit import fit_lines
from tui.parts.train_form_model import FormField
from tui.parts.train_words import plan_lines
from tui.widgets.choice import Choice
from tui.widgets.field import Field
from tui.widgets.words import counted, file_size, one_line

QUIET_SECONDS = 0.4
"""How long the keys must rest before the run is planned anew."""


class FormFields(VerticalScroll, can_focus=False):
    """A row a field: name, control, and its help or what is wrong with it."""

    class Changed(Message):
        """A field has another text."""

        def __init__(self, name: str, value: str) -> None:
            super().__init__()
            self.name = name
            self.value = value

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._fields: tuple[FormField, ...] = ()
        self._texts: dict[str, str] = {}

    async def fill(self, fields: Sequence[FormField], values: Mapping[str, str]) -> None:
        """Show fields with their first texts. Called once.

        Args:
            fields: The fields in order; those of a section stand together.
            values: Text of each.
        """
        self._fields = tuple(fields)
        self._texts = dict(values)
        await self.mount_all(self._rows())

    def _rows(self) -> list[Widget]:
        rows: list[Widget] = []
        section = ""
        for one in self._fields:
            if one.section != section:
                first = "" if section else " -first"
                section = one.section
                rows.append(Static(section, classes=f"section{first}", markup=False))
            rows.append(
                Horizontal(
                    Static(one.label, classes="label", markup=False),
                    self._control(one),
                    Static(one.help, classes="note", markup=False),
                    classes="row",
                    id=f"row-{one.name}",
                )
            )
        return rows

    def _control(self, one: FormField) -> Widget:
        value = self._texts.get(one.name, "")
        if one.closed:
            return Choice(one.values, value, id=f"field-{one.name}")
        field = Field(value, id=f"field-{one.name}")
        if one.values:
            field.suggester = SuggestFromList(one.values)
        return field

    def control_of(self, name: str) -> Choice | Field:
        """Return the control of a field."""
        found = self.query_one(f"#field-{name}")
        assert isinstance(found, Choice | Field)
        return found

    @property
    def values(self) -> dict[str, str]:
        """Text of each field, as it stands there now."""
        return {one.name: self.control_of(one.name).value for one in self._fields}

    def fill_in(self, values: Mapping[str, str]) -> None:
        """Write other texts into some fields, which is not told as a change."""
        for name, value in values.items():
            if name in self._texts:
                self._texts[name] = value
                self.control_of(name).value = value

    def focus_on(self, name: str) -> None:
        """Let the keys go to a field."""
        self.control_of(name).focus()

    def show_problems(self, problems: Mapping[str, str]) -> None:
        """Show what is wrong at each field, and the help at the others."""
        for one in self._fields:
            problem = problems.get(one.name, "")
            row = self.query_one(f"#row-{one.name}")
            row.set_class(bool(problem), "-wrong")
            note = row.query_one(".note", Static)
            shown = problem or one.help
            if note.content != shown:
                note.update(shown)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        # As it is now: what was told at first may be older than what was filled in since.
        self._changed(event.input, event.input.value)

    @on(Choice.Changed)
    def _turned(self, event: Choice.Changed) -> None:
        event.stop()
        self._changed(event.choice, event.choice.value)

    def _changed(self, control: Widget, value: str) -> None:
        name = field_name(control)
        if name in self._texts and self._texts[name] != value:
            self._texts[name] = value
            self.post_message(self.Changed(name, value))


def field_name(control: Widget) -> str:
    """Return the name of the field that a control belongs to."""
    return (control.id or "").removeprefix("field-")


class PlanPane(Static):
    """Plans the run that a form describes, once its fields have rested.

    Args:
        planner: Plans a run; called off the event loop.
        asker: Says whether a run fits whose base is not here; called off the event loop.
        downloads: About how many bytes each known base is to download.
    """

    def __init__(
        self,
        planner: Callable[[TrainSpec], Plan],
        asker: Callable[[TrainSpec], Asked],
        downloads: Mapping[str, int] | None = None,
        *,
        id: str | None = None,
    ) -> None:
        super().__init__(id=id, markup=False)
        self._planner = planner
        self._asker = asker
        self.fit: Fit | None = None
        self.downloads: Mapping[str, int] = downloads or {}
        self._timer: Timer | None = None

    def show_wrong(self, count: int) -> None:
        """Say that fields have to be corrected first."""
        self._forget()
        self._show([Content.styled(f"{counted(count, 'field')} to correct", "$text-error")])

    def plan(self, spec: TrainSpec) -> None:
        """Plan another run, after a moment."""
        self._forget()
        self._timer = self.set_timer(QUIET_SECONDS, lambda: self._plan(spec))

    def _forget(self) -> None:
        self.fit = None
        self.workers.cancel_node(self)
        if self._timer is not None:
            self._timer.stop()

    def _show(self, lines: Sequence[Content]) -> None:
        self.update(Content("\n").join(lines))

    @work(group="plan", exclusive=True, exit_on_error=False)
    async def _plan(self, spec: TrainSpec) -> None:
        try:
            made = await off_loop(self._planner, spec)
        except FinetuiError as error:
            comes = spec.base in self.downloads or can_be_brought(spec.base)
            if isinstance(error, BaseMissing) and comes:
                self._show(self._missing_base(spec.base))
                await self._ask(spec)
                return
            said = Content.styled(one_line(error.message), "$text-error")
            self._show([said, Content.styled(one_line(error.hint), "$text-muted")])
        else:
            self.fit = made.fit
            self._show(plan_lines(made))

    async def _ask(self, spec: TrainSpec) -> None:
        """Show below whether the run fits, where the base's shape is known."""
        try:
            asked = await off_loop(self._asker, spec)
        except FinetuiError:
            return  # a base that only the hub knows
        self.fit = asked.fit
        self._show([*self._missing_base(spec.base), *fit_lines(asked.fit)])

    def _missing_base(self, name: str) -> list[Content]:
        preset = preset_for(name)
        if preset is not None and preset.embedded:
            how = "it is imported once when the run starts, in about 15 s"
            return [
                Content(f"{preset.title} comes with finetui"),
                Content.styled(how, "$text-muted"),
            ]
        size = self.downloads.get(name, 0)
        words = f", about {file_size(size)}" if size else ""
        return [
            Content(f"{one_line(name)} is not on this machine"),
            Content.styled(f"starting downloads it once{words}", "$text-muted"),
        ]


class NothingToTrainOn(Static):
    """What stands in the form while there is no dataset."""

    LOOKING = "looking what there is to train on …"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(self.LOOKING, id=id, markup=False)

    def show_missing(self) -> None:
        """Say that a dataset is missing, and where one comes from."""
        lines = [
            Content.styled("There is no dataset to train on yet.", "bold"),
            Content(""),
            Content("A dataset is made of the examples that you approved."),
            Content("3 goes to Dataset; z freezes one there."),
        ]
        self.update(Content("\n").join(lines))
