"""The answers that a freeze needs."""

from __future__ import annotations

from collections.abc import Iterator

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Label

from engine.errors import UsageError
from tui.actions import bindings
from tui.bridge.datasets import FreezeOptions
from tui.screens.modals.dialog import Dialog
from tui.widgets.field import Field


def number(text: str, what: str, *, low: float, high: float) -> float:
    """Return a typed number.

    Raises:
        UsageError: It is none, or out of range.
    """
    try:
        value = float(text.strip())
    except ValueError as error:
        raise UsageError(f"{what}: {text!r} is no number", hint=f"{low:g} to {high:g}") from error
    if not low <= value <= high:
        raise UsageError(f"{what}: {value:g} is out of range", hint=f"{low:g} to {high:g}")
    return value


class FreezeDialog(Dialog[FreezeOptions]):
    """A few fields with the settings' values; returns what was chosen.

    Args:
        start: What the fields start with.
        approved: How many examples are approved.
        refused: How many of them the gate refuses.
    """

    HEADING = "Freeze a dataset"
    GROUP = "fields"
    OK = "freeze"
    BINDINGS = bindings("fields")
    AUTO_FOCUS = "Field"

    def __init__(self, start: FreezeOptions, *, approved: int, refused: int) -> None:
        super().__init__()
        self._start = start
        self._approved = approved
        self._refused = refused

    def _fields(self) -> Iterator[tuple[str, str, str, str]]:
        start = self._start
        yield "name", "name", start.name, "empty takes the next of d1, d2, …"
        yield "held-out", "held out", f"{start.validation_fraction:g}", "a share, 0.01 to 0.9"
        yield "seed", "seed", str(start.seed), "a whole number; the same seed, the same split"
        yield "base", "base", start.base, "whose tokens are checked; empty checks none"
        longest = "" if start.max_length is None else str(start.max_length)
        yield "longest", "longest", longest, "tokens a row; empty cuts nothing"
        yield "system", "system prompt", start.system_prompt, "put before every example; or empty"
        if self._refused:
            yield "drop", "leave out", "no", f"yes leaves out the {self._refused} refused; or no"

    def compose_box(self) -> ComposeResult:
        """A line a field."""
        for name, label, value, hint in self._fields():
            with Horizontal(classes="field-line"):
                yield Label(label, markup=False)
                yield Field(value, placeholder=hint, id=f"freeze-{name}")

    def on_mount(self) -> None:
        """Say what would be frozen."""
        refused = f", {self._refused:,} of them refused by the gate" if self._refused else ""
        self.say(f"{self._approved:,} approved{refused}")

    def _typed(self, name: str) -> str:
        fields = list(self.query(f"#freeze-{name}").results(Field))
        return fields[0].value.strip() if fields else ""

    def action_next(self) -> None:
        """Next field."""
        self.focus_next(Field)

    def action_before(self) -> None:
        """Field before."""
        self.focus_previous(Field)

    def action_accept(self) -> None:
        """Give the answers back, if they can be read."""
        longest = self._typed("longest")
        drop = self._typed("drop").lower()
        if drop not in {"", "yes", "no", "y", "n"}:
            raise UsageError(f"leave out: {drop!r} is neither yes nor no", hint="yes or no")
        self.dismiss(
            FreezeOptions(
                name=self._typed("name"),
                base=self._typed("base"),
                validation_fraction=number(self._typed("held-out"), "held out", low=0.01, high=0.9),
                seed=int(number(self._typed("seed"), "seed", low=0, high=2**31)),
                system_prompt=self._typed("system"),
                max_length=int(number(longest, "longest", low=16, high=10**6)) if longest else None,
                drop_refused=drop in {"yes", "y"},
            )
        )
