"""The two halves of the Serve panel: what the server does, and how other programs ask it."""

from __future__ import annotations

from textual import getters
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from tui.bridge.serving import Seen
from tui.parts import serve_words as words
from tui.widgets.lines import Lines
from tui.widgets.textpane import TextPane


class ServerView(Vertical):
    """Shows a server; what did not change is not drawn again."""

    state_pane = getters.query_one("#serve-state", TextPane)
    use_pane = getters.query_one("#serve-use", TextPane)
    token_line = getters.query_one("#serve-token", Lines)

    _running = False

    def compose(self) -> ComposeResult:
        """The token, while it is shown, over both halves."""
        yield Lines(id="serve-token")
        with Horizontal(id="serve-panes"):
            yield TextPane(id="serve-state", classes="pane-first")
            yield TextPane(id="serve-use", classes="pane-second")

    def show(self, seen: Seen, exports: int | None, key: str, *, made: bool) -> None:
        """Show the server as it is.

        Args:
            seen: The server.
            exports: How many exports can be served; None while that is not known.
            key: How a shell gets its token.
            made: Whether that is the token itself, which was made here.
        """
        other, self._running = seen.running != self._running, seen.running
        self.state_pane.show(words.state_blocks(seen, exports), top=other)
        self.use_pane.show(words.use_blocks(seen, key, made=made), top=False)

    def show_token(self, token: str) -> None:
        """Show a token that was just made; an empty one takes it away."""
        self.set_class(bool(token), "-token")
        self.token_line.show(words.token_lines(token) if token else [])

    def page(self, pages: int) -> None:
        """Scroll both halves."""
        self.state_pane.pages_down(pages)
        self.use_pane.pages_down(pages)

    @property
    def text(self) -> str:
        """All that is shown, for tests."""
        return "\n".join((self.token_line.text, self.state_pane.text, self.use_pane.text))
