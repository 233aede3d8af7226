"""How a chat template writes turns, as data that both Python and Go can render.

A conversation is its contents with glue between them: what stands between two messages depends
on the roles of both alone. That holds for most chat templates, and what it can't say is found
by comparing (``derive``). Rendered are the messages as Ollama hands them to a template: those of
one role that follow one another are joined by an empty line (``collate`` in its
``template/template.go``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from engine.models import Turn

START, END = "^", "$"
"""What stands before the first message, and after the last one: where an answer begins."""

SPACES = tuple(chr(code) for code in range(0x3001) if chr(code).isspace())
"""What Python's ``str.strip`` removes, which is Jinja's ``trim``."""

TODAY, DAY = "\ue000", "%Y-%m-%d"
"""In glue: the current date, and how it is written, which is the one way that Ollama has."""

THOUGHT_END = "</think>"
_BLANK_LINE = "\n\n"


@dataclass(frozen=True, slots=True)
class Strip:
    """Which characters are removed at the start and the end of a content."""

    left: str = ""
    right: str = ""

    def __call__(self, text: str) -> str:
        """Return a text without them; an empty set removes nothing."""
        if self.left:
            text = text.lstrip(self.left)
        return text.rstrip(self.right) if self.right else text


NO_STRIP = Strip()


@dataclass(frozen=True, slots=True)
class Form:
    """How turns are written.

    Args:
        glue: The text between two messages, by their roles, and that before the first and after
            the last one. A pair that is missing is one that the template does not take.
        strips: What is removed around contents, by the role of the message before and their own.
        drops_thoughts: Whether earlier answers lose what stands before the last ``</think>``.
        after_thought: What is removed at the start of an answer that lost its thoughts.
        begin_token: The token that begins every text, where whoever loads the file adds it.
    """

    glue: Mapping[tuple[str, str], str]
    strips: Mapping[tuple[str, str], Strip] = field(default_factory=dict)
    drops_thoughts: bool = False
    after_thought: str = ""
    begin_token: str = ""

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles that have a place, system first."""
        found = {second for _, second in self.glue}
        return tuple(role for role in ("system", "user", "assistant", "tool") if role in found)

    def before(self, role: str) -> tuple[str, ...]:
        """Return after what a message of a role has a place; the start first."""
        return tuple(first for first in (START, *self.roles) if (first, role) in self.glue)

    @property
    def folds(self) -> bool:
        """Whether some system message has no place of its own, and goes into the next question."""
        others = {START, *self.roles} - {"system"}
        return any((first, "system") not in self.glue for first in others)

    def content(self, before: str, role: str, text: str) -> str:
        """Return a content as it is written after a message of the role before."""
        if role == "assistant" and self.drops_thoughts and THOUGHT_END in text:
            text = text.rpartition(THOUGHT_END)[2].lstrip(self.after_thought)
        return self.strips.get((before, role), NO_STRIP)(text)

    def render(self, turns: Sequence[Turn]) -> str:
        """Return the prompt that ends where the answer begins, without the begin token.

        A message that has no place after the one before it is left out; a system message goes
        into the next question then, or is one where none follows.
        """
        written: list[str] = []
        last, held = START, ""
        for turn in collate(turns):
            text = turn.content
            if (last, turn.role) not in self.glue:
                if turn.role == "system":
                    held = _joined(held, self.content(last, "system", text))
                continue
            if turn.role == "user":
                text, held = _joined(held, text), ""
            written += [self.glue[last, turn.role], self.content(last, turn.role, text)]
            last = turn.role
        if held:
            written += [self.glue[last, "user"], held]
            last = "user"
        text = "".join([*written, self.glue.get((last, END), "")])
        return text.replace(TODAY, datetime.now().strftime(DAY))

    def with_default_system(self, message: str) -> Form:
        """Return the form whose conversations have a system message where they begin with none."""
        written = self.content(START, "system", message)
        start = self.glue.get((START, "system"))
        if start is None:
            lead = self.glue[START, "user"] + written + _BLANK_LINE
        else:
            lead = start + written + self.glue["system", "user"]
        strip = self.strips.get(("system", "user"), NO_STRIP)
        return replace(
            self,
            glue={**self.glue, (START, "user"): lead},
            strips={**self.strips, (START, "user"): strip},
        )


def _joined(first: str, second: str) -> str:
    return f"{first}{_BLANK_LINE}{second}" if first else second


def collate(turns: Sequence[Turn]) -> tuple[Turn, ...]:
    """Return turns as Ollama hands them to a template: neighbours of one role are one message.

    Those of tools stay apart, since each answers a call of its own.
    """
    found: list[Turn] = []
    for turn in turns:
        if found and found[-1].role == turn.role != "tool":
            turn = Turn(turn.role, f"{found[-1].content}{_BLANK_LINE}{turn.content}")
            found.pop()
        found.append(turn)
    return tuple(found)
