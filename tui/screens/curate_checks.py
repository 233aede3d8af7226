"""What Curate does with what checks found: say why, show what is near, redact."""

from __future__ import annotations

from textual import work

from engine.errors import ExampleMissing
from engine.models import Card, short_id
from tui.bridge.findings import redact
from tui.bridge.near import neighbours
from tui.bridge.questions import Asked, last_asked, why_not, worded
from tui.bridge.threads import off_loop
from tui.screens.curate_text import CurateText
from tui.screens.modals.near import NearAnswer, NearDialog
from tui.screens.modals.question import QuestionDialog
from tui.screens.modals.why import WhyDialog
from tui.widgets.flags import code_label
from tui.widgets.words import counted, one_line


class CurateChecks(CurateText):
    """Findings decide nothing: each key here is a person's decision, and ``u`` undoes it."""

    # -- why ------------------------------------------------------------------------

    def action_why(self) -> None:
        """Say why the card is flagged."""
        card = self._card
        if card is None:
            return
        if not card.flags and not card.measures:
            what = "nothing was found in it" if card.checked else "it is not checked yet"
            self.say(what, hint="" if card.checked else "C checks what is new or changed")
            return
        self._show_why(card)

    @work(group="ask", exclusive=True, exit_on_error=False)
    async def _show_why(self, card: Card) -> None:
        await self.app.push_screen_wait(WhyDialog(card))

    # -- what is near -----------------------------------------------------------------

    def action_near(self) -> None:
        """Show the near-duplicates of the card."""
        if (card := self._card) is not None:
            self._show_near(card)

    @work(group="ask", exclusive=True, exit_on_error=False)
    async def _show_near(self, card: Card) -> None:
        from engine.similarity import FLOOR

        found = await off_loop(neighbours, self._store, card)
        if not found.known:
            self.say("it was not compared with the others yet", hint="C checks, and compares")
            return
        if not found.members:
            self.say(f"no other example is near it (at {FLOOR:.2f} and more)")
            return
        threshold = self._settings.check.duplicate_threshold
        if not found.at(threshold):
            # Better the nearest than an empty list: the threshold says how near that is.
            nearest = max(one.similarity for one in found.members[0].reach.values())
            threshold = max(FLOOR, int(nearest * 100) / 100)
        dialog = NearDialog(card, found, threshold=threshold, floor=FLOOR)
        answer = await self.app.push_screen_wait(dialog)
        if answer is None:
            return
        if answer.go:
            self.show_example(answer.go)
        elif answer.keep:
            self._keep_best(answer)

    def _keep_best(self, answer: NearAnswer) -> None:
        rejected = 0
        for example_id in answer.reject:
            try:
                self._curator.reject(example_id)
                rejected += 1
            except ExampleMissing:  # a scan took it away meanwhile
                continue
        self._reload()
        self.say(
            f"kept {short_id(answer.keep)}, rejected {counted(rejected, 'duplicate')} of it",
            hint="u takes them back one by one" if rejected > 1 else "u takes it back",
            kind="done",
        )

    # -- a model's question -------------------------------------------------------------

    def action_question(self) -> None:
        """Let a model word the card's question."""
        if (card := self._card) is not None:
            self._ask_question(card)

    @work(group="ask", exclusive=True, exit_on_error=False)
    async def _ask_question(self, card: Card) -> None:
        reason = why_not(self._store, card)
        if reason:
            self.say(reason)
            return
        if any(worker.group == "question" and not worker.is_finished for worker in self.workers):
            self.say("a model is still wording another question")
            return
        asked = await self.app.push_screen_wait(QuestionDialog(last_asked(self._store)))
        if asked is not None:
            self._word_question(card, asked)

    @work(group="question", exclusive=True, exit_on_error=False)
    async def _word_question(self, card: Card, asked: Asked) -> None:
        name = short_id(card.example.id)
        self.say(f"a model is wording the question of {name}; go on meanwhile", kind="busy")
        found = await off_loop(worded, self._store, card, asked)
        reason = getattr(found, "reason", "")
        if reason:
            self.say(f"{name} keeps its question: {one_line(reason)}")
            return
        changed = self._store.card(card.example.id)
        self._after(changed)
        self._show_current()
        words = one_line(changed.turns[0].content)
        self.say(f"{name} is asked now: {words}", hint="u takes it back", kind="done")
        self.app.checks.follow([changed.example.id])

    # -- redacting --------------------------------------------------------------------

    def action_redact(self) -> None:
        """Put placeholders for secrets and personal data."""
        card = self._card
        if card is None:
            return
        if not card.checked:
            self.say("it is not checked yet", hint="C checks what is new or changed")
            return
        self._redact(card)

    @work(group="edit", exclusive=True, exit_on_error=False)
    async def _redact(self, card: Card) -> None:
        done = await off_loop(redact, self._store, card.example.id)
        if not done.replaced:
            self.say("no secret and no personal data was found in it")
            return
        self._after(done.card)
        self._show_current()
        what = ", ".join(f"{code_label(code)} ×{count}" for code, count in done.replaced.items())
        self.say(
            f"redacted {short_id(done.card.example.id)}: {what}",
            hint="u takes it back; the original stays in the workspace",
            kind="done",
        )
        self.app.checks.follow([done.card.example.id])
