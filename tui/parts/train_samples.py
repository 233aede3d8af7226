"""What the model answers to a few fixed prompts, at one evaluation beside its base's answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual import getters
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content

from tui.widgets.borders import set_border
from tui.widgets.textpane import BLANK, Block, TextPane, text
from tui.widgets.words import plain

if TYPE_CHECKING:
    from engine.runs import Samples

BESIDE_COLUMNS = 84
"""From here on the base's answers stand beside the others; below, above each of them."""


class SamplesPart(Horizontal):
    """Answers at one step, beside those of step 0: the untouched base.

    The newest are shown as they come, until :meth:`earlier` goes back; they are followed again
    once :meth:`later` has come to the end.
    """

    base = getters.query_one("#samples-base", TextPane)
    then = getters.query_one("#samples-then", TextPane)

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._samples: tuple[Samples, ...] = ()
        self._back = 0
        self._empty = ""

    def compose(self) -> ComposeResult:
        """The base's answers, and the others."""
        yield TextPane(id="samples-base", classes="pane")
        yield TextPane(id="samples-then", classes="pane")

    def on_mount(self) -> None:
        """Name the panes."""
        set_border(self.base, "The base")
        self._draw()

    def on_resize(self) -> None:
        """Put both beside one another, or in one."""
        self._draw()

    def show(self, samples: Sequence[Samples], empty: str, *, fresh: bool = False) -> None:
        """Show the answers of a run.

        Args:
            samples: What was answered, by rising step.
            empty: What to say where there is nothing.
            fresh: Whether it is another run, whose newest answers are shown.
        """
        new = tuple(samples)
        if fresh:
            self._back = 0
        elif self._back:
            # Who went back stays at that step while others are added.
            self._back += max(0, len(new) - len(self._samples))
        self._back = min(self._back, max(0, len(new) - 1))
        self._samples, self._empty = new, empty
        self._draw()

    def earlier(self) -> bool:
        """Show the answers before; return whether there are any."""
        return self._move(1)

    def later(self) -> bool:
        """Show the answers after; return whether there are any."""
        return self._move(-1)

    def scroll_pages(self, pages: int) -> None:
        """Scroll both panes."""
        self.base.pages_down(pages)
        self.then.pages_down(pages)

    def _move(self, by: int) -> bool:
        there = 0 <= self._back + by < len(self._samples)
        if there:
            self._back += by
            self._draw()
        return there

    def _draw(self) -> None:
        if not self.is_mounted:
            return
        found = self._samples
        base = found[0] if found and found[0].step == 0 else None
        shown = found[-1 - self._back] if found else None
        beside = self.size.width >= BESIDE_COLUMNS and base is not None and shown is not base
        self.base.display = beside
        if beside and base is not None:
            self.base.show(_blocks(base, None), top=False)
        if shown is None:
            set_border(self.then, "Samples", "")
            self.then.show([Block(text(self._empty, "$text-muted"))])
            return
        where = "the base" if shown is base else f"step {shown.step:,}"
        set_border(
            self.then, f"Samples · {where}", f"{len(found) - self._back} of {len(found)} ← →"
        )
        above = base if base is not None and shown is not base and not beside else None
        self.then.show(_blocks(shown, above), top=False)


def _blocks(samples: Samples, base: Samples | None) -> list[Block]:
    """Return prompts and answers; with those of the base above them, where it is given."""
    before = {one.prompt: one.text for one in base.answers} if base is not None else {}
    blocks: list[Block] = []
    for one in samples.answers:
        if blocks:
            blocks.append(BLANK)
        blocks.append(Block(plain(one.prompt, "bold")))
        if one.prompt in before:
            blocks.append(_answer("base  ", before[one.prompt], "$text-muted"))
            blocks.append(_answer(f"{samples.step:<6,}", one.text, ""))
        else:
            blocks.append(_answer("", one.text, ""))
    return blocks


def _answer(label: str, answer: str, style: str) -> Block:
    said = plain(answer.strip(), style) if answer.strip() else text("(nothing)", "$text-muted")
    return Block(Content.assemble((label, "$text-accent"), said), indent=2)
