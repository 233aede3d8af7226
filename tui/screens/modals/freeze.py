"""The answers that a freeze needs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from textual import events, getters, on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Label

from engine.errors import UsageError
from engine.similarity import Nearness
from engine.similarity.levels import parse
from tui.actions import bindings
from tui.bridge.datasets import FreezeOptions, base_is_installed
from tui.bridge.threads import off_loop
from tui.screens.modals.dialog import FormDialog
from tui.widgets.choice import Choice
from tui.widgets.field import Field

NO, YES = "no", "yes"
NO_YES = (NO, YES)
NEAR = ("now", "known", "no")
_NOTHING = ("nothing is approved yet", "2 goes to Curate; a approves there")


def number(text: str, what: str, *, low: float, high: float) -> float:
    """Return a typed number.

    Raises:
        UsageError: It is none, or out of range.
    """
    try:
        value = float(text.strip())
    except ValueError as error:
        raise UsageError(
            f"{what}: {text!r} is not a number", hint=f"{low:g} to {high:g}"
        ) from error
    if not low <= value <= high:
        raise UsageError(f"{what}: {value:g} is out of range", hint=f"{low:g} to {high:g}")
    return value


def words(text: str) -> tuple[str, ...]:
    """Return what was typed with commas or blanks between."""
    return tuple(text.replace(",", " ").split())


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the form; where there are values it holds one of them."""

    name: str
    label: str
    value: str
    note: str
    values: tuple[str, ...] = ()


class FreezeDialog(FormDialog[FreezeOptions]):
    """Fields with the settings' values; returns what was chosen.

    Args:
        start: What the fields start with.
        refused: How many approved examples the gate refuses; None where that is not known.
    """

    HEADING = "Freeze a dataset"
    GROUP = "fields"
    OK = "freeze"
    BINDINGS = bindings("fields")
    AUTO_FOCUS = "Field"

    fields = getters.query_one("#freeze-fields", VerticalScroll)

    def __init__(self, start: FreezeOptions, *, refused: int | None) -> None:
        super().__init__()
        self._start = start
        self._approved: int | None = None
        self._refused = refused

    def _lines(self) -> Iterator[Line]:
        start = self._start
        longest = "" if start.max_length is None else str(start.max_length)
        least = "" if start.min_quality is None else f"{start.min_quality:g}"
        yield Line("name", "name", start.name, "empty takes the next of d1, d2, …")
        share = f"{start.validation_fraction:g}"
        yield Line("held-out", "validation", share, "a share, 0.01 to 0.9, that is not trained on")
        yield Line(
            "test", "test", f"{start.test_fraction:g}", "a share besides, for a test split; or 0"
        )
        yield Line("seed", "seed", str(start.seed), "the same seed, the same split")
        yield Line("base", "base", start.base, "whose tokens are checked; empty checks none")
        yield Line("longest", "max length", longest, "in tokens a row; empty cuts nothing")
        yield Line("system", "system prompt", start.system_prompt, "put before every example")
        yield Line("quality", "min quality", least, "0 to 1; empty takes any")
        short = str(start.min_length or "")
        yield Line("shortest", "min length", short, "characters of the answers; empty takes any")
        flags = " ".join(start.exclude_flags)
        yield Line("flags", "without flags", flags, "kinds or kind:code, such as safety")
        copies = YES if start.deduplicate else NO
        yield Line("dedup", "deduplicate", copies, "keep one of each near-duplicates", NO_YES)
        yield Line(
            "near",
            "near-duplicates",
            start.near,
            "found first (now); as known; or ignored (no)",
            NEAR,
        )
        level = str(start.threshold)
        yield Line("level", "as near as", level, "copies, paraphrases, or 0.7 to 1")
        secrets = " ".join(start.allow_secrets)
        yield Line("secrets", "allow secrets", secrets, "each by its code, or an example's id")
        if self._refused != 0:
            drop = YES if start.drop_refused else NO
            many = "what" if self._refused is None else f"the {self._refused:,} that"
            yield Line("drop", "leave out", drop, f"{many} the gate refuses", NO_YES)

    def compose_box(self) -> ComposeResult:
        """A line a field."""
        with VerticalScroll(id="freeze-fields", can_focus=False):
            for line in self._lines():
                with Horizontal(classes="form-line"):
                    yield Label(line.label, markup=False, classes="label")
                    if line.values:
                        yield Choice(line.values, line.value, id=f"freeze-{line.name}")
                    else:
                        yield Field(line.value, id=f"freeze-{line.name}")
                    yield Label(line.note, markup=False, classes="note")

    def on_mount(self) -> None:
        """Look what would be frozen; keys wait for it."""
        self._load()

    @work(group="load", exclusive=True, exit_on_error=False)
    async def _load(self) -> None:
        workspace = self.app.workspace
        with self.holding_keys():
            counts = await off_loop(workspace.store.counts)
            self._approved = counts.approved
            refused = f" · {self._refused:,} refused by the gate" if self._refused else ""
            self.title_box(f"{self.HEADING} · {counts.approved:,} approved{refused}")
            if not counts.approved:
                self.say(_NOTHING[0], hint=_NOTHING[1])
            elif not await off_loop(base_is_installed, workspace):
                # Without it no token can be checked; another one can be named.
                self.query_one("#freeze-base", Field).value = ""

    @on(events.DescendantFocus)
    def _explain(self) -> None:
        """Say what the field is for: at 80 columns the notes beside the fields are cut."""
        focused = self.focused.id if self.focused is not None else ""
        for line in self._lines():
            if f"freeze-{line.name}" == focused:
                self.say(f"{line.label}: {line.note}")

    def _typed(self, name: str) -> str:
        found = list(self.query(f"#freeze-{name}"))
        return found[0].value.strip() if found and isinstance(found[0], Field | Choice) else ""

    def _number(self, name: str, what: str, low: float, high: float) -> float | None:
        typed = self._typed(name)
        return number(typed, what, low=low, high=high) if typed else None

    def _nearness(self) -> Nearness:
        typed = self._typed("level")
        found = parse(typed)
        if found is None:
            raise UsageError(
                f"{typed!r} is neither a level nor a similarity",
                hint="write copies, paraphrases, or a similarity from 0.7 to 1",
            )
        return found

    def action_accept(self) -> None:
        """Give the answers back, if they can be read."""
        if self._approved == 0:
            raise UsageError(_NOTHING[0], hint=_NOTHING[1])
        longest = self._number("longest", "max length", 16, 10**6)
        shortest = self._number("shortest", "min length", 0, 10**6)
        self.dismiss(
            FreezeOptions(
                name=self._typed("name"),
                base=self._typed("base"),
                validation_fraction=number(
                    self._typed("held-out"), "validation", low=0.01, high=0.9
                ),
                seed=int(number(self._typed("seed"), "seed", low=0, high=2**31)),
                system_prompt=self._typed("system"),
                max_length=int(longest) if longest is not None else None,
                drop_refused=self._typed("drop") == YES,
                test_fraction=self._number("test", "test", 0, 0.9) or 0.0,
                min_quality=self._number("quality", "min quality", 0, 1),
                min_length=int(shortest or 0),
                exclude_flags=words(self._typed("flags")),
                deduplicate=self._typed("dedup") == YES,
                near=self._typed("near"),
                threshold=self._nearness(),
                allow_secrets=words(self._typed("secrets")),
            )
        )
