"""What answers are given under, in words: the models, the system prompt, and the threads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from tui.bridge.chat_pair import Choice
from tui.bridge.run_tail import short_run
from tui.parts.chat_round import Round
from tui.parts.chat_talk import Talk
from tui.widgets.words import one_line

if TYPE_CHECKING:
    from engine.errors import FinetuiError
    from engine.evaluate.sharing import Weights
    from engine.evaluate.system import System
    from engine.export.held_out import Prompt

Said = tuple[str, str]
"""A message and a hint."""


def beside_words(current: Round) -> str:
    """Return ``1 of 4 threads a side beside run 3f2a``, or nothing where nothing else computes."""
    if current.threads is None or not current.threads.beside:
        return ""
    threads = current.threads
    words = threads.words().replace(" beside ", " a side beside ", 1)
    what, _, name = threads.beside.partition(" ")
    return words.replace(name, short_run(name)) if what == "run" else words


def system_words(
    talk: Talk | None, system: System | None, prompt: Prompt | None, *, fresh: bool
) -> str:
    """Return ``system: …``: the system prompt that the line's text is asked with.

    Where there never was one, nothing is said of it.

    Args:
        talk: The conversation that goes on, if there is one.
        system: What a new conversation of typed questions is asked with.
        prompt: The prompt of the dataset that stands in the line, which has its own.
        fresh: Whether the text starts a new conversation.
    """
    if prompt is not None and fresh:
        head = prompt.turns[0]
        return f"system: {one_line(head.content)}" if head.role == "system" else ""
    if talk is not None:
        said = talk.system or ("none" if system is not None and system.frozen.text else "")
    elif system is None or system.words() == "none":
        return ""
    else:
        said = system.words()
    return f"system: {one_line(said)}" if said else ""


def system_changed(system: System, *, begun: bool) -> Said:
    """Return what typed questions are asked with from now on."""
    said = "the dataset's system prompt" if system.origin == "dataset" else "this system prompt"
    how = said if system.text else "no system prompt"
    when = f"from the {'next' if begun else 'first'} conversation on"
    return f"{how} {when}", "ctrl+l starts one" if begun else ""


def pair_line(choice: Choice | None, weights: str = "files") -> Content:
    """Return ``run 3f2a at q4_k_m · shared · best, step 60``; the last adapter is not named."""
    if choice is None:
        return Content("")
    adapter = " · shared" if weights == "shared" else ""
    adapter += "" if choice.adapter == "last" else f" · {choice.adapter}"
    return Content.assemble(
        ("run ", "$text-muted"), (short_run(choice.run_id), "bold"),
        (" at ", "$text-muted"), (choice.quant, ""), (adapter, "$text-muted"),
    )  # fmt: skip


def loaded_words(
    choice: Choice, seconds: float, problem: FinetuiError | None, how: str = ""
) -> Said:
    """Return that a pair was loaded, how, and why there are no prompts if there are none."""
    hint = f"no prompts to offer: {problem.message}" if problem else how
    return f"{choice.name}: both loaded in {seconds:.1f} s", hint


def weights_line(weights: Weights) -> Content:
    """Return how a pair will be loaded, for the dialog that chooses it."""
    said = {
        "auto": "two files, or the base once where memory is short",
        "files": "the two exported files",
        "shared": "the base once, with and without the adapter",
    }[weights]
    return Content.assemble(("weights  ", "$text-muted"), (said, "bold"))
