"""How a source is read: its kind and its settings, with what they give below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from textual import events, getters, on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.suggester import SuggestFromList
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Input, Static

from engine.errors import SourceError, SourceUnknown, UsageError
from tui.actions import Action, bindings
from tui.bridge.reading import (
    Stopped,
    certain,
    elsewhere,
    kept,
    kinds,
    look_at,
    look_for,
    options_of,
    placed,
    wants_token,
)
from tui.bridge.threads import Cancel, off_loop, progress_to
from tui.messages import Progressed
from tui.screens.modals.dialog import FormDialog
from tui.screens.modals.pick import ValueDialog
from tui.screens.source_form import Added, FormRow, form_rows, to_set
from tui.screens.stage import WIDE_COLUMNS
from tui.widgets.choice import Choice
from tui.widgets.field import Field
from tui.widgets.preview import ambiguous_blocks, look_blocks
from tui.widgets.textpane import Block, TextPane, text
from tui.widgets.words import one_line, short_path

if TYPE_CHECKING:
    from engine.sources import Detection, Option

QUIET_SECONDS = 0.4
"""How long the keys must rest before the source is read with other settings."""

HIGH_ROWS = 30
"""Below so many rows the dialog takes the whole terminal."""

KIND = "kind"
TOKEN = "token"


class SetupDialog(FormDialog[Added]):
    """A row for the kind and one for each setting; returns what was settled on.

    A token that is typed is held by the app for the address, and is no part of the result.

    Args:
        place: A path or an address.
        found: What it may be, the likeliest first; None where nobody looked yet: the dialog
            does.
        kind: The kind that holds; empty where the person has to say.
        chosen: What is set already.
        fixed: Whether the kind can't be changed: the source is there already.
        ok: What enter does.
    """

    GROUP = "setup"
    BINDINGS = bindings("setup")

    fields = getters.query_one("#setup-fields", VerticalScroll)
    look = getters.query_one("#setup-look", TextPane)

    def __init__(
        self,
        place: str,
        found: Sequence[Detection] | None = None,
        *,
        kind: str,
        chosen: Mapping[str, str],
        fixed: bool = False,
        ok: str = "add and scan",
    ) -> None:
        super().__init__()
        self._place = place
        self._found = list(found or ())
        self._looked_for = found is not None
        self._problem: SourceError | None = None
        self._kind = kind
        self._chosen = dict(chosen)
        self._fixed = fixed
        self.OK = ok
        self._options: tuple[Option, ...] = ()
        self._detected: Detection | None = None
        self._rows: list[FormRow] = []
        self._controls: dict[str, Choice | Field] = {}
        self._cancel = Cancel()
        self._timer: Timer | None = None
        self._far = elsewhere(place)
        self._looked: dict[str, str] | None = None

    def compose_box(self) -> ComposeResult:
        """The kind, the settings, and what they give."""
        yield Horizontal(id="setup-kind", classes="setup-row")
        yield VerticalScroll(id="setup-fields", can_focus=False)
        yield TextPane(id="setup-look")

    def on_mount(self) -> None:
        """Build the rows."""
        self._title()
        self._build()

    def on_unmount(self) -> None:
        """End a look that still runs."""
        self._cancel.set()

    def on_resize(self, event: events.Resize) -> None:
        """Take the whole terminal where it is small."""
        small = event.size.width < WIDE_COLUMNS or event.size.height < HIGH_ROWS
        self.set_class(small, "-whole")

    # -- rows -----------------------------------------------------------------------

    def _title(self) -> None:
        self.title_box(f"How {short_path(one_line(self._place), 52)} is read")

    @work(group="build", exclusive=True, exit_on_error=False)
    async def _build(self) -> None:
        """Find out what the place is, and show a row for each thing that can be set."""
        with self.holding_keys():
            if not self._looked_for and not self._kind:
                await self._find()
            await self._build_all()

    async def _find(self) -> None:
        """Look what the place may be."""
        self.say("looking …", kind="busy")
        try:
            self._place = await off_loop(placed, self._place)
            self._far = elsewhere(self._place)
            self._title()
            self._found = list(await off_loop(look_for, self._place, cancelled=self._cancel))
        except SourceUnknown:
            pass  # no kind recognises it: the person may know better
        except (SourceError, Stopped) as error:
            self._problem = error if isinstance(error, SourceError) else None
            return
        best = certain(self._place, self._found) if self._found else None
        self._kind = best.kind if best is not None else ""

    async def _build_all(self) -> None:
        """Show the kind's row, and the rows of the kind that holds."""
        every = await off_loop(kinds)
        names = list(dict.fromkeys([*(one.kind for one in self._found), *every]))
        row = self.query_one("#setup-kind", Horizontal)
        control: Widget = Static(self._kind, markup=False, classes="fixed")
        if not self._fixed:
            control = Choice(names, self._kind, empty="say which", id="setup-field-kind")
            self._controls[KIND] = control
        note = Static("", classes="note", markup=False, id="setup-why")
        await row.mount(Static(KIND, classes="label", markup=False), control, note)
        await self._build_rows()
        first = self._controls.get(KIND)
        if self._kind and self._controls:
            first = next((c for name, c in self._controls.items() if name != KIND), first)
        if first is not None:
            first.focus()

    async def _build_rows(self) -> None:
        """Show what can be set about the kind that holds."""
        found = self._detected = await self._detection()
        self._options = await off_loop(options_of, self._kind) if self._kind else ()
        self._rows = form_rows(self._options, found, self._chosen)
        kind = self._controls.get(KIND)
        self._controls = {} if kind is None else {KIND: kind}
        lines: list[Widget] = []
        if await off_loop(wants_token, self._place, self._kind):
            token = Field("", placeholder="none", id="setup-field-token")
            token.password = True
            lines.append(self._line(TOKEN, token, "asked for by the app; it is not kept"))
        for one in self._rows:
            lines.append(self._line(one.name, self._control(one), one.help))
        await self.fields.remove_children()
        if lines:
            await self.fields.mount_all(lines)
        self.query_one("#setup-why", Static).update(self._why())
        self.refresh_cheat()
        self._looked = None
        self._settings_changed(now=True)

    def _line(self, name: str, control: Choice | Field, help: str) -> Horizontal:
        self._controls[name] = control
        label = Static(name.replace("_", " "), classes="label", markup=False)
        return Horizontal(
            label, control, Static(help, classes="note", markup=False), classes="setup-row"
        )

    def _control(self, row: FormRow) -> Choice | Field:
        identifier = f"setup-field-{row.name}"
        if row.closed:
            return Choice(row.values, row.start, empty=row.unset, id=identifier)
        field = Field(row.start, placeholder=row.unset, id=identifier)
        if row.values:
            field.suggester = SuggestFromList(row.values)
        return field

    async def _detection(self) -> Detection | None:
        """Return what the place is as a source of the kind that holds."""
        known = next((one for one in self._found if one.kind == self._kind), None)
        if known is not None or not self._kind:
            return known
        self.say("looking …", kind="busy")
        try:
            found = await off_loop(
                look_for,
                self._place,
                kind=self._kind,
                options=self._chosen,
                cancelled=self._cancel,
            )
        except (SourceError, Stopped) as error:
            if isinstance(error, SourceError):
                self.complain(error)
            return None
        self.say("")
        self._found += found
        return found[0] if found else None

    # -- changing -------------------------------------------------------------------

    @on(Choice.Changed, "#setup-field-kind")
    def _other_kind(self, event: Choice.Changed) -> None:
        event.stop()
        self._kind = event.value
        self._problem = None
        self._chosen = {}
        self._cancel.set()
        self._cancel = Cancel()
        self._rebuild()

    @work(group="build", exclusive=True, exit_on_error=False)
    async def _rebuild(self) -> None:
        with self.holding_keys():
            await self._build_rows()

    @on(Choice.Changed)
    @on(Input.Changed)
    def _changed(self) -> None:
        self._settings_changed()

    @property
    def settings(self) -> dict[str, str]:
        """What is to be set, as it stands in the rows."""
        typed = {name: control.value for name, control in self._controls.items()}
        return to_set(self._rows, typed)

    @property
    def _token(self) -> str:
        control = self._controls.get(TOKEN)
        return control.value.strip() if control is not None else ""

    def _settings_changed(self, *, now: bool = False) -> None:
        """Read the source again once the keys rest, if that would show something else."""
        if self._settings_are_seen():
            return
        if self._timer is not None:
            self._timer.stop()
        self._cancel.set()
        if not self._kind:
            self.look.show(self._undecided_blocks())
        elif self._far:
            words = "Nothing was asked there yet: ctrl+r asks what it would give."
            self.look.show([Block(text(words, "$text-muted"))])
        else:
            self._timer = self.set_timer(0.01 if now else QUIET_SECONDS, self._look_now)

    def _undecided_blocks(self) -> list[Block]:
        """Say why no kind holds."""
        if self._problem is not None:
            return []
        if not self._found:
            words = "No kind of source is recognised here: ← and → name one."
            return [Block(text(words, "$text-warning"))]
        return ambiguous_blocks(self._found, "← and → choose, enter adds")

    def _settings_are_seen(self) -> bool:
        return self._looked is not None and self._looked == self.settings

    def _look_now(self, whole: bool = False) -> None:
        self._cancel.set()
        self._cancel = Cancel()
        self._looked = self.settings
        self._look_at(self.settings, whole, self._cancel)

    @work(group="look", exclusive=True, exit_on_error=False)
    async def _look_at(self, settings: dict[str, str], whole: bool, cancel: Cancel) -> None:
        self.say("reading …", kind="busy")
        kind = self._kind
        watch = progress_to(self, lambda done, total: Progressed("reading", done, total, True))
        try:
            seen = await off_loop(
                look_at,
                self._place,
                kind,
                settings,
                whole=whole or self._far,
                progress=watch,
                cancelled=cancel,
                secrets={self._place: self._token} if self._token else None,
            )
        except Stopped:
            return
        if not cancel():
            self._follow(seen.preview.detection)
            self.look.show(
                look_blocks(seen, more="ctrl+r reads all of it", ask="choose them in take"),
                top=False,
            )
            self._tell_focused()

    def _follow(self, found: Detection) -> None:
        """Show what was found for the rows that are open: it may hang on those that are set."""
        self._detected = found
        self._rows = form_rows(self._options, found, self._chosen)
        for row in self._rows:
            field = self._controls.get(row.name)
            if isinstance(field, Field) and field.placeholder != row.unset:
                field.placeholder = row.unset
                field.suggester = SuggestFromList(row.values) if row.values else None
        self.query_one("#setup-why", Static).update(self._why())

    # -- keys -------------------------------------------------------------------------

    def label_of(self, action: Action) -> str:
        """Return what the cheat line calls an action: an address is asked, not read."""
        if self._far and action.id == "setup.look":
            return "ask for it"
        return super().label_of(action)

    def on_descendant_focus(self) -> None:
        """Tell the help of the row where the keys go."""
        self._tell_focused()

    def _tell_focused(self) -> None:
        if self._problem is not None:
            self.complain(self._problem)
            return
        name = self._focused_name
        row = next((row for row in self._rows if row.name == name), None)
        if row is not None:
            more = f"ctrl+l lists {len(row.values)} values" if row.values else ""
            self.say(row.help, hint=more, kind="help")
        elif name == TOKEN:
            self.say("it goes to this address alone, and is forgotten when finetui is left")
        elif name == KIND:
            how = "← and → choose what it is read as"
            if self._detected is not None:
                self.say(self._detected.why, hint=how, kind="help")
            else:
                self.say(how)

    def _why(self) -> str:
        """Return how sure the kind is, and why."""
        if not self._kind:
            return "several kinds are about as likely" if len(self._found) > 1 else ""
        found = self._detected
        return f"{found.confidence:.2f} · {one_line(found.why)}" if found is not None else ""

    @property
    def _focused_name(self) -> str:
        focused = self.focused
        return next((name for name, one in self._controls.items() if one is focused), "")

    def action_values(self) -> None:
        """List the values that the field can have."""
        name = self._focused_name
        control = self._controls.get(name)
        row = next((row for row in self._rows if row.name == name), None)
        values = control.values if isinstance(control, Choice) else row.values if row else ()
        if control is None or not values:
            self.say("what can stand here is not known; type it")
            return
        at = values.index(control.value) if control.value in values else 0
        unset = row.unset if row is not None else ""

        def take(chosen: int) -> None:
            control.value = values[chosen]

        self.app.ask(ValueDialog(name, values, at=at, unset=unset), take)

    def action_look(self) -> None:
        """Read the whole source."""
        if self._kind:
            self._look_now(whole=True)

    def action_scroll_down(self) -> None:
        """Scroll the examples down."""
        self.look.pages_down(1)

    def action_scroll_up(self) -> None:
        """Scroll the examples up."""
        self.look.pages_down(-1)

    def action_accept(self) -> None:
        """Give back what was settled on."""
        if self._problem is not None:
            raise self._problem
        if not self._kind:
            raise UsageError("say first which kind of source this is", hint="← and → choose")
        settings = kept(self._kind, self._detected, self.settings)
        self._cancel.set()
        if TOKEN in self._controls:
            self.app.tokens.hold(self._place, self._token)
        self.dismiss(Added(self._place, self._kind, settings))
