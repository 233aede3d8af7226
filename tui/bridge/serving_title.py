"""What the title line of every screen shows of the workspace's server."""

from __future__ import annotations

from pathlib import Path

from textual.message import Message
from textual.message_pump import MessagePump

from tui.bridge.threads import Poller
from tui.messages import Server, ServerMoved

TITLE_SECONDS = 2.0
"""Between two looks."""


class ServerWatch:
    """Finds the server that the title line shows. Called in the poller's thread.

    A workspace without a server costs one ``stat`` a look.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._last: Server | None = None
        self._phase = ""

    def look(self) -> Message | None:
        """Return a message if what the title line shows has changed."""
        server = self._find()
        if server == self._last:
            return None
        self._last = server
        # One that ends on request says so last; a verb that starts another one clears that away.
        return ServerMoved(server, died=server is None and self._phase not in ("", "ended"))

    def _find(self) -> Server | None:
        from engine.gateway.spec import SERVER_DIR
        from engine.gateway.state import STATE_FILE, read_state

        directory = self._root / SERVER_DIR
        self._phase = ""
        if not (directory / STATE_FILE).is_file():
            return None
        from engine.runs import look
        from tui.bridge.run_tail import short_run

        # Life first: a server that ends in between has then said its last word.
        life, state = look(directory), read_state(directory)
        self._phase = state.phase if state is not None else ""
        if state is None or not life.alive or state.phase in ("failed", "ended"):
            return None
        model = state.model or state.next
        called, colon, quant = model.partition(":")
        if called == state.run:  # one without a name of its own
            model = f"{short_run(called)}{colon}{quant}"
        requests = state.active + state.waiting
        return Server(model, state.phase, requests, state.url, life.where == "elsewhere")


def watch_server(target: MessagePump, root: Path, *, interval: float = TITLE_SECONDS) -> Poller:
    """Return a poller, not started yet, that posts :class:`ServerMoved` to ``target``."""
    return Poller(target, ServerWatch(root).look, interval=interval)
