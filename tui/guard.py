"""One place where everything that a handler, a timer or a paint raises ends.

Textual ends the app on any exception, and prints a traceback with the values of local
variables: a person's private text in the terminal's scrollback, and whatever was being typed
lost. It has no hook for it, so three of its methods are wrapped here, once a process. What
an app of ours raises goes to its ``survive``; other apps of the process stay as they are.
"""

from __future__ import annotations

from functools import wraps
from typing import Any, Protocol, runtime_checkable

from textual import events
from textual._context import NoActiveAppError
from textual.content import Content
from textual.geometry import Region
from textual.message import Message
from textual.message_pump import MessagePump
from textual.screen import ModalScreen
from textual.strip import Strip
from textual.widget import Widget


@runtime_checkable
class Surviving(Protocol):
    """An app that goes on after an exception."""

    def survive(self, error: Exception) -> None:
        """Show an exception, and log it if it has no name."""


def _survivor(pump: MessagePump) -> Surviving | None:
    """Return the app that goes on after what ``pump`` raised, or None where Textual ends it."""
    try:
        app = pump.app
    except NoActiveAppError:
        return None
    return app if isinstance(app, Surviving) else None


def install() -> None:
    """Wrap Textual's methods; a second call does nothing."""
    if getattr(MessagePump._dispatch_message, "guarded", False):
        return
    _guard_dispatch()
    _guard_paint()


def _guard_dispatch() -> None:
    dispatch = MessagePump._dispatch_message

    @wraps(dispatch)
    async def guarded(self: MessagePump, message: Message) -> None:
        try:
            await dispatch(self, message)
        except Exception as error:
            app = _survivor(self)
            if app is None or not _can_go_on(self, message):
                raise
            app.survive(error)

    guarded.guarded = True  # type: ignore[attr-defined]
    MessagePump._dispatch_message = guarded  # type: ignore[method-assign]


def _can_go_on(pump: MessagePump, message: Message) -> bool:
    """Return whether a pump is of use after a failed message; closes a half-made dialog."""
    if not isinstance(message, (events.Compose, events.Mount)):
        return True
    screen = pump.screen if isinstance(pump, Widget) and pump.is_attached else pump
    if isinstance(screen, ModalScreen):
        screen.app.call_next(screen.dismiss, None)
        return True
    return False


def _guard_paint() -> None:
    render_lines = Widget.render_lines

    @wraps(render_lines)
    def guarded(self: Widget, crop: Region) -> list[Strip]:
        try:
            return render_lines(self, crop)
        except Exception as error:
            app = _survivor(self)
            if app is None:
                raise
            app.survive(error)
            return _blank(crop)

    Widget.render_lines = guarded  # type: ignore[method-assign]


def _blank(crop: Region) -> list[Strip]:
    words: Any = Content("! this part can't be drawn").truncate(crop.width, ellipsis=True)
    first = Strip(words.render_segments()).adjust_cell_length(crop.width)
    return [first, *(Strip.blank(crop.width) for _ in range(crop.height - 1))][: crop.height]
