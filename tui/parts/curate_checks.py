"""What is done with findings and questions off the event loop: redact, word a question."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.models import Card, short_id
from engine.store import Store
from tui.bridge.findings import find_elsewhere, redact, redact_elsewhere
from tui.bridge.questions import Asked, worded
from tui.bridge.threads import off_loop
from tui.parts.curate_decisions import Outcome
from tui.widgets.flags import code_label
from tui.widgets.words import counted, one_line

if TYPE_CHECKING:
    from engine.curate import Redaction


class ChecksPart:
    """Edits that a program proposes and a person asks for; ``u`` undoes each.

    Args:
        store: Where the examples are.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.wording = ""
        """Why no other question can be worded now; empty where one can."""
        self._last: Redaction | None = None

    async def redact(self, card: Card) -> Outcome:
        """Replace what is flagged as secret or personal by placeholders."""
        if not card.checked:
            return Outcome("it is not checked yet", "C checks what is new or changed")
        done = await off_loop(redact, self._store, card.example.id)
        if not done.replaced:
            return Outcome("no secret and no personal data was found in it")
        what = ", ".join(f"{code_label(code)} ×{count}" for code, count in done.replaced.items())
        if done.fields:
            what += f", also in {', '.join(map(one_line, done.fields))}"
        message = f"redacted {short_id(done.card.example.id)}: {what}"
        hint = "u undoes it; the original stays in the workspace"
        self._last = done if done.values else None
        others = await off_loop(find_elsewhere, self._store, done.values, done.card.example.id)
        if others:
            message += f" · also in {counted(len(others), 'other example')}"
            hint = "X redacts there too; u undoes it"
        return Outcome(message, hint, "done", done.card, checks=True)

    async def redact_elsewhere(self) -> Outcome:
        """Put the values of the last redaction out of all other examples, as one operation."""
        last = self._last
        if last is None:
            return Outcome("nothing was redacted yet", "x redacts an example; X then the others")
        done = await off_loop(redact_elsewhere, self._store, last.values, last.card.example.id)
        if not done:
            return Outcome("no other example holds what was redacted")
        number = sum(sum(counts.values()) for counts in done.values())
        ids = tuple(done)
        return Outcome(
            f"redacted {counted(number, 'value')} in {counted(len(ids), 'other example')}",
            "u undoes all of it",
            "done",
            self._store.card(ids[0]),
            checks=True,
            examples=ids,
        )

    async def word(self, card: Card, asked: Asked) -> Outcome:
        """Let a model word the question of a card; one at a time."""
        self.wording = f"a model is still wording the question of {short_id(card.example.id)}"
        try:
            found = await off_loop(worded, self._store, card, asked)
        finally:
            self.wording = ""
        name = short_id(card.example.id)
        if reason := getattr(found, "reason", ""):
            return Outcome(f"{name} keeps its question: {one_line(reason)}")
        changed = self._store.card(card.example.id)
        if changed.turns == card.turns:
            return Outcome(f"{name} keeps its question: it was decided meanwhile")
        words = one_line(changed.turns[0].content)
        return Outcome(
            f"the question of {name} is now: {words}", "u undoes it", "done", changed, checks=True
        )
