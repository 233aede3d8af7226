"""Write the README's tables of verbs, keys and settings from the code that defines them.

Usage: python -m tools.reference [--check]
"""

from __future__ import annotations

import sys
from pathlib import Path

import click
from pydantic import BaseModel

from engine.cli.main import VERBS, cli
from engine.settings import Settings
from tui.actions import GROUPS, actions

README = Path(__file__).resolve().parent.parent / "README.md"

_KEY_NAMES = {
    "left": "←",
    "right": "→",
    "up": "↑",
    "down": "↓",
    "question_mark": "?",
    "slash": "/",
    "enter": "enter",
    "space": "space",
    "escape": "esc",
    "pageup": "page up",
    "pagedown": "page down",
}


def verbs() -> str:
    """Return the table of verbs, with those of groups one a line."""
    lines = ["| verb | what it does |", "|---|---|"]
    context = click.Context(cli)
    for verb in VERBS:
        command = cli.get_command(context, verb)
        assert command is not None
        if isinstance(command, click.Group):
            for name in command.list_commands(context):
                inner = command.get_command(context, name)
                assert inner is not None
                lines.append(_verb_line(f"{verb} {name}", inner))
        else:
            lines.append(_verb_line(verb, command))
    return "\n".join(lines)


def _verb_line(name: str, command: click.Command) -> str:
    words = [
        parameter.make_metavar(click.Context(command))
        for parameter in command.params
        if isinstance(parameter, click.Argument)
    ]
    call = " ".join(["finetui", name, *words]).replace("|", "\\|")
    return f"| `{call}` | {command.get_short_help_str(limit=200)} |"


def keys() -> str:
    """Return the tables of keys, one a screen."""
    parts = []
    for group in GROUPS:
        lines = [f"**{group}**", "", "| key | action | what it does |", "|---|---|---|"]
        for action in actions(group):
            shown = ", ".join(f"`{_KEY_NAMES.get(key, key)}`" for key in action.keys)
            lines.append(f"| {shown} | `{action.id}` | {action.help} |".replace("`|`", "`\\|`"))
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def settings() -> str:
    """Return the table of settings, with defaults."""
    lines = ["| setting | default | what it is |", "|---|---|---|"]
    for section, info in Settings.model_fields.items():
        inner = info.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            for name, field in inner.model_fields.items():
                text = (field.description or "").replace("\n", " ")
                lines.append(f"| `{section}.{name}` | `{field.default!r}` | {text} |")
        else:
            text = (info.description or "").replace("\n", " ")
            lines.append(f"| `{section}` | | {text} |")
    return "\n".join(lines)


def rewritten(text: str) -> str:
    """Return the README's text with the three tables as the code has them now."""
    for name, make in (("verbs", verbs), ("keys", keys), ("settings", settings)):
        head, opened, rest = text.partition(f"<!-- {name} -->\n")
        _, closed, tail = rest.partition(f"<!-- /{name} -->")
        if not (opened and closed):
            sys.exit(f"README.md has no place for {name}")
        text = f"{head}{opened}{make()}\n{closed}{tail}"
    return text


def main() -> None:
    """Write the tables, or with --check say whether they are up to date."""
    old = README.read_text("utf-8")
    new = rewritten(old)
    if "--check" in sys.argv:
        sys.exit(0 if old == new else "README.md is behind the code: python -m tools.reference")
    README.write_text(new, "utf-8")


if __name__ == "__main__":
    main()
