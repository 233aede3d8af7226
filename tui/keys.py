"""The keys that actions are on: how they are written, and which can't work together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from engine.errors import SettingsError
from tui.actions import FRAME, GROUPS, STAGES, actions, all_actions


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
            import difflib  # only a mistake pays for it

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
