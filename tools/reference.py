"""Write the tables of verbs, keys, settings and sources' options from the code that defines them.

Usage: python -m tools.reference [--check]
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from pathlib import Path

import click

from engine.cli.main import VERBS, cli
from engine.schema import options as options_of
from engine.settings import Settings
from engine.sources import KINDS
from tui.actions import GROUPS, actions

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
SOURCES = ROOT / "docs" / "sources.md"

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
            if command.invoke_without_command:
                lines.append(_verb_line(verb, command))
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
    for section in options_of(Settings):
        if isinstance(section.type, type) and dataclasses.is_dataclass(section.type):
            for option in options_of(section.type):
                name = f"{section.name}.{option.name}"
                lines.append(f"| `{name}` | `{option.default!r}` | {option.help} |")
        else:
            lines.append(f"| `{section.name}` | | {section.help} |")
    return "\n".join(lines)


def options() -> str:
    """Return the table of what can be set about each kind of source."""
    lines = ["| kind | option | values | what it does |", "|---|---|---|---|"]
    for reader in KINDS.values():
        for option in reader.options:
            values = " ".join(f"`{choice}`" for choice in option.choices)
            default = f"default `{option.default}`" if option.default else ""
            shown = "; ".join(part for part in (values, default) if part)
            lines.append(f"| {reader.kind} | `{option.name}` | {shown} | {option.help} |")
    return "\n".join(lines)


TABLES: dict[Path, tuple[tuple[str, Callable[[], str]], ...]] = {
    README: (("verbs", verbs), ("keys", keys), ("settings", settings)),
    SOURCES: (("options", options),),
}


def rewritten(path: Path) -> str:
    """Return a document's text with its tables as the code has them now."""
    text = path.read_text("utf-8")
    for name, make in TABLES[path]:
        head, opened, rest = text.partition(f"<!-- {name} -->\n")
        _, closed, tail = rest.partition(f"<!-- /{name} -->")
        if not (opened and closed):
            sys.exit(f"{path.name} has no place for {name}")
        text = f"{head}{opened}{make()}\n{closed}{tail}"
    return text


def main() -> None:
    """Write the tables, or with --check say whether they are up to date."""
    for path in TABLES:
        new = rewritten(path)
        if "--check" not in sys.argv:
            path.write_text(new, "utf-8")
        elif path.read_text("utf-8") != new:
            sys.exit(f"{path.name} is behind the code: python -m tools.reference")


if __name__ == "__main__":
    main()
