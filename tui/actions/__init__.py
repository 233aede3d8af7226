"""The one registry of what can be done by key.

A screen's keys stand in a module of this package named after it
(``tui/actions/curate.py`` for the mode ``curate``), as a tuple ``ACTIONS``. From
there come the screen's bindings, the cheat line, the command palette, the ``?``
help and the documentation, so that none of them can drift from the others.

An action is an id that never changes (``curate.approve``), the key or keys it is
on, a word or two for the cheat line, and a sentence of help. The last part of the
id names the method that does it: ``curate.approve`` calls ``action_approve`` of
the screen, ``next-undecided`` calls ``action_next_undecided``. People put
actions on other keys in their settings::

    [keys]
    "curate.approve" = "y"
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from textual.binding import Binding, BindingType

from engine.errors import SettingsError

FRAME = "frame"
"""The group of actions that work on every stage; the app itself carries them out."""

STAGES: tuple[str, ...] = ("sources", "curate", "dataset", "train", "chat")
"""The modes of the app, in the order of their number keys."""

DIALOGS: tuple[str, ...] = (
    "dialog", "add", "edit", "skips", "help", "choose", "confirm", "read", "pick", "form",
    "fields", "write", "setup", "answers", "versions", "why", "near",
)  # fmt: skip
"""Groups of actions that work in dialogs."""

GROUPS: tuple[str, ...] = (FRAME, *STAGES, *DIALOGS)


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that can be done by key.

    Attributes:
        id: ``group.name``; stable, because settings name it.
        key: Textual's name of the key, or several with commas (``j,down``).
        label: A word or two for the cheat line.
        help: One sentence, ending without a full stop, for ``?`` and the palette.
        cheat: Whether the cheat line shows it. Its order is that of the registry,
            so put first what a newcomer needs first.
        priority: Whether the key works even while a text field has the focus.
    """

    id: str
    key: str
    label: str
    help: str
    cheat: bool = True
    priority: bool = False

    @property
    def group(self) -> str:
        """The group, which is a stage's mode, ``frame``, or a dialog."""
        return self.id.partition(".")[0]

    @property
    def method(self) -> str:
        """The name that Textual dispatches on: ``action_`` and this is the method."""
        return self.id.partition(".")[2].replace("-", "_")

    @property
    def keys(self) -> tuple[str, ...]:
        """The single keys."""
        return tuple(key.strip() for key in self.key.split(","))

    def binding(self) -> Binding:
        """Return the Textual binding of this action."""
        return Binding(
            self.key,
            self.method,
            self.label,
            show=self.cheat,
            priority=self.priority,
            tooltip=self.help,
            id=self.id,
        )


@cache
def actions(group: str) -> tuple[Action, ...]:
    """Return the actions of a group, in the order in which they are shown."""
    found = importlib.import_module(f"tui.actions.{group}").ACTIONS
    assert all(action.group == group for action in found), group
    return tuple(found)


def bindings(*groups: str) -> list[BindingType]:
    """Return the bindings of groups, for a ``BINDINGS`` class variable."""
    return [action.binding() for group in groups for action in actions(group)]


def all_actions() -> Iterator[Action]:
    """Yield every action of the app."""
    for group in GROUPS:
        yield from actions(group)


def check_keys(keys: Mapping[str, str]) -> None:
    """Refuse keys of one's own that can't work.

    Args:
        keys: The setting ``keys``: an action's id, and its new key or keys.

    Raises:
        SettingsError: An id that no action has, an empty key, or a key that two
            actions of one screen would share.
    """
    known = {action.id: action for action in all_actions()}
    for identifier, key in keys.items():
        if identifier not in known:
            near = difflib.get_close_matches(identifier, known, n=1, cutoff=0.4)
            hint = f"did you mean {near[0]}?" if near else "press ? in the app for the names"
            raise SettingsError(f"setting keys: there is no action {identifier}", hint=hint)
        if not all(part.strip() for part in key.split(",")):
            raise SettingsError(
                f"setting keys: {identifier} has an empty key",
                hint="name a key as in the help, for example 'y' or 'ctrl+y'",
            )
    for group in GROUPS:
        for key, first, second in clashes(group, keys):
            raise SettingsError(
                f"setting keys: {key} would do both {first} and {second}",
                hint=f"give {second} another key too",
            )


def clashes(group: str, keys: Mapping[str, str] | None = None) -> Iterator[tuple[str, str, str]]:
    """Yield each key that two actions share where a group is shown.

    Args:
        group: A stage or a dialog; a stage is shown together with the frame.
        keys: Keys of one's own, which replace those of the registry.

    Yields:
        The key and the ids of the two actions.
    """
    shown = actions(group)
    if group in STAGES:
        shown = (*actions(FRAME), *shown)
    taken: dict[str, str] = {}
    for action in shown:
        for key in (keys or {}).get(action.id, action.key).split(","):
            name = key.strip()
            if name in taken:
                yield name, taken[name], action.id
            taken[name] = action.id


_SHOWN = {
    "enter": "↵", "space": "␣", "escape": "esc", "question_mark": "?", "slash": "/",
    "up": "↑", "down": "↓", "left": "←", "right": "→", "pageup": "pgup", "pagedown": "pgdn",
    "plus": "+", "minus": "-", "full_stop": ".", "comma": ",", "equals_sign": "=",
    "left_square_bracket": "[", "right_square_bracket": "]", "less_than_sign": "<",
    "greater_than_sign": ">", "exclamation_mark": "!", "number_sign": "#", "colon": ":",
    "semicolon": ";", "underscore": "_", "backslash": "\\", "asterisk": "*",
}  # fmt: skip


def key_name(key: str) -> str:
    """Return how a key is written on the screen: ``↵`` for ``enter``, ``?`` for its name."""
    *modifiers, last = key.split("+")
    return "+".join([*modifiers, _SHOWN.get(last, last)])
