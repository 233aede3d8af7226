"""A text field that stands still."""

from __future__ import annotations

from textual.widgets import Input


class Field(Input):
    """An input whose cursor does not blink: a blink is traffic, and draws the eye."""

    def __init__(
        self, value: str = "", *, placeholder: str = "", id: str | None = None, kind: str = "text"
    ) -> None:
        super().__init__(
            value,
            placeholder=placeholder,
            id=id,
            type=kind,  # type: ignore[arg-type]
            select_on_focus=False,
            valid_empty=True,
        )
        self.cursor_blink = False
