"""The form that starts a run: dataset, base, preset, and every hyperparameter with its help."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual import events, getters, on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.suggester import SuggestFromList
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Button, Input, Static

from engine.bases import PRESETS as BASE_PRESETS
from engine.bases import add, resolve
from engine.errors import BaseMissing, FinetuiError
from engine.runs import RunSummary
from engine.train import TrainSpec, plan, start
from tui.actions import bindings
from tui.bridge.threads import off_loop, progress_to
from tui.messages import Progressed
from tui.screens.form_model import (
    FormChoices,
    FormField,
    checked,
    first_values,
    form_choices,
    form_fields,
    preset_values,
)
from tui.screens.modals.confirm import ConfirmDialog
from tui.screens.modals.dialog import FormDialog
from tui.screens.stage import WIDE_COLUMNS
from tui.screens.train_words import plan_lines
from tui.stylesheets import stylesheet
from tui.widgets.choice import Choice
from tui.widgets.field import Field
from tui.widgets.words import counted, file_size, one_line

__all__ = ["TrainForm", "form_choices"]

QUIET_SECONDS = 0.4
"""How long the keys must rest before the run is planned anew."""


class TrainForm(FormDialog[RunSummary]):
    """Checks each field as it is written, plans the run, and starts it.

    Args:
        choices: The datasets and bases that there are.
        like: The spec of a run to start from; empty for the settings' preset.
    """

    HEADING = "New run"
    GROUP = "form"
    OK = "next field"
    BINDINGS = bindings("form")
    CSS_PATH = stylesheet("train_form")

    plan_view = getters.query_one("#form-plan", Static)

    def __init__(self, choices: FormChoices, *, like: Mapping[str, object]) -> None:
        super().__init__()
        self._choices = choices
        self._fields = form_fields(choices)
        self._values = first_values(choices, like)
        self._problems: dict[str, str] = {}
        self._timer: Timer | None = None
        self._starting = False

    def compose_box(self) -> ComposeResult:
        """A row a field, then the plan and the button."""
        with VerticalScroll(id="form-fields", can_focus=False):
            section = ""
            for one in self._fields:
                if one.section != section:
                    first = "" if section else " -first"
                    section = one.section
                    yield Static(section, classes=f"section{first}", markup=False)
                with Horizontal(classes="row", id=f"row-{one.name}"):
                    yield Static(one.label, classes="label", markup=False)
                    yield self._control(one)
                    yield Static(one.help, classes="note", markup=False)
        with Horizontal(id="form-foot"):
            yield Static(id="form-plan", markup=False)
            yield Button("Start", id="form-start", compact=True)

    def _control(self, one: FormField) -> Widget:
        value = self._values.get(one.name, "")
        if one.closed:
            return Choice(one.values, value, id=f"field-{one.name}")
        field = Field(value, id=f"field-{one.name}")
        if one.values:
            field.suggester = SuggestFromList(one.values)
        return field

    def on_mount(self) -> None:
        """Start at the first field, with a plan."""
        super().on_mount()
        self.control_of(self._fields[0].name).focus()
        self._check()

    def control_of(self, name: str) -> Choice | Field:
        """Return the control of a field."""
        found = self.query_one(f"#field-{name}")
        assert isinstance(found, Choice | Field)
        return found

    def on_resize(self, event: events.Resize) -> None:
        """Take the whole terminal where it is narrow."""
        super().on_resize(event)
        self.set_class(event.size.width < WIDE_COLUMNS, "-narrow")

    # -- changing -------------------------------------------------------------------

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self._changed(_name(event.input), event.value)

    @on(Choice.Changed)
    def _turned(self, event: Choice.Changed) -> None:
        self._changed(_name(event.choice), event.value)

    def _changed(self, name: str, value: str) -> None:
        before = self._values.get(name, "")
        if value == before:
            return
        self._values[name] = value
        if name == "preset":
            self._fill(preset_values(self._choices, self._values["base"], value))
        elif name == "base":
            self._follow_base(before, value)
        self._check()

    def _follow_base(self, before: str, now: str) -> None:
        """Take the new base's preset, unless another one was chosen than the old base's."""
        bases = self._choices.bases
        fitting = bases.get(now, "")
        if fitting and self._values["preset"] == bases.get(before, self._values["preset"]):
            self._fill({**preset_values(self._choices, now, fitting)})

    def _fill(self, values: Mapping[str, str]) -> None:
        for one in self._fields:
            if one.name in values and one.name not in ("base", "dataset"):
                self._values[one.name] = values[one.name]
                self.control_of(one.name).value = values[one.name]

    def _check(self) -> None:
        """Show what is wrong at its field, and plan the run once the keys rest."""
        spec, self._problems = checked(self._values, self._fields)
        for one in self._fields:
            problem = self._problems.get(one.name, "")
            row = self.query_one(f"#row-{one.name}")
            row.set_class(bool(problem), "-wrong")
            note = row.query_one(".note", Static)
            shown = problem or one.help
            if note.content != shown:
                note.update(shown)
        self._tell_focused()
        self.workers.cancel_group(self, "plan")
        if self._timer is not None:
            self._timer.stop()
        if spec is not None:
            self._timer = self.set_timer(QUIET_SECONDS, lambda: self._plan(spec))
        else:
            wrong = f"{counted(len(self._problems), 'field')} to mend"
            self._show_plan([Content.styled(wrong, "$text-error")])

    def _show_plan(self, lines: Sequence[Content]) -> None:
        self.plan_view.update(Content("\n").join(lines))

    @work(group="plan", exclusive=True, exit_on_error=False)
    async def _plan(self, spec: TrainSpec) -> None:
        try:
            made = await off_loop(plan, self.app.workspace, spec)
        except BaseMissing:
            self._show_plan(self._missing_base(spec.base))
            return
        except FinetuiError as error:
            said = Content.styled(one_line(error.message), "$text-error")
            self._show_plan([said, Content.styled(one_line(error.hint), "$text-muted")])
            return
        self._show_plan(plan_lines(made))

    def _missing_base(self, name: str) -> list[Content]:
        preset = BASE_PRESETS.get(name)
        if preset is not None and preset.embedded:
            return [
                Content(f"{preset.title} comes with finetui"),
                Content.styled(
                    "it is imported once when the run starts, in about 15 s", "$text-muted"
                ),
            ]
        size = self._choices.downloads.get(name, 0)
        words = f", about {file_size(size)}" if size else ""
        return [
            Content(f"{one_line(name)} is not on this machine"),
            Content.styled(f"starting downloads it once{words}", "$text-muted"),
        ]

    def on_descendant_focus(self) -> None:
        """Tell the help of the field where the keys go."""
        self._tell_focused()

    def _tell_focused(self) -> None:
        focused = self.focused
        if focused is None or self._starting:
            return
        name = _name(focused)
        one = next((one for one in self._fields if one.name == name), None)
        if one is None:
            self.say("")
        elif problem := self._problems.get(name):
            self.say(f"{one.label} {problem}", kind="error")
        else:
            more = " · left and right choose" if one.closed and len(one.values) > 1 else ""
            self.say(one.help + more)

    # -- keys -------------------------------------------------------------------------

    def action_accept(self) -> None:
        """Go to the next field; on the button, start."""
        if isinstance(self.focused, Button):
            self.action_start()
        else:
            self.action_next()

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.action_next()

    @on(Button.Pressed, "#form-start")
    def _pressed(self) -> None:
        self.action_start()

    def action_reset(self) -> None:
        """Put the preset's values back."""
        values = self._values
        self._fill(preset_values(self._choices, values["base"], values["preset"]))
        self._check()

    # -- starting ---------------------------------------------------------------------

    def action_start(self) -> None:
        """Check the form and start the run."""
        # What was typed a moment ago may not have been told yet.
        self._values |= {one.name: self.control_of(one.name).value for one in self._fields}
        spec, self._problems = checked(self._values, self._fields)
        if spec is None:
            first = next(one.name for one in self._fields if one.name in self._problems)
            self.control_of(first).focus()
            self._tell_focused()
            return
        if not self._starting:
            self._starting = True
            self._start(spec)

    @work(group="start", exclusive=True, exit_on_error=False)
    async def _start(self, spec: TrainSpec) -> None:
        try:
            if not await self._bring_base(spec.base):
                return
            self.say("starting …", kind="busy")
            run = await off_loop(start, self.app.workspace, spec)
        except FinetuiError as error:
            self.complain(error)
            return
        finally:
            self._starting = False
        self.dismiss(run)

    async def _bring_base(self, name: str) -> bool:
        """Import or download a base that is not here yet; return False if that was declined."""
        try:
            await off_loop(resolve, name)
        except BaseMissing:
            preset = BASE_PRESETS.get(name)
            if preset is None and ("/" not in name or name.startswith(("/", ".", "~"))):
                raise  # neither a name nor a hub id: there is nothing to bring
            embedded = preset is not None and preset.embedded
            if not embedded and not await self._may_download(name):
                return False
            what = f"importing {name}" if embedded else f"downloading {name}"
            self.say(f"{what} …", kind="busy")
            watch = progress_to(self, lambda done, total: Progressed(what, done, total))
            await off_loop(add, name, progress=watch)
        return True

    async def _may_download(self, name: str) -> bool:
        size = self._choices.downloads.get(name, 0)
        words = f"About {file_size(size)}. " if size else ""
        question = ConfirmDialog(
            f"Download {name}?", f"{words}It is kept for every workspace of yours."
        )
        sure = await self.app.push_screen_wait(question)
        return sure is True


def _name(control: Widget) -> str:
    return (control.id or "").removeprefix("field-")
