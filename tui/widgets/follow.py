"""Text that grows at its end, and a view that stays there until someone scrolls up."""

from __future__ import annotations

from textual import events
from textual.scroll_view import ScrollView


class FollowEnd(ScrollView):
    """Keeps the end in view through new lines and other sizes, unless it was scrolled away from."""

    _follows = True
    _held = False

    @property
    def is_following(self) -> bool:
        """Whether the end stays in view."""
        return self._follows

    def follow(self) -> None:
        """Go to the end and stay there."""
        self._follows, self._held = True, False
        self.keep_end()

    def hold(self) -> None:
        """Stay where the text is, also where its end is in view."""
        self._follows, self._held = False, True

    def keep_end(self) -> None:
        """Go to the end, if it is being followed."""
        if self._follows:
            # Forced, since the scrollbar that allows it appears only at the next layout.
            self.scroll_end(animate=False, immediate=True, force=True, x_axis=False)
            self.call_after_refresh(self._place_bar)

    def _place_bar(self) -> None:
        # A scrollbar that appeared since was not told where the text stands.
        if self.show_vertical_scrollbar:
            self.vertical_scrollbar.position = self.scroll_y

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Note whether someone scrolled away from the end, or back to it."""
        super().watch_scroll_y(old_value, new_value)
        self.note_place(new_value)

    def note_place(self, place: float) -> None:
        """Note whether the end is in view."""
        if self.size.height:  # a hidden view has no end to be at
            self._follows = not self._held and round(place) >= self.max_scroll_y

    def on_resize(self, event: events.Resize) -> None:
        """Keep the end in view at another size."""
        self.keep_end()
