"""The form that starts a run: dataset, base, preset, and every hyperparameter with its help."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Literal

from textual import events, getters, on, work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Button

from engine.bases import add, can_be_brought, preset_for, resolve
from engine.errors import BaseMissing, DeviceBusy, FinetuiError
from engine.runs import RunSummary
from engine.runs.seats import last_waiting
from engine.train import TrainSpec, plan, start
from engine.train.fit.asking import ask
from engine.train.fit.probing import probe
from engine.train.launching import beside
from tui.actions import Action, bindings
from tui.bridge.run_tail import short_run
from tui.bridge.threads import off_loop, progress_to
from tui.messages import Progressed
from tui.parts.train_fields import FormFields, NothingToTrainOn, PlanPane, field_name
from tui.parts.train_form_model import (
    FormChoices,
    FormField,
    base_of_preset,
    checked,
    first_values,
    form_choices,
    form_fields,
    preset_help,
    preset_values,
    str_of,
)
from tui.screens.modals.confirm import ConfirmDialog
from tui.screens.modals.dialog import FormDialog
from tui.stylesheets import stylesheet
from tui.widgets.choice import Choice
from tui.widgets.field import Field
from tui.widgets.words import file_size

FULL_COLUMNS = 140
"""Below, the form takes the whole width."""

Answer = RunSummary | Literal["dataset"]
"""The run that was started, or that the person goes to Dataset."""


class TrainForm(FormDialog[Answer]):
    """Checks each field as it is written, plans the run, and starts it.

    It opens at once and then reads what there is to choose from. Classes for the stylesheet:
    ``-loading`` until that is known, and where there is no dataset; ``-full`` in a terminal
    that is hardly wider than the form.

    Args:
        like: The spec of a run to start from; empty for the settings' preset.
    """

    HEADING = "New run"
    GROUP = "form"
    OK = "next field"
    BINDINGS = bindings("form")
    CSS_PATH = stylesheet("train_form")

    fields = getters.query_one("#form-fields", FormFields)
    plan_pane = getters.query_one("#form-plan", PlanPane)
    nothing = getters.query_one("#form-nothing", NothingToTrainOn)

    def __init__(self, *, like: Mapping[str, object]) -> None:
        super().__init__()
        self._like = like
        self._choices: FormChoices | None = None
        self._known: dict[str, FormField] = {}
        self._values: dict[str, str] = {}
        self._problems: dict[str, str] = {}
        # What a preset without a base of its own goes back to.
        self._own_base = ""
        self._starting = False
        self._probing = False

    def compose_box(self) -> ComposeResult:
        """A row a field, then the plan and the button."""
        yield NothingToTrainOn(id="form-nothing")
        yield FormFields(id="form-fields")
        with Horizontal(id="form-foot"):
            here = self.app.workspace
            yield PlanPane(partial(plan, here), partial(ask, here), id="form-plan")
            yield Button("Start", id="form-start", compact=True)

    def on_mount(self) -> None:
        """Read what can be chosen."""
        self.add_class("-loading")
        self.load()

    @work(group="load", exclusive=True, exit_on_error=False)
    async def load(self) -> None:
        """Fill the form, or say what is missing."""
        with self.holding_keys():
            choices = await off_loop(form_choices, self.app.workspace)
            self._choices = choices
            if choices.datasets:
                fields = form_fields(choices)
                self._known = {one.name: one for one in fields}
                self._values = first_values(choices, self._like)
                self._own_base = self._values["base"]
                self.plan_pane.downloads = choices.downloads
                await self.fields.fill(fields, self._values)
                self.remove_class("-loading")
                self.fields.focus_on(fields[0].name)
                self._check()
            else:
                self.nothing.show_missing()
            self.refresh_cheat()

    @property
    def is_empty(self) -> bool:
        """Whether there is no dataset to train on."""
        return self._choices is not None and not self._choices.datasets

    def control_of(self, name: str) -> Choice | Field:
        """Return the control of a field."""
        return self.fields.control_of(name)

    def on_resize(self, event: events.Resize) -> None:
        """Take the whole width where little of the stage would be left beside the box."""
        self.set_class(event.size.width < FULL_COLUMNS, "-full")

    # -- changing -------------------------------------------------------------------

    @on(FormFields.Changed)
    def _changed(self, event: FormFields.Changed) -> None:
        before = self._values.get(event.name, "")
        self._values[event.name] = event.value
        if event.name == "preset":
            base = base_of_preset(event.value) or self._own_base
            self._values["base"] = base
            self.fields.fill_in({"base": base})
            self._take_preset(base, event.value)
        elif event.name == "base":
            self._own_base = event.value
            self._follow_base(before, event.value)
        self._check()

    def _follow_base(self, before: str, now: str) -> None:
        """Take the new base's preset, unless another one was chosen than the old base's."""
        assert self._choices is not None
        bases = self._choices.bases
        fitting = bases.get(now, "")
        if fitting and self._values["preset"] == bases.get(before, self._values["preset"]):
            self._take_preset(now, fitting)

    def _take_preset(self, base: str, preset: str) -> None:
        assert self._choices is not None
        values = preset_values(self._choices, base, preset)
        taken = {name: values[name] for name in values if name not in ("base", "dataset")}
        self._values |= taken
        self.fields.fill_in(taken)

    def _check(self) -> None:
        """Show what is wrong at its field, and plan the run once the keys rest."""
        spec, self._problems = checked(self._values, list(self._known.values()))
        self.fields.show_problems(self._problems)
        self._tell_focused()
        if spec is not None:
            self.plan_pane.plan(spec)
        else:
            self.plan_pane.show_wrong(len(self._problems))

    def on_descendant_focus(self) -> None:
        """Tell the help of the field where the keys go."""
        self._tell_focused()

    def _tell_focused(self) -> None:
        focused = self.focused
        if focused is None or self._starting or self._probing:
            return
        one = self._known.get(field_name(focused))
        if one is None:
            self.say("")
        elif problem := self._problems.get(one.name):
            self.say(f"{one.label} {problem}", kind="error")
        else:
            several = one.closed and len(one.values) > 1
            more = " · ← → choose, a letter goes to its value" if several else ""
            chosen = self._values.get("preset", "") if one.name == "preset" else ""
            # It stays as long as the field has the focus, and may wrap: its row cuts it.
            self.say((preset_help(chosen) or one.help) + more, kind="help")

    # -- keys -------------------------------------------------------------------------

    def offers(self, action: Action) -> bool:
        """Show no key of the form where there is nothing to start."""
        return not self.is_empty or action.group == "dialog"

    def label_of(self, action: Action) -> str:
        """Return what the cheat line calls an action."""
        if self.is_empty and action.id == "dialog.accept":
            return "go to Dataset"
        return super().label_of(action)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the form's keys, or the way to Dataset where there is no dataset."""
        allowed = super().check_action(action, parameters)
        if not allowed or action not in {
            "start", "queue", "reset", "fitting", "probe", "dataset"
        }:  # fmt: skip
            return allowed
        return self.is_empty if action == "dataset" else bool(self._known)

    def action_accept(self) -> None:
        """Go to the next field; on the button, start."""
        if self.is_empty:
            self.dismiss("dataset")
        elif isinstance(self.focused, Button):
            self.action_start()
        else:
            self.action_next()

    def action_dataset(self) -> None:
        """Go to Dataset."""
        self.dismiss("dataset")

    @on(Button.Pressed, "#form-start")
    def _pressed(self) -> None:
        self.action_start()

    def action_reset(self) -> None:
        """Put the preset's values back."""
        self._take_preset(self._values["base"], self._values["preset"])
        self._check()

    def action_fitting(self) -> None:
        """Take the nearest settings that fit, where the run doesn't."""
        fit = self.plan_pane.fit
        if fit is None:
            self.say("not known yet whether the run fits")
        elif fit.fits:
            self.say("the run fits as it is")
        elif not fit.nearest:
            self.say("no settings fit: take a smaller base", kind="error")
        else:
            changes = fit.nearest[0].changes
            taken = {name: str_of(name, value) for name, value in changes.items()}
            self._values |= taken
            self.fields.fill_in(taken)
            self._check()
            self.say(f"taken: {fit.nearest[0].words}")

    def action_probe(self) -> None:
        """Train one step on the longest batch, and say what it took."""
        self._values |= self.fields.values
        spec, self._problems = checked(self._values, list(self._known.values()))
        if spec is None:
            self._go_to_problem()
        elif not self._probing:
            self._probe(spec)

    @work(group="probe", exclusive=True, exit_on_error=False)
    async def _probe(self, spec: TrainSpec) -> None:
        self._probing = True
        self.say("probing one step on the longest batch …", kind="busy")
        try:
            found = await off_loop(probe, self.app.workspace, spec)
        except FinetuiError as error:
            self.complain(error)
        else:
            self.say(found.words, kind="help")  # it takes a while, and who waits may look away
        finally:
            self._probing = False

    # -- starting ---------------------------------------------------------------------

    def action_start(self) -> None:
        """Check the form and start the run; where others train here, ask whether it waits."""
        self._begin(queue=None)

    def action_queue(self) -> None:
        """Check the form and put the run into the queue."""
        self._begin(queue=True)

    def _begin(self, *, queue: bool | None) -> None:
        # What was typed a moment ago may not have been told yet.
        self._values |= self.fields.values
        spec, self._problems = checked(self._values, list(self._known.values()))
        if spec is None:
            self._go_to_problem()
        elif not self._starting:
            self._start(spec, queue=queue)

    def _go_to_problem(self) -> None:
        """Focus the first field that is wrong, and say what is."""
        self.fields.focus_on(next(name for name in self._known if name in self._problems))
        self._tell_focused()

    @work(group="start", exclusive=True, exit_on_error=False)
    async def _start(
        self, spec: TrainSpec, *, queue: bool | None, may_download: bool = False
    ) -> None:
        self._starting = True
        try:
            with self.holding_keys():
                missing = await off_loop(base_to_bring, spec.base)
                if missing == "download" and not may_download:
                    self._ask_to_download(spec, queue)
                    return
                others = await off_loop(beside) if queue is None else []
                line = await off_loop(last_waiting, self.app.workspace.runs_dir)
                if others:
                    self._ask_to_wait(spec, others, line, may_download=may_download)
                    return
            if missing:
                await self._bring(spec.base, missing)
            self.say("starting …", kind="busy")
            run = await off_loop(lambda: start(self.app.workspace, spec, queue=bool(queue)))
        except DeviceBusy as error:
            self._ask_to_wait(spec, [], line, error.message, may_download=may_download)
            return
        except FinetuiError as error:
            self.complain(error)
            return
        finally:
            self._starting = False
        self.dismiss(run)

    async def _bring(self, name: str, how: str) -> None:
        what = f"{how}ing {name}"
        self.say(f"{what} …", kind="busy")
        watch = progress_to(self, lambda done, total: Progressed(what, done, total))
        await off_loop(add, name, progress=watch)

    def _ask_to_download(self, spec: TrainSpec, queue: bool | None) -> None:
        size = self._choices.downloads.get(spec.base, 0) if self._choices else 0
        words = f"About {file_size(size)}. " if size else ""
        question = ConfirmDialog(
            f"Download {spec.base}?", f"{words}It is kept for every workspace of yours."
        )

        def answered(sure: bool) -> None:
            if sure:
                self._start(spec, queue=queue, may_download=True)

        self.app.ask(question, answered)

    def _ask_to_wait(
        self,
        spec: TrainSpec,
        others: list[str],
        line: tuple[int, str],
        why: str = "",
        *,
        may_download: bool,
    ) -> None:
        """Ask whether a run waits for those that train here; no starts it beside them."""
        busy = why or beside_words([short_run(name) for name in others])
        waits = f"waits behind {short_run(line[1])}, {queue_words(line[0])}" if line[0] else "waits"
        question = ConfirmDialog(
            "Wait in the queue?", f"{busy}. y {waits}; n {'tries' if why else 'starts'} now."
        )
        self.app.ask(
            question, lambda waits: self._start(spec, queue=waits, may_download=may_download)
        )


def beside_words(names: list[str]) -> str:
    """Say which runs a new one would train beside."""
    if len(names) == 1:
        return f"run {names[0]} trains here already: beside it both are slower"
    return f"runs {', '.join(names)} train here already: beside them all are slower"


def queue_words(count: int) -> str:
    """Say how long the queue is, behind the name of the run at its end."""
    return "the one in the queue" if count == 1 else f"the last of {count} in the queue"


def base_to_bring(name: str) -> Literal["", "import", "download"]:
    """Return how a base would come to this machine; nothing where it is here.

    Reads files; call it off the event loop.

    Raises:
        BaseMissing: It is not here, and neither a known name nor a hub id.
    """
    try:
        resolve(name)
    except BaseMissing:
        preset = preset_for(name)
        if not can_be_brought(name):
            raise  # neither a name nor a hub id: there is nothing to bring
        return "import" if preset is not None and preset.embedded else "download"
    return ""
