"""What the Serve panel says of a server, as blocks and lines; nothing here touches a widget."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from textual.content import Content

from tui.bridge.serving import Model, Seen
from tui.widgets.rows import Part
from tui.widgets.textpane import BLANK, Block, text
from tui.widgets.words import ago, counted, file_size, fit, one_line

if TYPE_CHECKING:
    from engine.gateway.control import Reloaded
    from engine.gateway.state import ServerState

Said = tuple[str, str]
"""A message and its hint."""

LABEL = 11
"""Cells of a label."""

OF_ITS_START = "The token is the one that the server was started with."

NO_EXPORT: Said = ("there is no exported model to serve", "4 goes to Train, where e exports a run")
NO_SERVER: Said = ("no server runs", "s starts one")
STOPPING: Said = ("the server is ending", "it answers what it has begun")
STARTING: Said = ("the server is still starting", "")
NOT_HERE: Said = (
    "the server runs on another machine, which alone can change its model",
    "finetui reload there does it",
)

_PHASES: Mapping[str, tuple[str, str, str]] = {
    "starting": ("…", "$text-accent", "starting"),
    "serving": ("●", "$text-success", "serving"),
    "switching": ("…", "$text-accent", "changing models"),
    "restarting": ("!", "$text-warning", "the engine ended and is being started again"),
    "idle": ("○", "$text-muted", "unloaded: the next request loads it again"),
    "lent": ("○", "$text-muted", "unloaded while a training run has the device"),
    "stopping": ("…", "$text-accent", "answering what it has begun, then it ends"),
    "failed": ("✗", "$text-error", "failed"),
    "ended": ("■", "$text-muted", "ended"),
}


def phase_line(seen: Seen) -> Content:
    """Return what the server does, with its sign, and since when."""
    state = seen.state
    if not seen.running:
        sign, style = ("✗", "$text-error") if seen.error else ("■", "$text-muted")
        return Content.assemble((f"{sign} ", style), ("not running", "bold"))
    phase: str = state.phase if state is not None else "starting"  # it has not spoken yet
    if seen.stopping:
        phase = "stopping"
    sign, style, words = _PHASES.get(phase, ("?", "$text-muted", one_line(phase)))
    where = f" on {one_line(seen.host)}" if seen.host else ""
    return Content.assemble((f"{sign} ", style), (words + where, "bold"))


def up_words(minutes: int) -> str:
    """Return how long it has been running: ``under a minute``, ``12 min``, ``3 h 5 min``."""
    if minutes < 1:
        return "under a minute"
    hours, rest = divmod(minutes, 60)
    if hours >= 48:
        return f"{hours // 24} days"
    return f"{hours} h {rest} min" if hours else f"{rest} min"


def state_blocks(seen: Seen, exports: int | None) -> list[Block]:
    """Return the left pane: what the server does, or how one comes to be.

    Args:
        seen: The server.
        exports: How many exports can be served; None while that is not known.
    """
    right = text(f"up {up_words(seen.minutes)}", "$text-muted") if seen.running else None
    blocks = [Block(phase_line(seen), right=right), BLANK]
    if not seen.running:
        return blocks + _stopped_blocks(seen, exports)
    if seen.state is None:
        return blocks
    return blocks + [_line(label, words) for label, words in figures(seen)] + _said(seen.state)


def figures(seen: Seen) -> list[tuple[str, Content]]:
    """Return the running server's figures, each with its label."""
    state = seen.state
    assert state is not None
    loads = state.next and state.next != state.model
    found = [
        ("model", text(one_line(state.model) or "none yet", "bold")),
        *([("loading", text(one_line(state.next), "$text-accent"))] if loads else []),
        ("engine", text(one_line(state.engine) or "none yet")),
        ("address", _address(seen)),
        ("requests", _requests(state)),
        ("tokens", text(_tokens(state))),
        ("memory", text(file_size(state.memory) if state.memory else "not known yet")),
    ]
    changes = [counted(state.swaps, "reload")] if state.swaps else []
    changes += [counted(state.restarts, "restart") + " of the engine"] if state.restarts else []
    if changes:
        found.append(("changes", text(" · ".join(changes))))
    return found


def _address(seen: Seen) -> Content:
    state = seen.state
    assert state is not None
    if not state.url:
        return text("not listening yet", "$text-muted")
    words = one_line(state.url)
    if seen.host:
        words += f" on {one_line(seen.host)}"
    access = ("no token asked for", "$text-warning") if state.open else ("token", "$text-muted")
    return Content.assemble(words, (" · ", "$text-muted"), access)


def _requests(state: ServerState) -> Content:
    parts: list[tuple[str, str]] = [
        (f"{state.active:,} active", "bold" if state.active else ""),
        (f" · {state.waiting:,} waiting", "$text-warning" if state.waiting else "$text-muted"),
        (f" · {state.requests:,} answered", ""),
    ]
    if state.failed:
        parts.append((f" · ✗ {state.failed:,} failed", "$text-error"))
    return Content.assemble(*parts)


def _tokens(state: ServerState) -> str:
    rate = f"{state.tokens_per_s:.1f} tokens/s"
    return f"{rate} · {state.tokens:,} written · {state.prompt_tokens:,} read"


def _said(state: ServerState) -> list[Block]:
    if not state.said:
        return []
    return [BLANK, Block(text("it says", "$text-muted")), Block(text(one_line(state.said)), 2)]


def _line(label: str, words: Content) -> Block:
    return Block(Content.assemble((label.ljust(LABEL), "$text-muted"), words))


def _stopped_blocks(seen: Seen, exports: int | None) -> list[Block]:
    blocks: list[Block] = []
    if seen.error:
        blocks.append(Block(text(one_line(seen.error), "$text-error")))
        if seen.hint:
            fix = Content.assemble(("Fix: ", "$text-warning"), one_line(seen.hint))
            blocks.append(Block(fix))
        if seen.state is not None and seen.state.model:
            blocks.append(Block(text(f"it served {one_line(seen.state.model)}", "$text-muted")))
        blocks.append(BLANK)
    if exports == 0:
        message, hint = NO_EXPORT
        blocks += [Block(text(f"{message.capitalize()}.")), Block(text(hint, "$text-muted"))]
        return blocks
    about = (
        "A server lets other programs ask an exported model, by the protocol that OpenAI's "
        "clients speak. It goes on when finetui or the terminal is closed."
    )
    starts = Content.assemble(("s", "$text-accent bold"), " starts one.")
    return [*blocks, Block(starts), BLANK, Block(text(about, "$text-muted"))]


# -- for other programs -----------------------------------------------------------------


def export_lines(state: ServerState, key: str) -> str:
    """Return the shell lines that point OpenAI's clients at the server.

    Args:
        state: The server.
        key: How a shell gets the token: the token itself, or a variable or command.
    """
    from engine.gateway.words import environment_lines

    return "\n".join(environment_lines(_url(state), "" if state.open else key))


def curl_line(state: ServerState) -> str:
    """Return a curl command that asks the server, on one line.

    The token itself is never in it: arguments can be read in the list of processes.
    """
    from engine.gateway.words import curl_line as line

    return line(_url(state), open=state.open)


def _url(state: ServerState) -> str:
    # The file that names it may come from anybody, and what is copied goes into a shell.
    return shlex.quote(state.url)


def use_blocks(seen: Seen, key: str, *, made: bool) -> list[Block]:
    """Return the right pane: what to paste into a shell, or what will be there.

    Args:
        seen: The server.
        key: How a shell gets the token.
        made: Whether that is the token itself, which is not shown again.
    """
    state = seen.state
    if not seen.running or state is None or not state.url:
        words = "The lines for other programs are here once it listens."
        return [Block(text(words, "$text-muted"))]
    hidden = export_lines(state, "…  (e copies it with the token)" if made else key)
    blocks = [_keyed("OpenAI's clients", "e")]
    blocks += [Block(text(one_line(line)), indent=2) for line in hidden.splitlines()]
    blocks += [BLANK, _keyed("curl, after those lines", "c")]
    blocks.append(Block(text(one_line(curl_line(state))), indent=2))
    if not state.open and not made:
        blocks += [BLANK, Block(text(OF_ITS_START, "$text-muted"))]
    return blocks


def _keyed(label: str, key: str) -> Block:
    """Return a heading with the key that copies what stands below it."""
    return Block(Content.assemble((f"{label}  ", "$text-muted"), (key, "$text-accent bold")))


def token_lines(token: str) -> list[Content]:
    """Return the lines that show a token that was just made, once."""
    return [
        text("token · shown this once, kept nowhere · t copies it", "$text-muted"),
        text(token, "bold $text-accent"),
    ]


# -- what is said -------------------------------------------------------------------------


def started_words(seen: Seen) -> Said:
    """Return what is said when the server that was started answers."""
    state = seen.state
    assert state is not None
    return f"{state.model} answers", "it goes on when finetui is left"


def reloaded_words(done: Reloaded) -> Said:
    """Return what is said of a change of models that succeeded."""
    waited = "requests waited meanwhile" if done.waited else "no request had to wait"
    return f"{done.model} answers now, after {done.seconds:.1f} s", waited


def goes_on_words(seen: Seen | None) -> str:
    """Return what still answers after a change of models that failed; empty where unknown."""
    if seen is None or not seen.running or seen.state is None or not seen.state.model:
        return ""
    return f"{seen.state.model} goes on"


def stop_question(seen: Seen) -> Said:
    """Return the question before a busy server is stopped, and what becomes of its requests."""
    state = seen.state
    assert state is not None
    now = []
    if state.active:
        now.append(f"{counted(state.active, 'request')} being answered")
    if state.waiting:
        now.append(f"{counted(state.waiting, 'request')} waiting")
    return (
        f"Stop the server with {' and '.join(now)}?",
        "They are answered first, and new ones are refused.",
    )


def model_rows(found: Sequence[Model], now: float, serving: Seen | None) -> list[list[Part]]:
    """Return the rows of the models that can be served.

    Args:
        found: The models.
        now: Seconds since the epoch.
        serving: The server, whose model is marked.
    """
    state = serving.state if serving is not None and serving.running else None
    width = max((len(one_line(model.called)) for model in found), default=0)
    bases = max((len(one_line(model.base)) for model in found), default=0)
    rows: list[list[Part]] = []
    for model in found:
        is_it = state is not None and (state.run, state.quant) == (model.run_id, model.quant)
        rows.append(
            [
                ("● " if is_it else "  ", "success"),
                (fit(one_line(model.called), min(width, 24)), "strong"),
                (f"  {fit(model.quant, 8)} {file_size(model.size):>9}  ", "row"),
                (f"{fit(one_line(model.base), min(bases, 24))}  {ago(model.at, now)}", "muted"),
            ]
        )
    return rows
